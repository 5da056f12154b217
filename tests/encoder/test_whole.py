"""Whole pictures, small: their proportions, what is up, and their colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures.reading import (
    DEFAULT_LIMITS,
    DETAIL,
    DamagedPicture,
    Limits,
    TooManyPixels,
    read,
)
from tests.encoder.raw_files import tiff
from tests.encoder.test_reading import STORED, noise, plain, saved, turned


def open_whole(data: bytes, *, longest: int, limits: Limits = DEFAULT_LIMITS) -> Image.Image:
    """As thumbnails are made."""
    return read(data, side=DETAIL * longest, limits=limits).whole(longest)


@pytest.mark.parametrize(
    ("size", "small"),
    [((300, 200), (60, 40)), ((200, 300), (40, 60)), ((900, 30), (60, 2)), ((2000, 20), (60, 1))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_keep_their_proportions(kind: str, size: tuple[int, int], small: tuple[int, int]) -> None:
    assert open_whole(saved(plain("RGB", 0, size), kind), longest=60).size == small


def test_are_not_enlarged() -> None:
    assert open_whole(saved(noise(40, 30)), longest=60).size == (40, 30)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_are_upright(kind: str, orientation: int) -> None:
    whole = open_whole(turned(orientation, kind), longest=48)
    assert whole.size == (48, 32)
    corners = np.asarray(whole)[[3, 3, -4, -4], [3, -4, 3, -4]].astype(int)
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]
    assert np.abs(corners - expected).max() <= 8, corners


def test_of_a_large_jpeg_keep_proportions_that_its_reduction_rounds() -> None:
    assert open_whole(saved(plain("RGB", 0, (4001, 2999)), "JPEG"), longest=60).size == (60, 45)


def test_look_like_the_picture_averaged_over_areas() -> None:
    # Blurred, as single pixels of noise look another way under any two filters.
    picture = noise(40, 30).resize((400, 300), Image.Resampling.BICUBIC)
    found = np.asarray(open_whole(saved(picture), longest=100), float)
    exact = np.asarray(picture, float).reshape(75, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(found - exact).mean() < 2


def test_in_cmyk_come_out_in_their_colours() -> None:
    pixel = open_whole(saved(plain("CMYK", (0, 255, 255, 0)), "JPEG"), longest=32).getpixel((9, 9))
    assert np.abs(np.subtract(pixel, (255, 0, 0))).max() <= 3


def test_of_16_bits_keep_their_middle() -> None:
    samples = np.full((30, 40, 3), 0x8000, "<u2").tobytes()
    data = tiff(samples, 40, 30, bits=16, channels=3, photometric=2)
    pixel = open_whole(data, longest=20).getpixel((5, 5))
    assert np.abs(np.subtract(pixel, 128)).max() <= 1


def test_over_the_limit_are_refused() -> None:
    with pytest.raises(TooManyPixels):
        open_whole(saved(noise(40, 40)), longest=20, limits=Limits(max_pixels=1599))


def test_that_are_damaged_are_refused() -> None:
    with pytest.raises(DamagedPicture):
        open_whole(saved(noise(200, 200))[:2000], longest=20)
