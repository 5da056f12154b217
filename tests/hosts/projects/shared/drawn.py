"""Pictures of one colour, whose neighbours anybody can name."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

COLOURS = {
    "red": (200, 30, 30),
    "reddish": (208, 38, 38),
    "green": (30, 160, 60),
    "greenish": (38, 168, 68),
    "blue": (30, 60, 200),
    "bluish": (38, 68, 208),
}


def picture(colour: str, name: str = "") -> SimpleUploadedFile:
    """A file as a browser uploads it; named after its colour unless told otherwise."""
    content = drawn(COLOURS[colour], (900, 675))
    return SimpleUploadedFile(name or f"{colour}.png", content, "image/png")


def drawn(colour: tuple[int, int, int], size: tuple[int, int]) -> bytes:
    """A PNG file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()
