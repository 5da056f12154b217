"""What a file may cost, and the errors that say why one was not read. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from artsimilarity.encoder.pictures.reasons import Reason, Value


class PictureError(ValueError):
    """A picture cannot be read; the message says why, in English and for an administrator.

    Args:
        code: of ``reasons.TEXTS``.
        values: that its words name.

    Attributes:
        reason: the same, to be stored, and translated where it is shown.
    """

    def __init__(self, code: str, **values: Value) -> None:
        self.reason: Final = Reason(code, **values)
        super().__init__(str(self.reason))


class EmptyFile(PictureError):
    """The file holds no bytes."""


class TooManyBytes(PictureError):
    """The file is larger than ``Limits.max_bytes``."""


class NotAPicture(PictureError):
    """The file is of none of the formats that are read."""


class TooManyPixels(PictureError):
    """The file declares more pixels than ``Limits.max_pixels``, or than Pillow opens."""


class TooSmall(PictureError):
    """A side of the picture is shorter than ``Limits.min_side``."""


class TooMuchWork(PictureError):
    """Decoding takes more processor time than ``Limits.max_seconds``, or is made to."""


class TooMuchMemory(PictureError):
    """Decoding takes more memory than ``Limits.max_memory``."""


class DamagedPicture(PictureError):
    """The file begins like a picture but cannot be decoded: truncated, corrupt, or rare."""


class DecoderCrashed(PictureError):
    """The file ended the process that decoded it."""


class MissingLibrary(PictureError):
    """A kind of picture that only an optional library reads, which is not installed here."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one file may cost.

    Bytes, pixels, sides and what can be estimated from headers are looked at before any pixel is
    decoded, wherever a file is read. Memory and time are enforced by the operating system where
    ``DecodingProcesses`` decode.

    Attributes:
        max_bytes: Largest file that is read, in bytes.
        max_pixels: Largest width times height that is decoded. Where a JPEG is decoded in the
            caller's own process, Pillow's own limit (twice ``PIL.Image.MAX_IMAGE_PIXELS``) holds
            beside it.
        min_side: Shortest width or height that is accepted, in pixels.
        max_memory: Bytes that decoding one file may take beside the decoding process itself.
        max_seconds: Seconds of processor time that decoding one file may take.
        accept_damaged: Whether a file whose end is missing is read as far as it goes.
    """

    max_bytes: int = 2**30
    max_pixels: int = 500_000_000
    min_side: int = 16
    max_memory: int = 2**30
    max_seconds: float = 20.0
    accept_damaged: bool = True


DEFAULT_LIMITS: Final = Limits()


def too_much_memory(limits: Limits) -> TooMuchMemory:
    """The error for a file that would take, or took, more memory than it may."""
    return TooMuchMemory("too-much-memory", mebibytes=round(limits.max_memory / 2**20))


def too_much_time(limits: Limits) -> TooMuchWork:
    """The error for a file that took longer than it may."""
    return TooMuchWork("too-much-time", seconds=limits.max_seconds)


def error_text(error: BaseException) -> str:
    """Text of an error, printable and without addresses of objects, which change at every run."""
    text = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file", str(error)) or type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]
