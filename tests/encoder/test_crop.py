"""Squares made of an area of a squashed scan."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures.crop import LOOKED_AT_SIDE, WHOLE, Area, in_proportion, squash
from tests.encoder.scans import painting

SIDE = 64
# Mean of the absolute differences, of 255, that a second resampling may make.
SOFTER = 6.0


def sheet(scan: Image.Image, side: int = 2 * SIDE) -> Image.Image:
    return scan.resize((side, side), Image.Resampling.BILINEAR)


def squashed(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR), float)


def difference(found: Image.Image, expected: np.ndarray) -> float:
    assert found.size == (SIDE, SIDE)
    assert found.mode == "RGB"
    return float(np.abs(np.asarray(found, float) - expected).mean())


@pytest.fixture
def picture() -> Image.Image:
    return painting(0, (300, 200))


def test_the_whole_is_the_picture_squashed(picture: Image.Image) -> None:
    found = squash(sheet(picture), WHOLE, side=SIDE, proportion=1.5)
    assert difference(found, squashed(picture)) < SOFTER


def test_an_area_is_what_lies_in_it(picture: Image.Image) -> None:
    area = Area(0.2, 0.1, 0.9, 0.7)
    found = squash(sheet(picture, 512), area, side=SIDE, proportion=1.5)
    expected = squashed(picture.crop((60, 20, 270, 140)))
    assert difference(found, expected) < SOFTER
    assert difference(found, squashed(picture)) > 3 * SOFTER


@pytest.mark.parametrize("angle", [-4.0, 3.0, 20.0])
def test_a_turned_area_is_turned_back(angle: float, picture: Image.Image) -> None:
    # Pillow turns the other way round, about the same middle.
    scan = picture.rotate(-angle, Image.Resampling.BICUBIC)
    area = Area(0.35, 0.3, 0.7, 0.65, angle)
    found = squash(sheet(scan, 512), area, side=SIDE, proportion=1.5)
    expected = squashed(picture.crop((105, 60, 210, 130)))
    assert difference(found, expected) < SOFTER
    other_way = Area(0.35, 0.3, 0.7, 0.65, -angle)
    assert difference(
        squash(sheet(scan, 512), other_way, side=SIDE, proportion=1.5), expected
    ) > 1.5 * difference(found, expected)


@pytest.mark.parametrize(
    ("proportion", "size"),
    [(2.0, (320, 160)), (0.5, (160, 320)), (1.0, (320, 320)), (1e4, (320, 1))],
)
def test_a_sheet_gets_its_proportions_back(proportion: float, size: tuple[int, int]) -> None:
    assert in_proportion(Image.new("RGB", (448, 448)), proportion).size == size
    assert max(size) == LOOKED_AT_SIDE


@pytest.mark.parametrize(
    "values",
    [
        (-0.1, 0, 1, 1),
        (0, 0, 1.1, 1),
        (0.5, 0, 0.5, 1),
        (0, 0.6, 1, 0.5),
        (0, 0, 1, 1, 46),
        (0, 0, 1, 1, float("nan")),
        (0, float("nan"), 1, 1),
    ],
)
def test_an_area_that_cannot_be_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="edges lie between 0 and 1"):
        Area(*values)


def test_an_area_knows_its_share_of_the_scan() -> None:
    assert Area(0.25, 0.5, 0.75, 1.0).share == 0.25
    assert WHOLE.share == 1


def test_areas_need_no_numpy() -> None:
    command = (
        "import sys; import artsimilarity.encoder.pictures.crop; print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]
