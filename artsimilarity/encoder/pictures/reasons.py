"""Why a picture could not be read: a code and its values, with the words for it in English.

Rows keep the code, and whoever shows it translates: this package knows no Django. Standard library
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Value: TypeAlias = "int | float | str | Reason"


def gettext_noop(text: str) -> str:
    """Return a text as it is; the name is what ``makemessages`` looks for."""
    return text


TEXTS: Final[Mapping[str, str]] = {
    "empty-file": gettext_noop("The file is empty (0 bytes). Upload it again."),
    "too-many-bytes": gettext_noop(
        "The file has more than %(most)s bytes, the most that are read. "
        'Raise ARTSIMILARITY["MAX_BYTES"] to accept it.'
    ),
    "too-many-pixels": gettext_noop(
        "The picture has %(width)s x %(height)s = %(pixels)s pixels; at most %(most)s are decoded. "
        'Raise ARTSIMILARITY["MAX_PIXELS"] to accept it.'
    ),
    "too-many-pixels-for-pillow": gettext_noop(
        "The picture is too large for Pillow: %(why)s Beyond that, raising "
        'ARTSIMILARITY["MAX_PIXELS"] is not enough: PIL.Image.MAX_IMAGE_PIXELS must be raised as '
        "well."
    ),
    "too-small": gettext_noop(
        "The picture has %(width)s x %(height)s pixels; each side must have at least %(least)s. "
        "Upload a larger copy."
    ),
    "not-a-picture": gettext_noop(
        "The file is not a picture in a format that is read (JPEG, PNG, TIFF, WebP, GIF, BMP, PSD, "
        "JPEG 2000, AVIF or HEIC), whatever its name says. Replace it with one."
    ),
    "bad-header": gettext_noop(
        "The file begins like a %(kind)s file, but its header is damaged or describes a kind of "
        "%(kind)s that cannot be read. Replace it with a sound copy."
    ),
    "bad-header-why": gettext_noop(
        "The file begins like a %(kind)s file, but its header is damaged or describes a kind of "
        "%(kind)s that cannot be read (%(why)s). Replace it with a sound copy."
    ),
    "directory-too-long": gettext_noop("a directory lies beyond the end of the file"),
    "tag-too-long": gettext_noop("a tag has %(values)s values"),
    "no-directory": gettext_noop("it has no directory"),
    "bad-first-directory": gettext_noop("its first directory is damaged: %(why)s"),
    "no-dimensions": gettext_noop("a directory lacks its dimensions"),
    "damaged": gettext_noop(
        "The %(kind)s file is damaged or incomplete (%(why)s). Replace it with a sound copy."
    ),
    "rows-missing": gettext_noop(
        "The %(kind)s file is damaged or incomplete (%(percent)s%% of its rows are there). "
        "Replace it with a sound copy."
    ),
    "end-missing": gettext_noop(
        "The %(kind)s file is damaged or incomplete (its end is missing). "
        "Replace it with a sound copy."
    ),
    "too-many-scans": gettext_noop(
        "The JPEG file has more than %(most)s scans, each of which costs as much time as a "
        "picture. Save the picture anew."
    ),
    "large-tiles": gettext_noop(
        "The TIFF file has tiles of %(across)s x %(down)s pixels around a picture of "
        "%(width)s x %(height)s. Save the picture anew."
    ),
    "needs-pyvips": gettext_noop(
        "This kind of %(kind)s can be read only where pyvips is installed "
        "(pip install django-artsimilarity[worker]). Save the picture with 8 bits a channel."
    ),
    "needs-pillow-heif": gettext_noop(
        "HEIC pictures can be read only where pillow-heif is installed "
        "(pip install django-artsimilarity[heic]). Save the picture as JPEG."
    ),
    "too-much-memory": gettext_noop(
        "Decoding the picture takes more than %(mebibytes)s MiB of memory. "
        'Raise ARTSIMILARITY["MAX_MEMORY"], or save the picture as a tiled TIFF or a baseline '
        "(not progressive) JPEG, which take little."
    ),
    "too-much-time": gettext_noop(
        "Decoding the picture takes more than %(seconds)s seconds of processor time. "
        'Raise ARTSIMILARITY["MAX_SECONDS"], or save the picture anew.'
    ),
    "decoder-crashed": gettext_noop(
        "The file ended the process that decoded it (%(how)s): it takes more memory than it may, "
        "or is damaged in a way that breaks the decoder. Save the picture anew."
    ),
}
"""Words for each code, in English; ``%(name)s`` stands for the value of that name."""


class Reason:
    """Why a picture could not be read; ``str()`` says it in English.

    Args:
        code: of ``TEXTS``; any other is taken for the words themselves.
        values: that the words name: numbers, texts of other libraries, or reasons within a reason.
    """

    def __init__(self, code: str, **values: Value) -> None:
        self.code: Final = code
        self.values: Final[Mapping[str, Value]] = values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reason) and self.plain() == other.plain()

    def __hash__(self) -> int:
        return hash(self.code)

    def __str__(self) -> str:
        text = TEXTS.get(self.code)
        if text is None:
            return self.code
        return text % {name: _in_english(value) for name, value in self.values.items()}

    def __repr__(self) -> str:
        return f"Reason(**{self.plain()!r})"

    def plain(self) -> dict[str, object]:
        """Return the code and the values side by side, for JSON."""
        values = {
            name: value.plain() if isinstance(value, Reason) else value
            for name, value in self.values.items()
        }
        return {"code": self.code, **values}

    @classmethod
    def from_plain(cls, plain: Mapping[str, object]) -> Reason:
        """Return the reason that ``plain`` was made of.

        Raises:
            ValueError: it was made of none.
        """
        values: dict[str, Value] = {}
        for name, value in plain.items():
            if isinstance(value, Mapping):
                values[name] = cls.from_plain(value)
            elif isinstance(value, (int, float, str)):
                values[name] = value
            else:
                raise ValueError(f"{name} is a {type(value).__name__}.")
        code = values.pop("code", None)
        if not isinstance(code, str):
            raise ValueError("A reason has a code.")
        return cls(code, **values)


def _in_english(value: Value) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
