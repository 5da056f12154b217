"""What the web's half of a search sends to a worker's half: a picture, or where to find a detail.

While a new release is rolled out, web processes and workers of two releases run side by side. What
every release has understood comes first and in its old place: a square as a PNG. What came later
has a name and a default, and travels only where it matters.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.limits import Limits

UNTIL_HEADER = "artsimilarity_until"
"""A header of the task: how long whoever asks waits, in seconds since 1970 by the database's clock.

A worker of an earlier release heeds it not, and answers what nobody waits for any more.
"""

DESCRIBE_TASK = "artsimilarity.describe_picture"

# 1: a square. 2: a scan squashed to a square, with its proportion, for a recipe that finds areas.
# 3: no square but the name of a file of the library, and a box on it.
VERSION = 3

# A PNG of noise takes 3 bytes a pixel and hardly more; this is room for its header.
_PNG_BYTES = 64 * 1024


class NotUnderstoodError(ValueError):
    """A web process of a later release has sent it, or none of ours."""


@dataclass(frozen=True)
class Square:
    """A visitor's picture, squashed to the square that a recipe decodes files to.

    Attributes:
        square: the square as a PNG; 0.6 MB where it shows noise and a recipe finds areas.
        proportion: width divided by height of the upright picture; None where the recipe looks at
            whole scans, and so needs none.
        preview: the picture, small, as a WebP file for the visitor's page; is not sent.
    """

    square: bytes
    proportion: float | None = None
    preview: bytes = b""

    @property
    def text(self) -> str:
        """The square, as a task's argument."""
        return base64.b64encode(self.square).decode("ascii")

    @property
    def named(self) -> dict[str, Any]:
        """The rest, as arguments with names; nothing where version 1 says it all."""
        return {} if self.proportion is None else {"version": 2, "proportion": self.proportion}


@dataclass(frozen=True)
class Detail:
    """A part of a picture of the library, whose file the worker fetches itself.

    Attributes:
        file: its name in the library's storage.
        box: the part, without an angle.
    """

    file: str
    box: Area

    @property
    def text(self) -> str:
        """No square."""
        return ""

    @property
    def named(self) -> dict[str, Any]:
        """All of it, as arguments with names."""
        return {"version": 3, "file": self.file, "box": list(self.box.edges)}


Message: TypeAlias = Square | Detail


def understand(
    text: str,
    *,
    version: int = 1,
    proportion: float | None = None,
    file: str | None = None,
    box: Sequence[float] = (),
    **later: Any,
) -> Message:
    """Return what was sent.

    Raises:
        NotUnderstoodError: it is of a later release than this one, or no release's.
        ValueError: the box is none.
    """
    if version > VERSION:
        raise NotUnderstoodError(
            f"A web process sent a picture in version {version}, and this worker knows "
            f"{VERSION}. Restart workers on the release of the web processes."
        )
    if file is not None:
        left, top, right, bottom = box
        return Detail(file, Area(left, top, right, bottom))
    if proportion is not None and not 0 < proportion < math.inf:
        raise NotUnderstoodError(f"No picture's width is {proportion} of its height.")
    return Square(base64.b64decode(text), proportion)


def limits(side: int) -> Limits:
    """Return what a square of that side may take; nobody but us should send any."""
    pixels = side * side
    return Limits(max_bytes=3 * pixels + _PNG_BYTES, max_pixels=pixels, min_side=1)
