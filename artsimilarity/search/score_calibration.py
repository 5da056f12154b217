"""How alike random pictures of a library are: what turns a raw score into a percentile.

A style score of 0.8 is rare in one library and common in another. So the scores of random pairs
are measured now and then, among the pictures that an anonymous visitor may see, and their
quantiles are kept: hidden pictures leave no trace in what is shown.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F
from django.utils import timezone

from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.tables import ScoreCalibration
from artsimilarity.search.sampling import samples, shuffled_place

logger = logging.getLogger(__name__)

LEAST_PICTURES: Final = 20
"""Among fewer, a percentile says nothing."""

MAX_AGE: Final = timedelta(days=1)
"""After this time scores are calibrated anew."""

PROBABILITIES: Final = (
    *(percent / 100 for percent in range(100)),
    *(0.99 + thousandth / 1000 for thousandth in range(1, 10)),
    1.0,
)
"""Of the stored quantiles; finer at the upper end, where neighbours are."""

_PICTURES: Final = 2_000
_PAIRS: Final = 10_000
# Chooses the same pictures every time, so that percentiles move only if the library does.
_SEED: Final = 1


def percentile(score: float, quantiles: Sequence[float], pairs: int) -> float:
    """Return how many per cent of random pairs have a lower score; rounded down to hundredths.

    Pairs of the same score count by half, so that where all are equal nothing stands out.

    Args:
        score: of style or of colour.
        quantiles: of the same kind of score, at ``PROBABILITIES``, ascending.
        pairs: how many pairs they were measured on. A score above all of them gets
            ``100 * pairs / (pairs + 1)``, since the next pair might be higher.

    Returns:
        0 to less than 100.
    """
    first, behind = bisect_left(quantiles, score), bisect_right(quantiles, score)
    if first < behind:
        share = (PROBABILITIES[first] + PROBABILITIES[behind - 1]) / 2
    elif first == 0:
        share = 0.0
    elif first == len(quantiles):
        share = 1.0
    else:
        below, above = quantiles[first - 1], quantiles[first]
        lower, upper = PROBABILITIES[first - 1], PROBABILITIES[first]
        share = lower + (upper - lower) * (score - below) / (above - below)
    return math.floor(10_000 * min(share, pairs / (pairs + 1))) / 100


def current_calibration(library: Library, fingerprint: str) -> ScoreCalibration | None:
    """Return the stored calibration of a library under a recipe; None if there is none."""
    known = ScoreCalibration.objects.using(library.using).filter(model_label=library.label)
    return known.filter(fingerprint=fingerprint).first()


def calibrate(library: Library, fingerprint: str | None = None) -> ScoreCalibration | None:
    """Measure how the scores of random pairs spread, and store it in the place of the last one.

    Up to 2,000 pictures of ``similarity_queryset(None)`` are taken, and up to 10,000 pairs of
    them; all pairs where there are no more than 100 pictures. Of a large table only the pages that
    this takes are read.

    Args:
        library: whose scores are calibrated.
        fingerprint: of the recipe; None takes the one that is served.

    Returns:
        The calibration; None if there are fewer than ``LEAST_PICTURES``, and then none is stored.
    """
    fingerprint = fingerprint or library.recipes().serving.fingerprint
    known: dict[str, Any] = {"model_label": library.label, "fingerprint": fingerprint}
    stored = ScoreCalibration.objects.using(library.using)
    spread = _measure_spread(library, fingerprint)
    if spread is None or spread.pictures < LEAST_PICTURES:
        stored.filter(**known).delete()
        return None
    values = {**asdict(spread), "measured_at": timezone.now()}
    calibration, _created = stored.update_or_create(**known, defaults=values)
    logger.info("Measured %d pairs of %s.", calibration.pairs, library.label, extra=known)
    return calibration


def refresh(library: Library, fingerprint: str | None = None) -> bool:
    """Calibrate if nothing is stored, if it is a day old, or if a small library has doubled.

    An error is logged and stops nobody: what calls this has more important work.

    Args:
        library: whose scores are calibrated.
        fingerprint: of the recipe; None takes the one that is served.

    Returns:
        Whether scores were calibrated.
    """
    try:
        fingerprint = fingerprint or library.recipes().serving.fingerprint
        due = _is_due(library, fingerprint)
        if due:
            calibrate(library, fingerprint)
    except Exception:  # similarity_queryset() is the host's own, and may need a request
        logger.exception(
            "The scores of %s could not be calibrated. “manage.py calibrate_scores” tries again.",
            library.label,
        )
        return False
    return due


def _is_due(library: Library, fingerprint: str) -> bool:
    calibration = current_calibration(library, fingerprint)
    if calibration is None or calibration.measured_at < timezone.now() - MAX_AGE:
        return True
    if calibration.pictures >= _PICTURES:
        return False
    doubled = 2 * calibration.pictures
    return _rows(library, fingerprint)[:doubled].count() == doubled


@dataclass(frozen=True)
class _Spread:
    pictures: int
    pairs: int
    style_quantiles: list[float]
    colour_quantiles: list[float]


def _measure_spread(library: Library, fingerprint: str) -> _Spread | None:
    """Take a few pages of the table, and more of them if they hold too few visible pictures."""
    spread = None
    for rows in samples(library, _rows(library, fingerprint), about=2 * _PICTURES, seed=_SEED):
        spread = _read_spread(library, fingerprint, rows)
        if spread is not None and spread.pictures >= _PICTURES:
            break
    return spread


def _read_spread(
    library: Library, fingerprint: str, rows: EmbeddingQuerySet[Any]
) -> _Spread | None:
    chosen = (
        rows.annotate(place=shuffled_place(_SEED))
        .order_by("place")
        .values("place", vector=F("embedding"))[:_PICTURES]
    )
    try:
        sql, params = chosen.query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:  # the host shows nothing to anybody
        return None
    size, colour_size = block_sizes(fingerprint)
    blocks = ((1, size), (size + 1, colour_size))
    style, colour = (
        f"-(subvector(a.vector, {start}, {length}) <#> subvector(b.vector, {start}, {length}))"
        for start, length in blocks
    )
    quantiles = "percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY"
    with connections[library.using].cursor() as cursor:
        # Each picture goes with some of those after it: all of them, where there are few.
        cursor.execute(
            f"WITH picture AS MATERIALIZED (SELECT vector, count(*) OVER () AS total,"  # noqa: S608
            f" row_number() OVER (ORDER BY place) AS place FROM ({sql}) AS chosen),"
            f" pair AS MATERIALIZED (SELECT {style} AS style, {colour} AS colour FROM picture a"
            f" CROSS JOIN LATERAL generate_series(1, ceil(%s::float8 / total)::int) AS step"
            f" JOIN picture b ON b.place = a.place + step)"
            f" SELECT (SELECT count(*) FROM picture), count(*),"
            f" {quantiles} style), {quantiles} colour) FROM pair",
            [*params, _PAIRS, list(PROBABILITIES), list(PROBABILITIES)],
        )
        return _Spread(*cursor.fetchone())


def _rows(library: Library, fingerprint: str) -> EmbeddingQuerySet[Any]:
    """The pictures that an anonymous visitor may see and that have a vector of the recipe."""
    visible = library.visible(None).using(library.using)
    return library.rows.current().served(fingerprint).filter(pk__in=visible.order_by().values("pk"))
