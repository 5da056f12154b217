"""Makes reference_vectors.npz: the ART vector in plain numpy, written apart from the encoder.

Run ``python -m tests.encoder.make_reference`` after a change of the recipe, and only then. Nothing
of ``artsimilarity`` is imported: float64, convolution as nine shifted products, histogramdd.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

HERE = Path(__file__).parent
VECTORS = HERE / "reference_vectors.npz"
WEIGHTS = HERE.parents[1] / "artsimilarity/encoder/weights/style-vgg19-art.safetensors"
SIDE = 224

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


def pictures() -> dict[str, Picture]:
    """Pictures of 224 x 224 by integer arithmetic only, so that no machine draws them otherwise."""
    y, x = np.mgrid[:SIDE, :SIDE]
    raw = np.random.PCG64(2019).random_raw(SIDE * SIDE * 3)  # the raw stream is kept for good
    radius = (x - 112) ** 2 + (y - 112) ** 2
    drawn = {
        "gradients": (x * 255 // 223, y * 255 // 223, (x + y) * 255 // 446),
        "stripes": (255 * (x // 7 % 2), 90 + 100 * ((x + y) // 11 % 2), 40 + 0 * x),
        "rings": (radius // 97 % 256, 255 - radius // 53 % 256, radius // 701 % 2 * 200),
        "black and white": (255 * (y < 60),) * 3,
    }
    stacked = {name: np.stack(channels, axis=-1) for name, channels in drawn.items()}
    stacked["noise"] = (raw % 256).reshape(SIDE, SIDE, 3)
    return {name: picture.astype(np.uint8) for name, picture in stacked.items()}


def convolve(maps: Floats, weight: Floats, bias: Floats) -> Floats:
    """3 x 3, zero padding 1, (channels, height, width): a sum over the nine shifts."""
    _, height, width = maps.shape
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    out = np.broadcast_to(bias[:, None, None], (len(bias), height, width)).copy()
    for dy in range(3):
        for dx in range(3):
            shifted = padded[:, dy : dy + height, dx : dx + width]
            out += np.einsum("oc,chw->ohw", weight[:, :, dy, dx], shifted, optimize=True)
    return out


def max_pool(maps: Floats) -> Floats:
    """2 x 2, stride 2."""
    channels, height, width = maps.shape
    return maps.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def style_block(picture: Picture, weights: dict[str, Floats]) -> Floats:
    """256 values of length 1, step by step as the documentation of the weights has them."""
    maps = (picture / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    maps = maps.transpose(2, 0, 1)
    for step in ("conv1_1", "conv1_2", "pool", "conv2_1", "conv2_2", "pool", "conv3_1"):
        if step == "pool":
            maps = max_pool(maps)
        else:
            maps = convolve(maps, weights[f"{step}.weight"], weights[f"{step}.bias"])
            maps = np.maximum(maps, 0)
    flat = weights["reduce.weight"][:, :, 0, 0] @ maps.reshape(len(maps), -1)
    flat += weights["reduce.bias"][:, None]
    covariance = np.cov(flat, bias=True)
    values = []
    for row in range(len(covariance)):
        values += [covariance[row, row], *(covariance[row, row + 1 :] * 2**0.5)]
    triangle = np.array(values)
    rooted = np.sign(triangle) * (np.sqrt(np.abs(triangle) + 1e-4) - 1e-2)
    descriptor = np.concatenate([rooted, flat.mean(axis=1)])
    descriptor /= np.linalg.norm(descriptor)
    projected = weights["project.weight"] @ descriptor + weights["project.bias"]
    return projected / np.linalg.norm(projected)


def colour_block(picture: Picture) -> Floats:
    """216 values of length 1: roots of the shares of the pixels in 6 x 6 x 6 cubes."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    counts, _ = np.histogramdd(pixels, bins=6, range=[(0, 256)] * 3)
    return np.sqrt(counts.ravel() / len(pixels))


def main() -> None:
    weights = {name: tensor.astype(np.float64) for name, tensor in load_file(WEIGHTS).items()}
    vectors = {
        name: np.concatenate([style_block(picture, weights), colour_block(picture)])
        for name, picture in pictures().items()
    }
    np.savez_compressed(VECTORS, **{k: v.astype(np.float32) for k, v in vectors.items()})


if __name__ == "__main__":
    main()
