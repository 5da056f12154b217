"""From a trained network to a weights file that a recipe can use. Torch."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.lab.progress import progress_bar
from artsimilarity.lab.training.network import HEAD_GAIN, Embedder, TrainingNetwork

_CHUNK: Final = 32
# Directions in which the pictures hardly differ are noise: half-whitening must not blow them up.
_SMALLEST_SPREAD: Final = 1e-4


@dataclass(frozen=True, kw_only=True)
class Projection:
    """The linear map at the end of a recipe.

    Attributes:
        weight: Shape (style_dimensions, descriptor_dimensions), float32; if fitted, of values that
            float16 holds.
        bias: Shape (style_dimensions,), float32.
    """

    weight: Tensor
    bias: Tensor


def fold(network: TrainingNetwork) -> TrainingNetwork:
    """Folds every batch norm into the convolution before it and rounds it as the file will.

    The projection is fitted to what this network makes: fitted to the unrounded one it would turn
    the little that rounding moves into more.

    Args:
        network: In evaluation mode, on the CPU; it stays as it is. Folding twice changes nothing.

    Returns:
        A copy with identities in the place of batch norms.
    """
    folded = copy.deepcopy(network)
    name, convolution = "reduce", network.reduce
    for child, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            name, convolution = child, module
        elif isinstance(module, nn.BatchNorm2d):
            folded.set_submodule(name, fuse_conv_bn_eval(convolution, module).half().float())
            folded.set_submodule(child, nn.Identity())
    return folded


def head_projection(network: TrainingNetwork) -> Projection:
    """The head itself as the recipe's projection: embeddings as training made them."""
    weight = HEAD_GAIN * network.head.weight.detach()
    return Projection(weight=weight, bias=network.head.bias.detach())


@torch.no_grad()
def fit_projection(descriptors: Tensor, head: Tensor, dimensions: int) -> Projection:
    """Makes the projection from the trained head and from what descriptors vary in, without labels.

    Two linear maps of the centred descriptors are laid side by side, each scaled to a mean length
    of 1: the head, and the first principal components divided by the square root of their standard
    deviations (half-whitening: large directions are dampened, small ones not made as large). The
    result is rotated to its leading directions and cut.

    Args:
        descriptors: Shape (n, d), float; n > dimensions.
        head: Weight of the head, shape (h, d); its bias falls out with the mean.
        dimensions: Values that the projection is to have, also the number of components; at most d.

    Returns:
        The projection, centring included in its bias.

    Raises:
        ValueError: There are too few descriptors, or they have too few values.
    """
    count, values = descriptors.shape
    if not dimensions < count or dimensions > values:
        raise ValueError(
            f"{dimensions} style values take more than {dimensions} pictures and at least "
            f"{dimensions} values before the projection, not {count} and {values}."
        )
    exact = descriptors.double()
    mean = exact.mean(dim=0)
    centred = exact - mean
    _, singular, components = torch.linalg.svd(centred, full_matrices=False)
    spreads = singular[:dimensions] / count**0.5
    spreads = spreads.clamp(min=_SMALLEST_SPREAD * float(spreads[0]))
    halfway = components[:dimensions] / spreads[:, None].sqrt()
    stacked = torch.cat([_to_mean_length_one(part, centred) for part in (head.double(), halfway)])
    _, _, leading = torch.linalg.svd(centred @ stacked.T, full_matrices=False)
    # Rounded as the file will, so that the bias centres what the file's weight makes.
    weight = (leading[:dimensions] @ stacked).half().double()
    return Projection(weight=weight.float(), bias=(-weight @ mean).float())


def _to_mean_length_one(weight: Tensor, centred: Tensor) -> Tensor:
    mean_length: Tensor = (centred @ weight.T).square().sum(dim=1).sqrt().mean()
    return weight / mean_length


@torch.no_grad()
def extract_descriptors(
    network: Embedder, pixels: Tensor, device: torch.device | None = None
) -> Tensor:
    """Descriptors of whole pictures, as the recipe makes them before its projection.

    Args:
        network: In evaluation mode; it ends on the CPU.
        pixels: sRGB squares, shape (n, side, side, 3), uint8, on the CPU.
        device: Where to; None is the CPU.

    Returns:
        Shape (n, d), float32, on the CPU; those of VGG-19 have length 1.
    """
    device = device or torch.device("cpu")
    network.to(device)
    descriptors = []
    with progress_bar("Descriptors", len(pixels), "picture") as bar:
        for chunk in torch.split(pixels, _CHUNK):
            pictures = chunk.to(device).permute(0, 3, 1, 2).float() / 255
            descriptors.append(network.descriptors(pictures).cpu())
            bar.update(len(chunk))
    network.cpu()
    return torch.cat(descriptors)


def _convolutions(network: TrainingNetwork) -> dict[str, Tensor]:
    return {
        f"{path.rpartition('.')[2]}.{kind}": tensor
        for path, module in fold(network).named_modules()
        if isinstance(module, nn.Conv2d)
        for kind, tensor in module.state_dict().items()
    }


def write_weights(network: TrainingNetwork, projection: Projection, path: Path) -> Recipe:
    """Writes a weights file, float16, complete or not at all.

    Args:
        network: In evaluation mode, on the CPU.
        projection: What ``project`` is to be.
        path: The file.

    Returns:
        The network's recipe with this file and its digest.

    Raises:
        OSError: The file cannot be written.
        ValueError: A value does not fit into float16.
    """
    tensors = {
        **_convolutions(network),
        "project.weight": projection.weight,
        "project.bias": projection.bias,
    }
    digest = write_whole(halves_of(tensors), path)
    return replace(
        network.recipe,
        weights=str(path.resolve()),
        weights_sha256=digest,
        style_dimensions=len(projection.weight),
    )


def halves_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as float16.

    Raises:
        ValueError: A value does not fit into it, or is no number.
    """
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    broken = [name for name, half in halves.items() if not half.isfinite().all()]
    if broken:
        raise ValueError(
            f"Values of {', '.join(broken)} are too large to keep: try a lower --learning-rate."
        )
    return halves


def write_whole(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Writes a safetensors file, complete or not at all, and gives its sha256 in hexadecimal.

    Raises:
        OSError: The file cannot be written.
    """
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return hashlib.sha256(data).hexdigest()
