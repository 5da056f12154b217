from __future__ import annotations

import hashlib
from importlib import resources

import pytest
import torch
from torch.nn.functional import conv2d, max_pool2d, relu

from artsimilarity.encoder.recipe import ART
from artsimilarity.encoder.vgg import WeightsError, read_weights, truncated_vgg19

# VGG-19 as the paper's table has it: convolutions of each block and their channels.
BLOCKS = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]
LAYERS = [f"{block}_{place}" for block, (n, _) in enumerate(BLOCKS, 1) for place in range(1, n + 1)]


def shapes() -> dict[str, tuple[int, int]]:
    found, channels = {}, 3
    for block, (count, width) in enumerate(BLOCKS, 1):
        for place in range(1, count + 1):
            found[f"{block}_{place}"] = (width, channels)
            channels = width
    return found


def empty_weights() -> dict[str, torch.Tensor]:
    weights = {}
    for layer, (width, channels) in shapes().items():
        weights[f"conv{layer}.weight"] = torch.zeros(1).expand(width, channels, 3, 3)
        weights[f"conv{layer}.bias"] = torch.zeros(1).expand(width)
    return weights


def random_weights(upto: str) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    weights = {}
    for layer in LAYERS[: LAYERS.index(upto) + 1]:
        width, channels = shapes()[layer]
        scale = (2 / (9 * channels)) ** 0.5
        weights[f"conv{layer}.weight"] = scale * torch.randn(
            width, channels, 3, 3, generator=generator
        )
        weights[f"conv{layer}.bias"] = 0.1 * torch.randn(width, generator=generator)
    return weights


@pytest.mark.parametrize("layer", ["1_1", "1_2", "2_1", "2_2", "3_1", "3_4"])
def test_the_network_is_vgg_19_up_to_the_layer(layer: str) -> None:
    weights = random_weights(layer)
    pixels = torch.randn(2, 3, 32, 24, generator=torch.Generator().manual_seed(6))
    expected = pixels
    for name in LAYERS[: LAYERS.index(layer) + 1]:
        if name.endswith("_1") and name != "1_1":
            expected = max_pool2d(expected, 2)
        kernel, bias = weights[f"conv{name}.weight"], weights[f"conv{name}.bias"]
        expected = relu(conv2d(expected, kernel, bias, padding=1))
    found = truncated_vgg19(weights, f"relu{layer}")(pixels)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_relu_layer_can_be_the_last(layer: str) -> None:
    network = truncated_vgg19(empty_weights(), f"relu{layer}")
    pools = int(layer[0]) - 1
    assert len(network) == 2 * (LAYERS.index(layer) + 1) + pools
    assert isinstance(network[-1], torch.nn.ReLU)


def test_the_network_asks_for_no_gradients() -> None:
    network = truncated_vgg19(random_weights("1_1"), "relu1_1")
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("layer", ["conv3_1", "relu3_5", "relu6_1", "3_1", ""])
def test_an_unknown_layer_is_refused_with_the_known_ones(layer: str) -> None:
    with pytest.raises(ValueError, match=r"no layer .* relu1_1, .*, relu5_4"):
        truncated_vgg19(empty_weights(), layer)


def test_a_missing_tensor_is_named() -> None:
    weights = random_weights("2_1")
    del weights["conv1_2.bias"]
    with pytest.raises(WeightsError, match=r"no tensor conv1_2\.bias"):
        truncated_vgg19(weights, "relu2_1")


def test_a_tensor_of_another_shape_is_refused() -> None:
    weights = random_weights("1_1") | {"conv1_1.weight": torch.zeros(64, 3, 5, 5)}
    with pytest.raises(WeightsError, match="conv1_1 have the wrong shape"):
        truncated_vgg19(weights, "relu1_1")


def test_the_bundled_weights_come_as_float32() -> None:
    weights = read_weights(ART.weights, ART.weights_sha256)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert weights["project.weight"].shape == (256, 4752)


def test_weights_with_another_digest_are_refused() -> None:
    with pytest.raises(
        WeightsError, match=rf"{ART.weights_sha256}, expected {'0' * 64}.*Reinstall"
    ):
        read_weights(ART.weights, "0" * 64)


def test_missing_weights_are_named() -> None:
    with pytest.raises(WeightsError, match=r"absent\.safetensors is missing .*Reinstall"):
        read_weights("absent.safetensors", "0" * 64)


def test_a_file_of_another_kind_is_refused() -> None:
    other = resources.files("artsimilarity.encoder") / "vgg.py"
    digest = hashlib.sha256(other.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match="no safetensors file"):
        read_weights("../vgg.py", digest)
