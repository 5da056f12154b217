"""What the library page shows of the index's recall: figures, and their trend as a small curve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from artsimilarity.monitoring.status import RecallStatus

_WIDTH, _HEIGHT, _MARGIN = 160, 40, 3
# A curve shows at least this much, so that a thousandth more or less does not look like a fall.
_LEAST_SPAN = 0.1
# As many of the last figures are read out instead of the curve.
_TOLD = 7


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line through some figures, in the units of an SVG of ``width`` by ``height``.

    Attributes:
        width: of the picture.
        height: of the picture.
        points: of the line, as SVG's ``points``.
        limit: height of the line that should not be fallen below, from above; None without one.
        words: the last figures, for whoever cannot see the line.
    """

    width: int
    height: int
    points: str
    limit: float | None
    words: str


def draw_trend(values: list[float], at_least: float) -> Curve | None:
    """Return the curve of some measurements, oldest first, 0..1; None of fewer than two.

    Args:
        values: to draw.
        at_least: below which an administrator is told; 0 for never.
    """
    if len(values) < 2:
        return None
    lowest = max(0.0, min(*values, at_least or 1.0, 1 - _LEAST_SPAN))

    def y(value: float) -> float:
        return round(_MARGIN + (1 - value) / (1 - lowest) * (_HEIGHT - 2 * _MARGIN), 1)

    step = (_WIDTH - 2 * _MARGIN) / (len(values) - 1)
    points = " ".join(
        f"{_MARGIN + place * step:.1f},{y(value)}" for place, value in enumerate(values)
    )
    told = [in_per_cent(value) for value in values[-_TOLD:]]
    return Curve(
        width=_WIDTH,
        height=_HEIGHT,
        points=points,
        limit=y(at_least) if at_least else None,
        words=_("Trend of the lowest recall, oldest first: %(values)s")
        % {"values": ", ".join(told)},
    )


def in_per_cent(share: float) -> str:
    """Return a share, 0..1, for people."""
    return _("%(number)s %%") % {"number": number_format(100 * share, 1)}


def recall_context(recall: RecallStatus | None) -> dict[str, Any]:
    """Return what the template needs of it; nothing if nobody has tried to measure it."""
    if recall is None:
        return {}
    return {
        "by_style": [(style, in_per_cent(share)) for style, share in recall.by_style.items()],
        "measured_at": recall.measured_at and datetime.fromisoformat(recall.measured_at),
        "pictures": recall.pictures,
        "at_least": in_per_cent(recall.at_least) if recall.at_least else "",
        "curve": draw_trend(recall.trend, recall.at_least),
        "failed": recall.failed,
    }
