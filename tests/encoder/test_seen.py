"""What a recipe looks at of a file."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.crop import WHOLE, Area, squash
from artsimilarity.encoder.pictures.processes import DecodingProcesses
from artsimilarity.encoder.pictures.reading import read
from artsimilarity.encoder.pictures.seen import Seen, seen
from artsimilarity.encoder.pictures.threads import DecodingThreads
from artsimilarity.encoder.recipe import AREA_VERSION, ART, LIKENESS, Recipe
from artsimilarity.encoder.stream import encode_files
from tests.encoder.scans import in_frame, painting

# Quick to encode, and what an area does is the same.
QUICK = replace(ART, name="quick", side=112, area=AREA_VERSION)


def file(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def seen_of(recipe: Recipe, data: bytes, area: Area | None = None) -> Seen:
    scan = read(data, side=recipe.decoded_side)
    return seen(recipe, scan.pixels, proportion=scan.proportion, area=area)


def test_a_recipe_without_area_sees_the_whole_scan_as_it_was_decoded() -> None:
    data = file(in_frame(painting())[0])
    found = seen_of(ART, data)
    np.testing.assert_array_equal(found.pixels, read(data, side=224).pixels)
    assert found.area == WHOLE


def test_the_picture_in_a_frame_is_seen_and_not_the_frame() -> None:
    picture = painting(1, (480, 360))
    scan, box = in_frame(picture)
    found = seen_of(LIKENESS, file(scan))
    alone = seen_of(LIKENESS, file(picture))
    assert found.pixels.shape == (224, 224, 3)
    assert found.area.left == pytest.approx(box[0], abs=0.02)
    assert alone.area == WHOLE
    apart = np.abs(found.pixels.astype(float) - alone.pixels)
    assert apart.mean() < 12
    whole = seen_of(LIKENESS, file(scan), WHOLE).pixels
    assert np.abs(whole.astype(float) - alone.pixels).mean() > 3 * apart.mean()


def test_an_area_by_hand_takes_the_place_of_the_one_that_is_found() -> None:
    data = file(in_frame(painting(2))[0])
    area = Area(0.1, 0.2, 0.6, 0.9, 2.0)
    scan = read(data, side=QUICK.decoded_side)
    expected = squash(scan.image, area, side=QUICK.side, proportion=scan.proportion)
    found = seen_of(QUICK, data, area)
    assert found.area == area
    np.testing.assert_array_equal(found.pixels, np.asarray(expected))


def test_an_area_for_a_recipe_that_takes_none_is_refused() -> None:
    scan = np.zeros((224, 224, 3), np.uint8)
    assert seen(ART, scan, proportion=1, area=WHOLE).area == WHOLE
    with pytest.raises(ValueError, match="'art' looks at whole scans"):
        seen(ART, scan, proportion=1, area=Area(0, 0, 0.5, 0.5))


def test_a_scan_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(448, 448, 3\), not \(224, 224, 3\)"):
        seen(LIKENESS, np.zeros((224, 224, 3), np.uint8), proportion=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_proportion_is_that_of_the_upright_picture(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = file(Image.new("RGB", (90, 60)), "JPEG", exif=exif)
    expected = 90 / 60 if orientation < 5 else 60 / 90
    assert read(data, side=32).proportion == pytest.approx(expected)


@pytest.mark.parametrize("size", [(5000, 3500), (3500, 5000)])
def test_the_proportion_of_a_large_picture_is_its_own(size: tuple[int, int]) -> None:
    data = file(Image.new("RGB", size), "PNG")
    assert read(data, side=32).proportion == pytest.approx(size[0] / size[1])


@pytest.mark.parametrize("side", [32, 224])
def test_a_jpeg_that_is_decoded_at_reduced_size_keeps_its_exact_proportion(side: int) -> None:
    data = file(Image.new("RGB", (3001, 1999)), "JPEG")
    assert read(data, side=side).proportion == 3001 / 1999


def test_processes_and_threads_hand_the_proportion_on() -> None:
    data = file(Image.new("RGB", (90, 60)))
    with DecodingProcesses(1) as processes, DecodingThreads(1, processes=processes) as threads:
        assert processes.read(data, [32, 64])[64].proportion == 1.5
        squares = threads.submit(data, [32]).result(20)
    assert not isinstance(squares, Exception)
    assert squares.proportion == 1.5


def test_files_in_a_stream_are_looked_at_in_the_same_way() -> None:
    files = [file(in_frame(painting(seed))[0]) for seed in (3, 4)]
    encoder = Encoder(QUICK, device="cpu")
    expected = encoder.encode([seen_of(QUICK, data).pixels for data in files])
    found = list(encode_files(files, encoder, threads=1))
    np.testing.assert_allclose(found, expected, atol=1e-5)
