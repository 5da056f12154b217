from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import conv2d, max_pool2d, relu
from torchvision.models import vgg19

from artsimilarity.encoder.blocks.vgg import (
    convolution_names,
    read_weights,
    truncated_vgg19,
    vgg19_segments,
)
from artsimilarity.encoder.recipe import ART
from artsimilarity.encoder.weight_files import WeightsError

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
    weights = read_weights(ART)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert weights["project.weight"].shape == (256, 4752)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.safetensors"
    path.write_bytes(b"no tensors here")
    digest = hashlib.sha256(b"no tensors here").hexdigest()
    with pytest.raises(WeightsError, match=r"notes\.safetensors is no safetensors file"):
        read_weights(replace(ART, weights=str(path), weights_sha256=digest))


def test_convolutions_named_by_torchvision_get_our_names() -> None:
    theirs = vgg19(weights=None, init_weights=False).features
    named = convolution_names({f"features.{k}": v for k, v in theirs.state_dict().items()})
    assert {name.rpartition(".")[0] for name in named} == {f"conv{layer}" for layer in LAYERS}
    assert all(named[f"conv{layer}.weight"].shape[:2] == shapes()[layer] for layer in LAYERS)


def test_our_names_stay() -> None:
    tensor = torch.zeros(1)
    assert list(convolution_names({"conv1_1.bias": tensor, "reduce.weight": tensor})) == [
        "conv1_1.bias",
        "reduce.weight",
    ]


def test_segments_go_on_from_where_the_one_before_ended() -> None:
    weights = random_weights("3_1")
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(6))
    maps = pixels
    for layer, segment in zip(
        ("relu1_1", "relu2_2", "relu3_1"),
        vgg19_segments(weights, ["relu1_1", "relu2_2", "relu3_1"]),
        strict=True,
    ):
        maps = segment(maps)
        torch.testing.assert_close(maps, truncated_vgg19(weights, layer)(pixels))
