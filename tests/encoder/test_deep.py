"""The style block that a deeper network joins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from artsimilarity.encoder.blocks.deep import statistics
from artsimilarity.encoder.blocks.efficientnet import STAGE_CHANNELS, EfficientNetLite0
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.precision import TOLERANCE as HALF_PRECISION_TOLERANCE
from artsimilarity.encoder.recipe import ART, ART_DEEP
from artsimilarity.encoder.weight_files import WeightsError, sha256_of
from artsimilarity.encoder.whitening import unprojected
from tests.encoder import small
from tests.encoder.make_deep_reference import NETWORK, VECTORS, convolve
from tests.encoder.make_reference import pictures

TOLERANCE = 1e-3  # what two machines may differ by
GRAM, DEEP, COLOUR = slice(0, 256), slice(256, 512), slice(512, 728)


@pytest.fixture(scope="module")
def squares() -> list[np.ndarray]:
    return list(pictures().values())


@pytest.fixture(scope="module")
def vectors(squares: list[np.ndarray]) -> np.ndarray:
    return Encoder(ART_DEEP, device="cpu", batch_size=3).encode(squares)


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return EfficientNetLite0({name: one.float() for name, one in load_file(NETWORK).items()})


def assert_is_the_reference(vectors: np.ndarray) -> None:
    with np.load(VECTORS) as reference:
        for name, vector in zip(pictures(), vectors, strict=True):
            expected = 0.7**0.5 * reference[name]
            np.testing.assert_allclose(vector[DEEP], expected, atol=TOLERANCE, err_msg=name)


def test_the_deep_part_equals_an_independent_formula(vectors: np.ndarray) -> None:
    assert_is_the_reference(vectors)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_the_deep_part_on_cuda_equals_an_independent_formula(squares: list[np.ndarray]) -> None:
    assert_is_the_reference(Encoder(ART_DEEP, device="cuda").encode(squares))


def test_the_reference_tells_pictures_apart() -> None:
    with np.load(VECTORS) as reference:
        stacked = np.stack([reference[name] for name in reference])
    distances = np.abs(stacked[:, None] - stacked[None]).max(axis=2)
    assert distances[~np.eye(len(stacked), dtype=bool)].min() > 100 * TOLERANCE


def test_the_other_parts_are_those_of_art(vectors: np.ndarray, squares: list[np.ndarray]) -> None:
    art = Encoder(ART, device="cpu", batch_size=3).encode(squares)
    np.testing.assert_allclose(vectors[:, GRAM], 0.3**0.5 * art[:, GRAM], atol=1e-6)
    np.testing.assert_array_equal(vectors[:, COLOUR], art[:, 256:])


def test_each_block_has_length_one(vectors: np.ndarray) -> None:
    style, colour = np.split(vectors, [ART_DEEP.style_dimensions], axis=1)
    np.testing.assert_allclose(np.linalg.norm(style, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(colour, axis=1), 1, atol=1e-5)


def test_cosines_of_style_are_weighed_by_the_share(squares: list[np.ndarray]) -> None:
    recipe = replace(ART_DEEP, deep_share=0.25)
    style = Encoder(recipe, device="cpu").encode(squares[:2])[:, :512]
    gram = Encoder(ART, device="cpu").encode(squares[:2])[:, :256]
    with np.load(VECTORS) as reference:
        one, other = (reference[name] for name in list(pictures())[:2])
    expected = 0.75 * gram[0] @ gram[1] + 0.25 * one @ other
    assert style[0] @ style[1] == pytest.approx(expected, abs=1e-5)


def test_a_share_of_one_leaves_the_deep_part_alone(squares: list[np.ndarray]) -> None:
    vector = Encoder(replace(ART_DEEP, deep_share=1.0), device="cpu").encode(squares[:1])[0]
    assert not vector[GRAM].any()
    assert np.linalg.norm(vector[DEEP]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_of_any_size_give_the_same_vectors(
    batch_size: int, squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    found = Encoder(ART_DEEP, device="cpu", batch_size=batch_size).encode(squares)
    np.testing.assert_allclose(found, vectors, atol=1e-5)


def test_a_plain_picture_has_a_vector_too() -> None:
    vector = Encoder(ART_DEEP, device="cpu").encode(np.zeros((1, 224, 224, 3), np.uint8))
    assert np.isfinite(vector).all()


def test_half_precision_leaves_the_deep_part_as_it_is(
    squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    half = Encoder(ART_DEEP, device="cpu", precision="float16").encode(squares[:1])
    assert 0 < np.abs(half[:, GRAM] - vectors[:1, GRAM]).max() < HALF_PRECISION_TOLERANCE
    np.testing.assert_allclose(half[:, DEEP], vectors[:1, DEEP], atol=1e-6)


def test_unscaled_parts_keep_their_directions(
    squares: list[np.ndarray], vectors: np.ndarray
) -> None:
    found = Encoder(ART_DEEP, device="cpu", scaled=False).encode(squares[:1])[0]
    length = np.linalg.norm(found[DEEP])
    assert length != pytest.approx(0.7**0.5, abs=0.01)
    np.testing.assert_allclose(found[DEEP] / length, vectors[0, DEEP] / 0.7**0.5, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (50, 31)])
def test_stages_of_any_size_equal_an_independent_formula(
    size: tuple[int, int], network: EfficientNetLite0
) -> None:
    pixels = np.random.default_rng(3).uniform(-1, 1, (3, *size))
    weights = {name: one.double().numpy() for name, one in load_file(NETWORK).items()}

    def layer(name: str, maps: np.ndarray, stride: int = 1) -> np.ndarray:
        return convolve(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], stride)

    maps = np.clip(layer("stem", pixels, 2), 0, 6)
    maps = layer("blocks.0.project", np.clip(layer("blocks.0.depth", maps), 0, 6))
    outputs = network(torch.from_numpy(pixels[None]).float())
    np.testing.assert_allclose(outputs[0][0].flip(1, 2).numpy(), maps, atol=1e-4)
    sizes = [tuple(-(-side // step) for side in size) for step in (2, 4, 8, 16, 16, 32)]
    assert [tuple(output.shape[1:]) for output in outputs] == [
        (channels, *shape) for channels, shape in zip(STAGE_CHANNELS, sizes, strict=True)
    ]


def test_statistics_are_means_and_population_deviations_map_by_map() -> None:
    rng = np.random.default_rng(4)
    one, other = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(2, 4, 2, 2))
    expected = [
        [*one[i].mean((1, 2)), *one[i].std((1, 2)), *other[i].mean((1, 2)), *other[i].std((1, 2))]
        for i in range(2)
    ]
    found = statistics([torch.from_numpy(one), torch.from_numpy(other)])
    np.testing.assert_allclose(found, expected)


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lacking.safetensors"
    weights = load_file(NETWORK)
    del weights["blocks.7.depth.bias"]
    save_file(weights, path)
    lacking = replace(ART_DEEP, deep=str(path), deep_sha256=sha256_of(path.read_bytes()))
    with pytest.raises(WeightsError, match=r"no tensor blocks\.7\.depth\.bias"):
        Encoder(lacking, device="cpu")


def test_a_file_that_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no tensors")
    broken = replace(
        ART_DEEP, deep_projection=str(path), deep_projection_sha256=sha256_of(b"no tensors")
    )
    with pytest.raises(WeightsError, match=r"broken\.safetensors is no safetensors file"):
        Encoder(broken, device="cpu")


def test_a_small_square_of_another_recipe_can_be_joined(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    recipe = replace(
        small.small_recipe(path, small.write(small.make_weights(), path)),
        **{name: getattr(ART_DEEP, name) for name in vars(ART_DEEP) if name.startswith("deep")},
        style_dimensions=small.PROJECTED + 256,
    )
    vector = Encoder(recipe, device="cpu").encode([small.picture()])[0]
    assert np.linalg.norm(vector[: recipe.style_dimensions]) == pytest.approx(1, abs=1e-5)


def test_no_projection_is_fitted_on_a_joined_block() -> None:
    with pytest.raises(ValueError, match="contradicts itself"):
        unprojected(ART_DEEP)
