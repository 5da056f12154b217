"""Pages of a search that neither repeat nor skip a picture, and that the index still serves.

The next page is asked for by distance, not by number: an offset would make the database bring all
pages before it, and shift whenever a picture is added.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext as _

_LONGEST = 4096


class CursorError(ValueError):
    """A text is not a cursor that a page has given out."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a page ended.

    Attributes:
        distance: of its last picture from the target.
        shown: primary keys, as text, of the pictures shown at exactly that distance: equal
            pictures have no order of their own.
        count: pictures on this and all earlier pages.
    """

    distance: float
    shown: tuple[str, ...]
    count: int

    @classmethod
    def after(cls, pictures: Sequence[Any], previous: Cursor | None) -> Self:
        """Return the cursor behind a page that holds at least one picture."""
        last = -pictures[-1].similarity
        shown = [str(picture.pk) for picture in pictures if -picture.similarity == last]
        if previous and previous.distance == last:
            shown = [*previous.shown, *shown]
        before = previous.count if previous else 0
        return cls(distance=last, shown=tuple(shown), count=before + len(pictures))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` of a cursor wrote.

        Raises:
            CursorError: it is something else.
        """
        try:
            if len(text) > _LONGEST:
                raise ValueError("too long")
            distance, count, *shown = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if not isinstance(distance, float) or not math.isfinite(distance):
                raise ValueError("no distance")
            if not isinstance(count, int) or count < 0 or not shown:
                raise ValueError("no count")
            if not all(isinstance(pk, str) for pk in shown):
                raise ValueError("no primary keys")
        except (ValueError, TypeError, binascii.Error) as error:
            raise CursorError(
                _("This is not a cursor: follow the address “next” of the page before.")
            ) from error
        return cls(distance=distance, shown=tuple(shown), count=count)

    def has_passed(self, picture: Any) -> bool:
        """Whether this page or an earlier one came by the picture."""
        return -picture.similarity < self.distance or str(picture.pk) in self.shown

    def __str__(self) -> str:
        values = [self.distance, self.count, *self.shown]
        return base64.urlsafe_b64encode(json.dumps(values).encode()).decode("ascii")
