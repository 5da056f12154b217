"""A small recipe with weights of its own in a file, and its formula in plain numpy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from artsimilarity.encoder.recipe import Recipe
from tests.encoder.make_reference import Floats, convolve, max_pool

SIDE = 32
REDUCED = 8
PROJECTED = 12
# torchvision's places of the convolutions up to relu2_1.
PLACES = {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5}


def make_weights() -> dict[str, NDArray[np.float32]]:
    """Random convolutions up to relu2_1, a reduction and a projection."""
    rng = np.random.default_rng(7)
    shapes = {
        "conv1_1": (64, 3, 3, 3),
        "conv1_2": (64, 64, 3, 3),
        "conv2_1": (128, 64, 3, 3),
        "reduce": (REDUCED, 128, 1, 1),
        "project": (PROJECTED, REDUCED * (REDUCED + 1) // 2 + REDUCED),
    }
    weights = {}
    for name, shape in shapes.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        weights[f"{name}.weight"] = (scale * rng.normal(size=shape)).astype(np.float32)
        weights[f"{name}.bias"] = (0.1 * rng.normal(size=shape[0])).astype(np.float32)
    return weights


def torchvision_names(weights: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The convolutions only, under the names that torchvision gives them."""
    return {
        f"features.{place}.{kind}": weights[f"{name}.{kind}"]
        for name, place in PLACES.items()
        for kind in ("weight", "bias")
    }


def write(weights: dict[str, NDArray[np.float32]], path: Path) -> str:
    """Writes a safetensors file and returns its digest."""
    save_file(weights, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def small_recipe(path: Path, digest: str) -> Recipe:
    """ART's steps on a small square and the second block."""
    return Recipe(
        name="small",
        side=SIDE,
        layer="relu2_1",
        weights=str(path),
        weights_sha256=digest,
        reduced_channels=REDUCED,
        root_offset=1e-4,
        style_dimensions=PROJECTED,
        colour_bins=3,
    )


def picture(seed: int = 0) -> NDArray[np.uint8]:
    """Coarse noise, so that neighbouring pixels go together as in a picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((4, 4, 1), np.uint8))


def feature_maps(square: NDArray[np.uint8], weights: dict[str, Floats]) -> dict[str, Floats]:
    """Activations of relu1_1, relu1_2 and relu2_1, each (channels, height, width)."""
    maps = (square / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    maps = maps.transpose(2, 0, 1)
    found = {}
    for name in PLACES:
        maps = max_pool(maps) if name == "conv2_1" else maps
        maps = np.maximum(convolve(maps, weights[f"{name}.weight"], weights[f"{name}.bias"]), 0)
        found[name.replace("conv", "relu")] = maps
    return found


def descriptor(
    maps: Floats,
    weights: dict[str, Floats],
    *,
    reduced: bool = True,
    centred: bool = True,
    pool: int = 1,
    triangle: bool = True,
    root: float | None = 1e-4,
    means: bool = True,
) -> Floats:
    """Values of one layer before they are scaled, by loops and textbook formulas."""
    flat = maps.reshape(len(maps), -1)
    if reduced:
        flat = weights["reduce.weight"][:, :, 0, 0] @ flat + weights["reduce.bias"][:, None]
    gram = (
        np.cov(flat, bias=True) if centred else np.einsum("ap,bp->ab", flat, flat) / flat.shape[1]
    )
    size = len(gram) // pool
    tiles = [
        [gram[i * pool : (i + 1) * pool, j * pool : (j + 1) * pool].max() for j in range(size)]
        for i in range(size)
    ]
    values = np.array(
        [
            tiles[i][j] * (2**0.5 if triangle and i != j else 1)
            for i in range(size)
            for j in range(i if triangle else 0, size)
        ]
    )
    if root is not None:
        values = np.sign(values) * (np.sqrt(np.abs(values) + root) - root**0.5)
    return np.concatenate([values, flat.mean(axis=1)]) if means else values


def unit(values: Floats) -> Floats:
    """The same direction at length 1."""
    scaled: Floats = values / np.sqrt((values**2).sum())
    return scaled
