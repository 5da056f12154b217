"""Every option of a recipe against a formula of its own, on a small network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.encoder.weight_files import WeightsError
from tests.encoder import small
from tests.encoder.make_reference import Floats, pictures
from tests.encoder.shared import IMAGENET_WEIGHTS, needs_imagenet_weights, with_imagenet_weights
from tests.encoder.small import descriptor, feature_maps, unit

TOLERANCE = 1e-5
SMALL_VALUES = 36 + 8  # 8 x 9 / 2 of the triangle, and the means


@pytest.fixture(scope="module")
def weights() -> dict[str, Floats]:
    return {name: tensor.astype(np.float64) for name, tensor in small.make_weights().items()}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    return small.small_recipe(path, small.write(small.make_weights(), path))


@pytest.fixture(scope="module")
def maps(weights: dict[str, Floats]) -> dict[str, Floats]:
    return feature_maps(small.picture(), weights)


def style(recipe: Recipe) -> np.ndarray:
    vector = Encoder(recipe, device="cpu").encode([small.picture()])[0]
    assert vector.shape == (recipe.dimensions,)
    return vector[: recipe.style_dimensions]


def colour(recipe: Recipe, square: np.ndarray) -> np.ndarray:
    return Encoder(recipe, device="cpu").encode([square])[0, recipe.style_dimensions :]


# The options of `descriptor`, and what a recipe says for each.
OPTIONS = {
    "no reduction": ({"reduced": False}, {"reduced_channels": None}),
    "plain Gram": ({"centred": False}, {"centred": False}),
    "pooled by 2": ({"pool": 2}, {"gram_pool": 2}),
    "pooled by 8": ({"pool": 8}, {"gram_pool": 8}),
    "whole matrix": ({"triangle": False}, {"triangle": False}),
    "no root": ({"root": None}, {"root_offset": None}),
    "root without offset": ({"root": 0.0}, {"root_offset": 0.0}),
    "no means": ({"means": False}, {"means": False}),
    "the article's": (
        {
            "reduced": False,
            "centred": False,
            "pool": 8,
            "triangle": False,
            "root": None,
            "means": False,
        },
        {
            "reduced_channels": None,
            "centred": False,
            "gram_pool": 8,
            "triangle": False,
            "root_offset": None,
            "means": False,
        },
    ),
}


def unprojected(recipe: Recipe, **change: object) -> Recipe:
    """The recipe without its projection; asked first how many values there are."""
    count = replace(recipe, **change).descriptor_dimensions
    return replace(recipe, projection="none", style_dimensions=count, **change)


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_of_the_gram_matrix_equals_its_formula(
    option: str, recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    formula, change = OPTIONS[option]
    expected = unit(descriptor(maps["relu2_1"], weights, **formula))
    unchanged = unit(descriptor(maps["relu2_1"], weights))
    # An option that did nothing would be caught: the formula itself gives something else.
    same_size = expected.shape == unchanged.shape
    assert not same_size or np.abs(expected - unchanged).max() > 100 * TOLERANCE
    np.testing.assert_allclose(style(unprojected(recipe, **change)), expected, atol=TOLERANCE)


def test_without_any_option_it_is_the_whole_of_arts_steps(
    recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    values = unit(descriptor(maps["relu2_1"], weights))
    expected = unit(weights["project.weight"] @ values + weights["project.bias"])
    np.testing.assert_allclose(style(recipe), expected, atol=TOLERANCE)


@pytest.mark.parametrize("layer", ["relu1_1", "relu1_2", "relu2_1"])
def test_any_layer_can_be_described(
    layer: str, recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    expected = unit(descriptor(maps[layer], weights, reduced=False))
    found = style(unprojected(recipe, layer=layer, reduced_channels=None))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("layers", ["relu1_2+relu2_1", "relu2_1+relu1_1+relu1_2"])
def test_several_layers_stand_in_the_order_they_are_named_in(
    layers: str, recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    parts = [descriptor(maps[name], weights, reduced=False) for name in layers.split("+")]
    found = style(unprojected(recipe, layer=layers, reduced_channels=None))
    np.testing.assert_allclose(found, unit(np.concatenate(parts)), atol=TOLERANCE)


def test_a_random_projection_is_gaussian_and_drawn_from_the_seed(
    recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    values = unit(descriptor(maps["relu2_1"], weights))
    drawn = np.random.RandomState(5).normal(0, 1 / 10**0.5, (10, SMALL_VALUES))
    found = style(replace(recipe, projection="random", style_dimensions=10, seed=5))
    np.testing.assert_allclose(found, unit(drawn @ values), atol=TOLERANCE)


def test_another_seed_gives_another_random_projection(recipe: Recipe) -> None:
    five, six = (
        style(replace(recipe, projection="random", style_dimensions=10, seed=seed))
        for seed in (5, 6)
    )
    assert np.abs(five - six).max() > 0.01


def test_a_random_projection_keeps_cosines_nearly(recipe: Recipe) -> None:
    # k values keep a cosine to about 1 / sqrt(k): here 0.05.
    squares = [small.picture(seed) for seed in range(6)]
    wide = unprojected(recipe, reduced_channels=None)
    narrow = replace(wide, projection="random", style_dimensions=400, seed=1)
    before, after = (
        Encoder(each, device="cpu").encode(squares)[:, : each.style_dimensions]
        for each in (wide, narrow)
    )
    assert np.abs(before @ before.T - after @ after.T).max() < 0.2


def test_weights_with_torchvisions_names_give_the_same_vectors(
    recipe: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "torchvision.safetensors"
    digest = small.write(small.torchvision_names(small.make_weights()), path)
    ours = unprojected(recipe, reduced_channels=None)
    theirs = replace(ours, weights=str(path), weights_sha256=digest)
    np.testing.assert_array_equal(style(theirs), style(ours))


def test_weights_without_the_projection_that_is_asked_for_are_refused(
    recipe: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "torchvision.safetensors"
    digest = small.write(small.torchvision_names(small.make_weights()), path)
    lacking = replace(
        recipe, weights=str(path), weights_sha256=digest, reduced_channels=None, means=False
    )
    with pytest.raises(WeightsError, match=r"no tensor project\.weight"):
        Encoder(lacking, device="cpu")


def test_counts_of_a_sample_of_pixels_are_scaled_to_length_one(recipe: Recipe) -> None:
    square = small.picture()
    places = np.random.RandomState(9).permutation(small.SIDE**2)[:100]
    counts, _ = np.histogramdd(square.reshape(-1, 3)[places].astype(float), 3, [(0, 256)] * 3)
    found = colour(replace(recipe, colour_sample=100, colour_root=False, seed=9), square)
    np.testing.assert_allclose(found, unit(counts.ravel()), atol=TOLERANCE)


def test_each_option_of_colour_changes_the_colour_block(recipe: Recipe) -> None:
    square = small.picture()
    options: list[dict[str, object]] = [
        {},
        {"colour_root": False},
        {"colour_sample": 100, "seed": 9},
        {"colour_sample": 200, "seed": 9},
        {"colour_sample": 100, "seed": 10},
    ]
    found = np.stack([colour(replace(recipe, **change), square) for change in options])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=TOLERANCE)
    apart = np.abs(found[:, None] - found[None]).max(axis=2)
    assert apart[~np.eye(len(options), dtype=bool)].min() > 0.01


def test_unscaled_blocks_keep_their_lengths(
    recipe: Recipe, weights: dict[str, Floats], maps: dict[str, Floats]
) -> None:
    plain = replace(unprojected(recipe), colour_sample=100, colour_root=False, seed=9)
    vector = Encoder(plain, device="cpu", scaled=False).encode([small.picture()])[0]
    expected = descriptor(maps["relu2_1"], weights)
    np.testing.assert_allclose(vector[:SMALL_VALUES], expected, rtol=1e-4, atol=TOLERANCE)
    assert vector[SMALL_VALUES:].sum() == 100


def test_a_pooled_gram_matrix_of_the_bundled_weights_is_accepted() -> None:
    pooled = unprojected(ART, gram_pool=8)
    vector = Encoder(pooled, device="cpu").encode(np.zeros((1, 224, 224, 3), np.uint8))
    assert vector.shape == (1, 12 * 13 // 2 + 96 + 216)


@needs_imagenet_weights
@pytest.mark.parametrize("pool", [1, 8])
def test_article_on_imagenet_weights_equals_torchs_own_functions(pool: int) -> None:
    square = pictures()["rings"]
    weights = load_file(IMAGENET_WEIGHTS)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    maps = (torch.tensor(square).permute(2, 0, 1)[None] / 255 - mean) / std
    for place in (0, 2, None, 5, 7, None, 10):
        if place is None:
            maps = torch.max_pool2d(maps, 2, 2)
        else:
            kernel, bias = weights[f"features.{place}.weight"], weights[f"features.{place}.bias"]
            maps = torch.relu(torch.conv2d(maps, kernel, bias, padding=1))
    gram = torch.einsum("cyx,dyx->cd", maps[0], maps[0])
    tiles = gram.unfold(0, pool, pool).unfold(1, pool, pool).amax(dim=(2, 3))
    expected = tiles.flatten() / tiles.norm()
    article = replace(ARTICLE, gram_pool=pool, style_dimensions=(256 // pool) ** 2)
    found = Encoder(with_imagenet_weights(article), device="cpu").encode([square])[0]
    np.testing.assert_allclose(found[: len(expected)], expected, atol=TOLERANCE)
