from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from artsimilarity.encoder.encoder import DeviceUnavailable, Encoder
from artsimilarity.encoder.recipe import ART
from artsimilarity.encoder.weight_files import WeightsError
from tests.encoder.make_reference import VECTORS, pictures

TOLERANCE = 1e-3  # what two machines may differ by


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(device="cpu", batch_size=3)


@pytest.fixture(scope="module")
def squares() -> list[np.ndarray]:
    return list(pictures().values())


@pytest.fixture(scope="module")
def vectors(encoder: Encoder, squares: list[np.ndarray]) -> np.ndarray:
    return encoder.encode(squares)


@pytest.fixture
def torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def assert_is_the_reference(vectors: np.ndarray) -> None:
    with np.load(VECTORS) as reference:
        for name, vector in zip(pictures(), vectors, strict=True):
            np.testing.assert_allclose(vector, reference[name], atol=TOLERANCE, err_msg=name)


def test_vectors_equal_those_of_an_independent_formula(vectors: np.ndarray) -> None:
    assert_is_the_reference(vectors)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_vectors_on_cuda_equal_those_of_an_independent_formula(squares: list[np.ndarray]) -> None:
    assert_is_the_reference(Encoder(device="cuda").encode(squares))


def test_the_reference_tells_pictures_apart() -> None:
    with np.load(VECTORS) as reference:
        stacked = np.stack([reference[name] for name in reference])
    distances = np.abs(stacked[:, None] - stacked[None]).max(axis=2)
    assert distances[~np.eye(len(stacked), dtype=bool)].min() > 100 * TOLERANCE


def test_each_block_has_length_one(vectors: np.ndarray) -> None:
    style, colour = vectors[:, :256], vectors[:, 256:]
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, ART.dimensions)
    np.testing.assert_allclose(np.linalg.norm(style, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(colour, axis=1), 1, atol=1e-5)


def test_the_same_pictures_give_the_very_same_vectors(
    encoder: Encoder, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    np.testing.assert_array_equal(encoder.encode(squares), vectors)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_batches_of_any_size_give_the_same_vectors(
    batch_size: int, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    found = Encoder(device="cpu", batch_size=batch_size).encode(squares)
    np.testing.assert_allclose(found, vectors, atol=TOLERANCE)


def test_one_at_a_time_gives_the_same_vectors(
    encoder: Encoder, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    found = np.concatenate([encoder.encode([square]) for square in squares])
    np.testing.assert_allclose(found, vectors, atol=TOLERANCE)


def test_one_array_gives_the_same_as_a_list(
    encoder: Encoder, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    np.testing.assert_array_equal(encoder.encode(np.stack(squares)), vectors)


def test_read_only_and_strided_pictures_are_accepted(
    encoder: Encoder, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    stored = squares[0][:, ::-1].copy()
    stored.flags.writeable = False
    np.testing.assert_allclose(encoder.encode([stored[:, ::-1]])[0], vectors[0], atol=TOLERANCE)


def test_a_plain_picture_has_a_vector_too(encoder: Encoder) -> None:
    vector = encoder.encode(np.zeros((1, 224, 224, 3), np.uint8))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector[0, :256]) == pytest.approx(1, abs=1e-5)


def test_no_pictures_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, ART.dimensions)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((224, 223, 3), np.uint8),
        np.zeros((224, 224), np.uint8),
        np.zeros((224, 224, 3), np.float32),
    ],
)
def test_a_picture_of_another_shape_or_type_is_refused(
    encoder: Encoder, picture: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"uint8 array of shape \(224, 224, 3\)"):
        encoder.encode([picture])


def test_a_recipe_determines_the_colour_block(squares: list[np.ndarray]) -> None:
    found = Encoder(replace(ART, colour_bins=4), device="cpu").encode(squares[:1])
    assert found.shape == (1, 256 + 64)


@pytest.mark.parametrize(
    "change",
    [{"root_offset": 0.0}, {"channel_mean": (0.5, 0.5, 0.5)}, {"channel_std": (0.3, 0.3, 0.3)}],
)
def test_a_recipe_determines_the_style_block(
    change: dict[str, object], squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    found = Encoder(replace(ART, **change), device="cpu").encode(squares[:1])
    assert np.abs(found[0, :256] - vectors[0, :256]).max() > TOLERANCE


def test_a_recipe_whose_weights_have_another_shape_is_refused() -> None:
    with pytest.raises(WeightsError, match="reduce have the wrong shape"):
        Encoder(replace(ART, reduced_channels=64), device="cpu")


def test_the_device_is_chosen_by_itself() -> None:
    chosen = Encoder().device.type
    if torch.cuda.is_available():
        assert chosen == "cuda"
    elif torch.backends.mps.is_available():
        assert chosen == "mps"
    else:
        assert chosen == "cpu"


@pytest.mark.parametrize("device", ["cuda:99", "quantum", "meta", ""])
def test_a_device_that_is_not_there_is_named_with_the_setting(device: str) -> None:
    with pytest.raises(DeviceUnavailable, match=rf"'{device}' cannot be used.*\['DEVICE'\]"):
        Encoder(device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_without_a_cuda_device_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="finds 0 CUDA devices"):
        Encoder(device="cuda")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has an MPS device")
def test_mps_without_an_mps_device_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="finds no MPS device"):
        Encoder(device="mps")


@pytest.mark.usefixtures("torch_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_set(threads: int) -> None:
    Encoder(device="cpu", threads=threads)
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("torch_threads")
def test_threads_are_left_alone_unless_asked_for() -> None:
    torch.set_num_threads(2)
    Encoder(device="cpu")
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("option", ["threads", "batch_size"])
def test_a_number_below_one_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} is at least 1, not 0"):
        Encoder(device="cpu", **{option: 0})
