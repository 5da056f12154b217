"""Truncated VGG-19 (K. Simonyan and A. Zisserman, 2014) and its weights. Torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torchvision.models import vgg19

_FOLDER: Final = "weights"


class WeightsError(RuntimeError):
    """The weights of a recipe are missing, or are not the ones that the recipe names."""


def read_weights(file_name: str, sha256: str) -> dict[str, Tensor]:
    """Reads weights from the package's ``weights`` folder and checks their digest.

    Args:
        file_name: Name of a safetensors file in that folder.
        sha256: Digest that the file must have, 64 hexadecimal digits.

    Returns:
        Tensors by name, float32, on the CPU.

    Raises:
        WeightsError: The file is missing, has another digest or holds no tensors.
    """
    file = resources.files(__package__) / _FOLDER / file_name
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"The weights file {file_name} is missing from the installed package "
            f"({error.strerror}). Reinstall django-artsimilarity."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"The weights file {file_name} is not the one that the recipe names: its sha256 is "
            f"{found}, expected {sha256}. Reinstall django-artsimilarity."
        )
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise WeightsError(f"The weights file {file_name} is no safetensors file.") from error
    return {name: tensor.float() for name, tensor in tensors.items()}


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
    # On the meta device the layers have shapes but no storage: VGG-19 whole would take 548 MB.
    with torch.device("meta"):
        features = vgg19(weights=None, init_weights=False).features
    indices = _convolution_indices(features)
    last = layer.replace("relu", "conv", 1)
    if not layer.startswith("relu") or last not in indices:
        names = ", ".join(name.replace("conv", "relu") for name in indices)
        raise ValueError(f"VGG-19 has no layer {layer!r}; its ReLU layers are {names}.")
    end = indices[last] + 2
    network = nn.Sequential(*list(features)[:end])
    modules = {name: network[index] for name, index in indices.items() if index < end}
    assign_weights(modules, weights)
    return network.eval().requires_grad_(False)


def assign_weights(modules: Mapping[str, nn.Module], weights: Mapping[str, Tensor]) -> None:
    """Gives each module the tensors under its name, without a copy.

    Args:
        modules: Modules with a weight and a bias, by name; they may be on the meta device.
        weights: ``NAME.weight`` and ``NAME.bias`` for each; other names are ignored.

    Raises:
        WeightsError: A tensor is missing or has another shape.
    """
    for name, module in modules.items():
        try:
            state = {kind: weights[f"{name}.{kind}"] for kind in ("weight", "bias")}
        except KeyError as error:
            raise WeightsError(f"The weights hold no tensor {error.args[0]}.") from error
        try:
            module.load_state_dict(state, assign=True)
        except RuntimeError as error:
            raise WeightsError(f"The weights of {name} have the wrong shape: {error}") from error


def _convolution_indices(features: nn.Sequential) -> dict[str, int]:
    """Index of every convolution by its name: block, and place in the block, both from 1."""
    indices: dict[str, int] = {}
    block = place = 1
    for index, module in enumerate(features):
        if isinstance(module, nn.Conv2d):
            indices[f"conv{block}_{place}"] = index
            place += 1
        elif isinstance(module, nn.MaxPool2d):
            block, place = block + 1, 1
    return indices
