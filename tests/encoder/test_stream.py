"""Files to vectors in a stream: in order, complete, and no further ahead than it has to be."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from artsimilarity.encoder.encoder import Encoder, one_behind
from artsimilarity.encoder.pictures.reading import NotAPicture, TooSmall, read_square
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.stream import encode_files
from tests.encoder import small

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    return small.small_recipe(path, small.write(small.make_weights(), path))


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=CUDA)])
def encoder(request: pytest.FixtureRequest, recipe: Recipe) -> Encoder:
    return Encoder(recipe, device=request.param, batch_size=3)


def picture_file(seed: int, size: tuple[int, int] = (40, 48)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3, 8])
@pytest.mark.parametrize("threads", [1, 4])
def test_vectors_come_in_the_order_of_the_files(
    threads: int, count: int, encoder: Encoder, recipe: Recipe
) -> None:
    files = [picture_file(seed) for seed in range(count)]
    found = list(encode_files(files, encoder, threads=threads))
    expected = encoder.encode([read_square(data, side=recipe.side) for data in files])
    assert len(found) == count
    for vector, wanted in zip(found, expected, strict=True):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, wanted, atol=1e-3)


def test_a_file_that_cannot_be_read_says_why_in_its_place(encoder: Encoder) -> None:
    files = [picture_file(0), b"none", picture_file(1), picture_file(2, (2, 2)), picture_file(3)]
    found = list(encode_files(files, encoder, threads=2))
    assert isinstance(found[1], NotAPicture)
    assert isinstance(found[3], TooSmall)
    alone = [next(encode_files([files[i]], encoder, threads=1)) for i in (0, 2, 4)]
    np.testing.assert_allclose([found[0], found[2], found[4]], alone, atol=1e-3)


def test_batches_without_a_single_picture_pass(encoder: Encoder) -> None:
    found = list(encode_files([b"none"] * 7, encoder, threads=2))
    assert [type(one) for one in found] == [NotAPicture] * 7


def test_files_are_read_only_so_far_ahead(encoder: Encoder) -> None:
    data = picture_file(0)
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield data

    stream = encode_files(endless(), encoder, threads=2)
    for _ in range(10):
        next(stream)
    stream.close()
    # Ten are handed out of four batches, one more is started, and 2 * (3 + 2) are decoded ahead.
    assert read <= 5 * 3 + 2 * (3 + 2) + 1


def test_an_item_is_handed_out_when_the_one_after_it_is_made() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    assert [(item, len(made)) for item in one_behind(items())] == [(0, 2), (1, 3), (2, 4), (3, 4)]
    assert list(one_behind([])) == []


@CUDA
def test_batches_in_flight_on_cuda_do_not_get_mixed_up(recipe: Recipe) -> None:
    squares = [small.picture(seed) for seed in range(100)]
    found = Encoder(recipe, device="cuda", batch_size=3).encode(squares)
    expected = Encoder(recipe, device="cpu").encode(squares)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@CUDA
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_starting_a_batch_on_cuda_waits_for_nothing(recipe: Recipe) -> None:
    encoder = Encoder(recipe, device="cuda")
    squares = [small.picture(seed) for seed in range(8)]
    encoder.encode(squares)  # what is loaded at the first use may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        finish = encoder.start(squares)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert np.isfinite(finish()).all()
