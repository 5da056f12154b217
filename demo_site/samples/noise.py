"""Seeded random numbers, smooth noise and the few array operations that the techniques share."""

import hashlib

import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.uint8]


def generator(*names: str) -> np.random.Generator:
    """Return a PCG64 generator that depends on the names alone, on every machine."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))


def resize(values: FloatArray, width: int, height: int) -> FloatArray:
    """Return ``values`` (h, w) scaled to (height, width), bicubic."""
    image = Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(image, dtype=np.float32)


def smooth(
    rng: np.random.Generator, width: int, height: int, cell: float, cell_y: float | None = None
) -> FloatArray:
    """Return smooth noise (height, width), about -1 to 1, whose bumps are ``cell`` pixels wide.

    Args:
        rng: source of the bumps.
        width: of the result, in pixels.
        height: of the result, in pixels.
        cell: horizontal size of a bump, in pixels.
        cell_y: vertical size, where it differs: streaks and wood grain.
    """
    rows = max(2, round(height / (cell_y or cell)) + 1)
    columns = max(2, round(width / cell) + 1)
    bumps = np.clip(rng.standard_normal((rows, columns)) * 0.5, -1, 1).astype(np.float32)
    return resize(bumps, width, height)


def layered(
    rng: np.random.Generator, width: int, height: int, cell: float, cell_y: float | None = None
) -> FloatArray:
    """Return smooth noise of three scales (cell, cell / 2, cell / 4), about -1 to 1."""
    high = cell_y or cell
    total: FloatArray = smooth(rng, width, height, cell, high)
    total += np.float32(0.5) * smooth(rng, width, height, cell / 2, high / 2)
    total += np.float32(0.25) * smooth(rng, width, height, cell / 4, high / 4)
    total /= np.float32(1.4)
    return total


def soften(values: FloatArray, radius: float) -> FloatArray:
    """Return ``values`` blurred by about ``radius`` pixels (down to a small picture and back)."""
    height, width = values.shape
    small = Image.fromarray(values).resize(
        (max(2, round(width / radius)), max(2, round(height / radius))), Image.Resampling.BOX
    )
    return resize(np.asarray(small, dtype=np.float32), width, height)


def grid(width: int, height: int) -> tuple[FloatArray, FloatArray]:
    """Return pixel coordinates x (1, width) and y (height, 1) as float32."""
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    return x, y


def scatter(
    rng: np.random.Generator, width: int, height: int, spacing: float
) -> tuple[FloatArray, FloatArray]:
    """Return x and y (n,) of points about ``spacing`` pixels apart, in random order."""
    columns, rows = int(width / spacing) + 2, int(height / spacing) + 2
    jitter = rng.uniform(-0.42, 0.42, (2, rows, columns)).astype(np.float32)
    x = (np.arange(columns)[None, :] + (np.arange(rows) % 2)[:, None] * 0.5 + jitter[0]) * spacing
    y = (np.arange(rows)[:, None] + jitter[1]) * spacing
    order = rng.permutation(rows * columns)
    return x.ravel()[order].astype(np.float32), y.ravel()[order].astype(np.float32)


def ramp(values: FloatArray, low: float, high: float) -> FloatArray:
    """Return 0 below ``low``, 1 above ``high`` and a straight line between: a soft threshold."""
    ramped: FloatArray = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return ramped


def mix(first: FloatArray, second: FloatArray, share: FloatArray) -> FloatArray:
    """Blend two RGB arrays (..., 3) by ``share`` (...) of the second, 0 to 1."""
    mixed: FloatArray = first + (second - first) * share[..., None]
    return mixed


def to_image(rgb: FloatArray) -> Image.Image:
    """Return an RGB picture of an array (h, w, 3), 0 to 255."""
    return Image.fromarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8))
