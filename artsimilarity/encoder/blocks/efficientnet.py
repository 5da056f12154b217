"""EfficientNet-Lite0 up to its stage 5, in plain torch.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019),
in the "lite" form for small devices: no squeeze and excitation, ReLU6 for swish, stem and head not
scaled (tensorflow/tpu, models/official/efficientnet/lite). Batch normalisation is folded into the
convolutions.

The network was trained with TensorFlow's SAME padding, of which the smaller half lies in front. On
a picture mirrored both ways, with kernels mirrored likewise, the larger half does, and that is what
torch's own padding gives: so it runs on mirrored maps, and none is copied in order to be padded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.blocks.tensors import assign_weights

_STEM: Final = 32


class _Stage(NamedTuple):
    blocks: int
    kernel: int
    stride: int  # of the first block; the others have 1
    expansion: int
    channels: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
)

# Channels of each stage's output.
STAGE_CHANNELS: Final = tuple(stage.channels for stage in _STAGES)


class EfficientNetLite0(nn.Module):
    """The network's six stages, in evaluation mode and without gradients.

    Args:
        weights: ``stem.weight``, ``blocks.0.depth.weight``, ``blocks.0.project.bias`` and so on,
            float32; other names are ignored.

    Raises:
        WeightsError: A tensor is missing or has another shape.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        # On the meta device layers have shapes but no storage, and draw no random weights.
        with torch.device("meta"):
            self.stem = _Convolution(3, _STEM, kernel=3, stride=2)
            stages = []
            channels = _STEM
            for stage in _STAGES:
                blocks = []
                for place in range(stage.blocks):
                    stride = 1 if place else stage.stride
                    blocks.append(_InvertedResidual(channels, stage, stride))
                    channels = stage.channels
                stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        assign_weights(self.convolutions(), weights)
        self.eval().requires_grad_(False)

    def convolutions(self) -> dict[str, nn.Module]:
        """Every convolution by the name that its tensors have in a weights file."""
        found: dict[str, nn.Module] = {"stem": self.stem}
        in_order = (block for stage in self.stages for block in cast(nn.Sequential, stage))
        for place, block in enumerate(in_order):
            for name, convolution in block.named_children():
                found[f"blocks.{place}.{name}"] = convolution
        return found

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Runs the stages.

        Args:
            pixels: RGB, (v - 127) / 128 with v in 0..255, shape (n, 3, height, width), float32.

        Returns:
            What each of the six stages puts out, shape (n, STAGE_CHANNELS[i], ...), mirrored both
            ways: nobody has use for more than statistics over their positions.
        """
        # The channels of a place lie side by side, as products of matrices want them.
        mirrored = pixels.flip(2, 3).contiguous(memory_format=torch.channels_last)
        maps = functional.relu6(self.stem(mirrored), inplace=True)
        outputs = []
        for stage in self.stages:
            maps = stage(maps)
            outputs.append(maps)
        return outputs


class _Convolution(nn.Conv2d):
    """A convolution of mirrored maps by the mirrored kernel, padded as TensorFlow's SAME does."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, groups=groups)

    def forward(self, maps: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):
            # A product of matrices: torch's convolution would lay the channels out anew for it.
            places = functional.linear(maps.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias)
            product: Tensor = places.permute(0, 3, 1, 2)
            return product
        mirrored = self.weight.flip(2, 3)
        return functional.conv2d(
            maps, mirrored, self.bias, self.stride, self.padding, groups=self.groups
        )


class _InvertedResidual(nn.Module):
    """Widens, convolves each channel by itself, narrows; adds the input where the shape stays."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = channels * stage.expansion
        # The first stage does not widen.
        self.expand = _Convolution(channels, wide, kernel=1) if stage.expansion > 1 else None
        self.depth = _Convolution(wide, wide, kernel=stage.kernel, stride=stride, groups=wide)
        self.project = _Convolution(wide, stage.channels, kernel=1)
        self.adds: Final = stride == 1 and channels == stage.channels

    def forward(self, maps: Tensor) -> Tensor:
        wide = maps
        if self.expand is not None:
            wide = functional.relu6(self.expand(maps), inplace=True)
        wide = functional.relu6(self.depth(wide), inplace=True)
        narrow: Tensor = self.project(wide)
        return narrow.add_(maps) if self.adds else narrow
