"""A box on a picture, squashed: the same pixels as of that part saved as a picture of its own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures import reading
from artsimilarity.encoder.pictures.crop import WHOLE, Area, as_stored
from artsimilarity.encoder.pictures.processes import DecodingProcesses
from artsimilarity.encoder.pictures.reading import read, read_square
from tests.encoder.test_reading import STORED, saved

SIZE = (600, 400)
BOX = Area(0.25, 0.5, 0.5, 1.0)


def upright() -> Image.Image:
    """No two places of it are alike."""
    random = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)
    return Image.fromarray(random).resize(SIZE, Image.Resampling.BICUBIC)


def scan(kind: str, orientation: int = 1, **options: object) -> bytes:
    """The picture in a file that says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](np.asarray(upright())))
    return saved(Image.fromarray(stored), kind, exif=exif, **options)


def alone(box: Area = BOX) -> np.ndarray:
    """The part of it, as a picture of its own."""
    width, height = SIZE
    edges = (box.left * width, box.top * height, box.right * width, box.bottom * height)
    part = upright().crop(tuple(map(round, edges)))
    return read_square(saved(part)).astype(int)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("streamed", [False, True], ids=["pillow", "libvips"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_is_that_part_of_the_upright_picture(
    monkeypatch: pytest.MonkeyPatch, format: str, streamed: bool, orientation: int
) -> None:
    if streamed:
        monkeypatch.setattr(reading, "_LARGE_PIXELS", 0)
    options = {"quality": 95} if format in ("JPEG", "WEBP") else {}
    found = read(scan(format, orientation, **options), box=BOX)
    assert np.abs(found.pixels - alone()).mean() < (4 if options else 1)
    assert found.size == SIZE


def test_is_as_sharp_however_much_smaller_the_whole_would_be_decoded() -> None:
    random = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), np.uint8)
    large = Image.fromarray(random).resize((4000, 4000), Image.Resampling.BICUBIC)
    data = saved(large, "JPEG", quality=95)
    box = Area(0.5, 0.5, 0.556, 0.556)  # the square's 224 pixels
    assert read(data, box=box).pixels.std() > 5 * read_square(data).std()


def test_of_a_file_whose_end_is_missing_shows_what_there_is_of_it() -> None:
    data = scan("PNG")
    cut = data[: len(data) * 4 // 5]
    above, below = Area(0, 0, 1, 0.25), Area(0, 0.9, 1, 1)
    there, gone = read(cut, box=above), read(cut, box=below)
    assert np.abs(there.pixels - alone(above)).mean() < 1
    assert there.damaged
    assert (gone.pixels == 255).all()


def test_is_decoded_beside_this_process_too() -> None:
    with DecodingProcesses(1) as processes:
        square = processes.read(scan("PNG"), [224], box=BOX)[224]
    assert np.array_equal(square.pixels, read(scan("PNG"), box=BOX).pixels)


@pytest.mark.parametrize("orientation", [0, *STORED, 9])
def test_the_whole_is_the_whole_however_it_is_stored(orientation: int) -> None:
    assert as_stored(WHOLE, orientation) == WHOLE
