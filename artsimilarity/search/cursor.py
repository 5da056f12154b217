"""Pages of a search that neither repeat nor skip a picture, and that the index still serves.

The next page is asked for by distance, not by number: an offset would make the database bring all
pages before it, and shift whenever a picture is added. Pictures at exactly the same distance follow
each other by their primary keys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.core import signing
from django.utils.translation import gettext as _

# A cursor of ours holds two numbers and one primary key.
_LONGEST = 4096
_SALT = "artsimilarity.cursor"


class CursorError(ValueError):
    """A text is not a cursor that a page has given out."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a page ended.

    Attributes:
        distance: of its last picture from the target.
        key: that picture's primary key, as text: of equally distant ones, those with greater keys
            follow.
        count: pictures on this and all earlier pages.
    """

    distance: float
    key: str
    count: int

    @classmethod
    def after(cls, pictures: Sequence[Any], previous: Cursor | None) -> Self:
        """Return the cursor behind a page that holds at least one picture."""
        last = pictures[-1]
        before = previous.count if previous else 0
        return cls(distance=-last.similarity, key=str(last.pk), count=before + len(pictures))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` of a cursor wrote.

        Raises:
            CursorError: it is something else, also if only the site's secret key is another.
        """
        try:
            if len(text) > _LONGEST:
                raise ValueError("too long")
            distance, count, key = _signer().unsign_object(text)
            # Signed by us, perhaps by another version of us.
            if not isinstance(distance, float) or not math.isfinite(distance):
                raise ValueError("no distance")
            if not isinstance(count, int) or not isinstance(key, str):
                raise ValueError("no count, no key")
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise CursorError(
                _("This is not a cursor: follow the address “next” of the page before.")
            ) from error
        return cls(distance=distance, key=key, count=count)

    def __str__(self) -> str:
        return _signer().sign_object((self.distance, self.count, self.key))


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT)
