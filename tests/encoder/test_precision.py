"""Half precision: where the vectors bear it, and never where they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from artsimilarity.encoder.blocks.style import StyleNetwork
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.precision import PrecisionUnavailable, half_precision_error
from artsimilarity.encoder.recipe import Recipe
from tests.encoder import small
from tests.encoder.make_reference import VECTORS, pictures

TOLERANCE = 1e-3  # what two machines may differ by

needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no CUDA device"
)


def recipe_with(folder: Path, factor: float = 1) -> Recipe:
    """The small recipe; activations of its first convolution are so many times larger."""
    weights = small.make_weights()
    for kind in ("weight", "bias"):
        weights[f"conv1_1.{kind}"] *= factor
    path = folder / f"{factor}.safetensors"
    return small.small_recipe(path, small.write(weights, path))


@pytest.fixture
def squares() -> list[np.ndarray]:
    return [small.picture(seed) for seed in range(4)]


def test_half_precision_keeps_to_the_reference_of_the_default_recipe() -> None:
    names = ["rings", "black and white"]
    encoder = Encoder(device="cpu", precision="float16")
    vectors = encoder.encode([pictures()[name] for name in names])
    assert encoder.precision == "float16"
    with np.load(VECTORS) as reference:
        for name, vector in zip(names, vectors, strict=True):
            np.testing.assert_allclose(vector, reference[name], atol=TOLERANCE / 2, err_msg=name)


def test_half_precision_rounds_style_and_leaves_colour(
    tmp_path: Path, squares: list[np.ndarray]
) -> None:
    recipe = recipe_with(tmp_path)
    full = Encoder(recipe, device="cpu").encode(squares)
    half = Encoder(recipe, device="cpu", precision="float16").encode(squares)
    difference = np.abs(half - full)[:, : recipe.style_dimensions]
    assert 0 < difference.max() < TOLERANCE
    np.testing.assert_array_equal(
        half[:, recipe.style_dimensions :], full[:, recipe.style_dimensions :]
    )


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_on_a_cpu_nothing_is_rounded_unasked(
    precision: str, tmp_path: Path, squares: list[np.ndarray]
) -> None:
    recipe = recipe_with(tmp_path)
    encoder = Encoder(recipe, device="cpu", precision=precision)
    pixels = torch.from_numpy(np.stack(squares[:1])).permute(0, 3, 1, 2)
    expected = StyleNetwork(recipe)(pixels).numpy()
    found = encoder.encode(squares[:1])[:, : recipe.style_dimensions]
    assert encoder.precision == "float32"
    np.testing.assert_array_equal(found, expected)


def test_what_leaves_the_range_of_float16_is_found_out(tmp_path: Path) -> None:
    network = StyleNetwork(recipe_with(tmp_path, factor=1e5))
    assert half_precision_error(network, network.halved()) == float("inf")


def test_the_error_is_the_largest_difference_of_any_value(tmp_path: Path) -> None:
    network, other = (StyleNetwork(recipe_with(tmp_path, factor)) for factor in (1, 1.5))
    black = torch.zeros((1, 3, small.SIDE, small.SIDE), dtype=torch.uint8)
    apart = float((network(black) - other(black)).abs().max())
    # The black picture is among others there, and a batch of several may round otherwise.
    assert half_precision_error(network, other) >= 0.999 * apart > TOLERANCE
    assert half_precision_error(network, network) == 0


def test_a_faint_picture_bears_half_precision(tmp_path: Path) -> None:
    faint = np.indices((small.SIDE, small.SIDE)).sum(axis=0) % 3 + 240
    square = np.repeat(faint[..., None], 3, axis=2).astype(np.uint8)
    recipe = recipe_with(tmp_path)
    full, half = (
        Encoder(recipe, device="cpu", precision=precision).encode([square])
        for precision in ("float32", "float16")
    )
    np.testing.assert_allclose(half, full, atol=TOLERANCE / 2)


def test_half_precision_by_name_is_refused_where_vectors_do_not_bear_it(tmp_path: Path) -> None:
    with pytest.raises(PrecisionUnavailable, match=r"'small' by up to inf.*\['PRECISION'\]"):
        Encoder(recipe_with(tmp_path, factor=1e5), device="cpu", precision="float16")


def test_pictures_that_leave_the_range_are_computed_again_in_float32(
    tmp_path: Path, squares: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.encoder.encoder.half_precision_error", lambda *networks: 0)
    recipe = recipe_with(tmp_path, factor=1e5)
    encoder = Encoder(recipe, device="cpu", batch_size=4, precision="float16")
    expected = Encoder(recipe, device="cpu", batch_size=4).encode(squares)
    np.testing.assert_allclose(encoder.encode(squares), expected, atol=1e-5)


@needs_cuda
def test_cuda_takes_half_precision_for_the_default_recipe_within_the_tolerance() -> None:
    squares = list(pictures().values())
    encoder = Encoder(device="cuda")
    assert encoder.precision == "float16"
    expected = Encoder(device="cpu").encode(squares)
    np.testing.assert_allclose(encoder.encode(squares), expected, atol=TOLERANCE)


@needs_cuda
def test_cuda_computes_in_full_precision_where_it_is_asked_to() -> None:
    squares = list(pictures().values())
    encoder = Encoder(device="cuda", precision="float32")
    assert encoder.precision == "float32"
    expected = Encoder(device="cpu").encode(squares)
    np.testing.assert_allclose(encoder.encode(squares), expected, atol=TOLERANCE / 2)


@needs_cuda
def test_cuda_falls_back_to_full_precision_where_vectors_do_not_bear_the_half(
    tmp_path: Path, squares: list[np.ndarray]
) -> None:
    recipe = recipe_with(tmp_path, factor=1e5)
    encoder = Encoder(recipe, device="cuda")
    assert encoder.precision == "float32"
    expected = Encoder(recipe, device="cpu").encode(squares)
    np.testing.assert_allclose(encoder.encode(squares), expected, atol=TOLERANCE)
