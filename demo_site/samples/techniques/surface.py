"""Array operations on painted surfaces that several techniques share."""

import numpy as np
import numpy.typing as npt

from ..noise import FloatArray, mix, scatter


def paint(colours: FloatArray, roles: npt.NDArray[np.uint8]) -> FloatArray:
    """Return the colours (h, w, 3) of palette roles (h, w)."""
    painted: FloatArray = colours[roles]
    return painted


def widen(mask: npt.NDArray[np.bool_], pixels: int) -> npt.NDArray[np.bool_]:
    """Return the mask grown by ``pixels`` in all four directions."""
    for _ in range(pixels):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask


def darken(rgb: FloatArray, mask: npt.NDArray[np.bool_], ink: FloatArray) -> FloatArray:
    """Return ``rgb`` with ``ink`` where the mask holds."""
    return mix(rgb, np.broadcast_to(ink, rgb.shape), mask.astype(np.float32))


def cells(
    rng: np.random.Generator, width: int, height: int, spacing: float
) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
    """Divide a surface into irregular cells, each all that lies nearest to one of its seeds.

    Returns:
        The cell of each pixel (height, width); how much farther the second nearest seed is, in
        pixels, which is small along the borders; and x and y of the seeds, in the cells' order.
    """
    seed_x, seed_y = scatter(rng, width, height, spacing)
    # A seed can only be nearest close to itself: compare there and nowhere else.
    best = np.full((height, width), np.inf, dtype=np.float32)
    second = np.full((height, width), np.inf, dtype=np.float32)
    owner = np.zeros((height, width), dtype=np.intp)
    for number, (x, y) in enumerate(zip(seed_x, seed_y, strict=True)):
        left, right = max(0, int(x - 2.2 * spacing)), min(width, int(x + 2.2 * spacing) + 1)
        top, bottom = max(0, int(y - 2.2 * spacing)), min(height, int(y + 2.2 * spacing) + 1)
        if left >= right or top >= bottom:
            continue
        here = np.s_[top:bottom, left:right]
        across = np.arange(left, right, dtype=np.float32)[None, :] - x
        down = np.arange(top, bottom, dtype=np.float32)[:, None] - y
        distance = np.hypot(across, down)
        nearer = distance < best[here]
        second[here] = np.where(nearer, best[here], np.minimum(second[here], distance))
        owner[here] = np.where(nearer, number, owner[here])
        best[here] = np.where(nearer, distance, best[here])
    return owner, second - best, seed_x, seed_y
