"""What a scan may suffer without becoming another picture, and what makes another picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from artsimilarity.encoder.copy_descriptor import SIZE, copy_descriptor, similarity
from artsimilarity.encoder.pictures.reading import read_square
from tests.encoder.shared import SHARED

THRESHOLD = 0.92  # ARTSIMILARITY["DUPLICATE_SCORE"]


def draw(seed: int, width: int = 300, height: int = 240) -> Image.Image:
    """A picture of soft shapes in colour."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def sign(picture: Image.Image, quality: int = 90, side: int = 224) -> NDArray[np.float32]:
    found = copy_descriptor(read_square(jpeg(picture, quality), side=side))
    assert found is not None
    return found


def alike(one: Image.Image, other: Image.Image) -> float:
    (found,) = similarity(sign(one), sign(other)[None])
    return float(found)


def cropped(
    picture: Image.Image, left: float, top: float, right: float, bottom: float
) -> Image.Image:
    width, height = picture.size
    return picture.crop(
        (
            round(left * width),
            round(top * height),
            round((1 - right) * width),
            round((1 - bottom) * height),
        )
    )


class TestSignature:
    def test_is_the_weighted_cosine_transform_of_the_brightness(self) -> None:
        square = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        brightness = square.astype(float) @ [0.299, 0.587, 0.114]
        expected = np.zeros((16, 16))
        for row in range(16):
            for column in range(16):
                if row or column:
                    down = np.cos(np.pi * row * (2 * np.arange(48) + 1) / 96)
                    along = np.cos(np.pi * column * (2 * np.arange(48) + 1) / 96)
                    scale = (2 if row else np.sqrt(2)) * (1 if column else 1 / np.sqrt(2))
                    k = np.hypot(row, column)
                    weight = k * np.exp(-k * k / 50)
                    expected[row, column] = weight * scale * (down @ brightness @ along)
        expected /= np.linalg.norm(expected)
        found = copy_descriptor(square)
        assert found is not None
        np.testing.assert_allclose(found, expected.ravel(), atol=1e-6)

    def test_is_float32_of_length_one(self) -> None:
        found = sign(draw(1))
        assert (found.shape, found.dtype) == ((SIZE,), np.float32)
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)

    def test_hardly_depends_on_the_side_of_the_square(self) -> None:
        assert sign(draw(1), side=224) @ sign(draw(1), side=320) > 0.999

    @pytest.mark.parametrize("grey", [0, 128, 255])
    def test_a_picture_of_one_colour_has_none(self, grey: int) -> None:
        assert copy_descriptor(np.full((224, 224, 3), grey, np.uint8)) is None

    def test_paper_grain_alone_has_none(self) -> None:
        grain = np.random.default_rng(0).integers(118, 139, (224, 224, 3), dtype=np.uint8)
        assert copy_descriptor(grain) is None


class TestSimilarity:
    @pytest.mark.parametrize("seed", range(4))
    def test_survives_what_scans_suffer(self, seed: int) -> None:
        picture = draw(seed)
        for copy in (
            picture.resize((90, 72)),
            Image.open(io.BytesIO(jpeg(picture, 30))),
            picture.convert("L"),
            ImageEnhance.Brightness(picture).enhance(1.1),
            picture.point([round(255 * (i / 255) ** 1.25) for i in range(256)] * 3),
        ):
            assert alike(picture, copy) > 0.97

    @pytest.mark.parametrize(
        "edges",
        [(0.05, 0, 0, 0), (0, 0, 0, 0.05), (0.05, 0.05, 0, 0), (0.025,) * 4, (0.05,) * 4],
    )
    def test_survives_a_crop_whichever_of_the_two_is_cropped(
        self, edges: tuple[float, float, float, float]
    ) -> None:
        picture = draw(2, 1000, 800)
        crop = cropped(picture, *edges)
        assert alike(picture, crop) > 0.97
        assert alike(crop, picture) > 0.97
        assert alike(crop, picture) > sign(crop) @ sign(picture) + 0.02

    def test_different_pictures_are_far_below_the_threshold(self) -> None:
        descriptors = np.stack([sign(draw(seed)) for seed in range(30)])
        for i, one in enumerate(descriptors):
            others = np.delete(descriptors, i, axis=0)
            assert similarity(one, others).max() < THRESHOLD - 0.1

    def test_is_the_same_in_both_directions(self) -> None:
        one, other = sign(draw(1)), sign(cropped(draw(1), 0.04, 0, 0, 0.02))
        assert similarity(one, other[None]) == pytest.approx(similarity(other, one[None]))

    def test_compares_with_nobody(self) -> None:
        assert similarity(sign(draw(1)), np.empty((0, SIZE), np.float32)).shape == (0,)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared with real pictures is not here")
def test_real_pictures_are_told_apart_and_found_again() -> None:
    files = sorted((SHARED / "pictures").rglob("*.jpg"))
    pictures = [Image.open(file).convert("RGB") for file in files]
    originals = np.stack([sign(picture) for picture in pictures])
    for i, picture in enumerate(pictures):
        copy = cropped(picture.convert("L"), 0.05, 0.05, 0, 0)
        copy = copy.resize((round(copy.width * 0.3), round(copy.height * 0.3)))
        found = similarity(sign(copy, quality=30), originals)
        assert np.flatnonzero(found > THRESHOLD).tolist() == [i], files[i].name
