"""Tensors of weight files, and the modules that they belong to. Torch."""

from __future__ import annotations

from collections.abc import Mapping

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from artsimilarity.encoder.weight_files import WeightsError


def read_tensors(data: bytes, what: str) -> dict[str, Tensor]:
    """Tensors of a file by name, float32, on the CPU.

    Args:
        data: The file, in the safetensors format.
        what: What to call it in an error, at the beginning of a sentence.

    Raises:
        WeightsError: It is no such file.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise WeightsError(f"{what} is no safetensors file.") from error
    return {name: tensor.float() for name, tensor in tensors.items()}


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
