"""Truncated VGG-19 (K. Simonyan and A. Zisserman, 2014) and its weights. Torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torchvision.models import vgg19

from artsimilarity.encoder.blocks.tensors import assign_weights, read_tensors
from artsimilarity.encoder.recipe import CHANNELS, Recipe
from artsimilarity.encoder.weight_files import read_weights_file, read_whitening_file


def read_weights(recipe: Recipe) -> dict[str, Tensor]:
    """Reads the weights of a recipe and checks their digest.

    Args:
        recipe: What names the file and its digest.

    Returns:
        Tensors by name, float32, on the CPU. Convolutions are called ``conv1_1.weight`` and so on,
        also where the file has torchvision's names (``features.0.weight``).

    Raises:
        WeightsError: The file is missing, has another digest or holds no tensors.
    """
    data = read_weights_file(recipe)
    return convolution_names(read_tensors(data, f"The weights file {recipe.weights}"))


def read_whitening(recipe: Recipe) -> dict[str, Tensor]:
    """Reads the projection that was fitted for a recipe and checks its digest.

    Args:
        recipe: What names the digest.

    Returns:
        ``project.weight``, shape (style_dimensions, descriptor_dimensions), and ``project.bias``,
        float32, on the CPU.

    Raises:
        WeightsError: The file is missing, has another digest or holds no tensors.
    """
    data = read_whitening_file(recipe)
    return read_tensors(data, f"The projection of the recipe {recipe.name!r}")


def convolution_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames torchvision's ``features.N.weight`` to ``convX_Y.weight``; other names stay.

    Args:
        tensors: Tensors by name.

    Returns:
        The same tensors.
    """
    ours = {f"features.{index}": name for name, index in _convolution_indices().items()}
    renamed = {}
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        renamed[f"{ours.get(module, module)}.{kind}"] = tensor
    return renamed


def truncated_vgg19(weights: Mapping[str, Tensor], layer: str) -> nn.Sequential:
    """Builds torchvision's VGG-19 up to and including one ReLU layer.

    Args:
        weights: ``conv1_1.weight``, ``conv1_1.bias`` and so on, float32; other names are ignored.
        layer: Last layer, in the form ``relu3_1``.

    Returns:
        Maps normalised RGB, shape (n, 3, height, width), to the layer's non-negative activations;
        in evaluation mode, without gradients.

    Raises:
        ValueError: VGG-19 has no such layer.
        WeightsError: A tensor is missing or has another shape.
    """
    (network,) = vgg19_segments(weights, [layer])
    return network


def vgg19_segments(weights: Mapping[str, Tensor], layers: Sequence[str]) -> list[nn.Sequential]:
    """Cuts torchvision's VGG-19 behind each of some ReLU layers.

    Args:
        weights: As for ``truncated_vgg19``.
        layers: From the shallowest to the deepest, in the form ``relu3_1``.

    Returns:
        One network for each layer, which goes on from where the one before it ended.

    Raises:
        ValueError: VGG-19 has no such layer.
        WeightsError: A tensor is missing or has another shape.
    """
    for layer in layers:
        if layer not in CHANNELS:
            names = ", ".join(CHANNELS)
            raise ValueError(f"VGG-19 has no layer {layer!r}; its ReLU layers are {names}.")
    indices = _convolution_indices()
    ends = [indices[layer.replace("relu", "conv", 1)] + 2 for layer in layers]
    features = _features()
    modules = {name: features[index] for name, index in indices.items() if index < ends[-1]}
    assign_weights(modules, weights)
    starts = [0, *ends[:-1]]
    cuts = (nn.Sequential(*features[start:end]) for start, end in zip(starts, ends, strict=True))
    return [network.eval().requires_grad_(False) for network in cuts]


def _features() -> list[nn.Module]:
    # On the meta device the layers have shapes but no storage: VGG-19 whole would take 548 MB.
    with torch.device("meta"):
        return list(vgg19(weights=None, init_weights=False).features)


def _convolution_indices() -> dict[str, int]:
    """Index of every convolution by its name: block, and place in the block, both from 1."""
    indices: dict[str, int] = {}
    block = place = 1
    for index, module in enumerate(_features()):
        if isinstance(module, nn.Conv2d):
            indices[f"conv{block}_{place}"] = index
            place += 1
        elif isinstance(module, nn.MaxPool2d):
            block, place = block + 1, 1
    return indices
