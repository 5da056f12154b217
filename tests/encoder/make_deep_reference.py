"""Makes deep_reference_vectors.npz: the deep part of ART_DEEP's style block in plain numpy.

Run ``python -m tests.encoder.make_deep_reference`` after a change of the recipe, and only then.
Nothing of ``artsimilarity`` is imported: float64, convolutions as sums of shifted products, the
network as the documentation of the weights tells it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from tests.encoder.make_reference import Floats, Picture, pictures

HERE = Path(__file__).parent
VECTORS = HERE / "deep_reference_vectors.npz"
WEIGHTS = HERE.parents[1] / "artsimilarity/encoder/weights"
NETWORK = WEIGHTS / "efficientnet-lite0-stage5.safetensors"
PROJECTION = WEIGHTS / "style-deep-project.safetensors"

# Blocks whose stride is 2, and the last block of each stage that is described.
HALVING = {1, 3, 5, 11}
DESCRIBED = {7, 10, 14}


def pad_same(maps: Floats, kernel: int, stride: int) -> Floats:
    """Zeros around each map as TensorFlow's SAME has them."""
    pads = [(0, 0)]
    for size in maps.shape[1:]:
        total = max((int(np.ceil(size / stride)) - 1) * stride + kernel - size, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(maps, pads)


def convolve(maps: Floats, weight: Floats, bias: Floats, stride: int = 1) -> Floats:
    """Maps of (channels, height, width); a kernel of one input channel is a depthwise one."""
    kernel = weight.shape[2]
    height, width = (-(-size // stride) for size in maps.shape[1:])
    padded = pad_same(maps, kernel, stride)
    out = np.repeat(bias[:, None, None], height * width, axis=1).reshape(-1, height, width)
    depthwise = weight.shape[1] == 1
    for dy in range(kernel):
        for dx in range(kernel):
            shifted = padded[
                :, dy : dy + stride * height : stride, dx : dx + stride * width : stride
            ][:, :height, :width]
            if depthwise:
                out = out + weight[:, 0, dy, dx][:, None, None] * shifted
            else:
                out = out + np.tensordot(weight[:, :, dy, dx], shifted, axes=1)
    return out


def relu6(maps: Floats) -> Floats:
    return np.clip(maps, 0, 6)


def deep_part(
    picture: Picture, weights: dict[str, Floats], projection: dict[str, Floats]
) -> Floats:
    """256 values of length 1."""

    def layer(name: str, maps: Floats, stride: int = 1) -> Floats:
        return convolve(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], stride)

    maps = relu6(layer("stem", (picture.transpose(2, 0, 1) - 127.0) / 128.0, 2))
    values = []
    for block in range(15):
        name, stride = f"blocks.{block}", 2 if block in HALVING else 1
        wide = relu6(layer(f"{name}.expand", maps)) if block else maps
        narrow = layer(f"{name}.project", relu6(layer(f"{name}.depth", wide, stride)))
        maps = maps + narrow if narrow.shape == maps.shape else narrow
        if block in DESCRIBED:
            values += [maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))]
    found = projection["project.weight"] @ np.concatenate(values) + projection["project.bias"]
    return found / np.linalg.norm(found)


def read(path: Path) -> dict[str, Floats]:
    return {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}


def main() -> None:
    weights, projection = read(NETWORK), read(PROJECTION)
    parts = {
        name: deep_part(picture, weights, projection).astype(np.float32)
        for name, picture in pictures().items()
    }
    np.savez_compressed(VECTORS, **parts)


if __name__ == "__main__":
    main()
