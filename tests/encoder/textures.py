"""Pictures by made-up artists: each has a hand (faint stripes) and paints over any colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 28
# Angle in eighths of a turn, and length of the wave in pixels. No two are mirror images.
HANDS = [(angle, wave) for angle in range(3) for wave in (2.5, 3.2, 4.2, 6.0)]


def paint(hand: int, seed: int) -> NDArray[np.uint8]:
    """One picture, shape (SIDE, SIDE, 3): patches of any colours under the hand's stripes."""
    rng = np.random.default_rng([hand, seed])
    eighths, wave = HANDS[hand]
    y, x = np.mgrid[:SIDE, :SIDE]
    along = x * np.cos(eighths * np.pi / 4) + y * np.sin(eighths * np.pi / 4)
    stripes = np.sin(2 * np.pi * along / wave + rng.uniform(0, 2 * np.pi))
    patches = np.kron(rng.uniform(0, 1, (4, 4, 3)), np.ones((7, 7, 1)))
    ground = rng.uniform(30, 130, 3) + patches * rng.uniform(20, 110, 3)
    painted = ground + rng.uniform(20, 40) * stripes[..., None]
    return np.clip(painted, 0, 255).astype(np.uint8)


def paint_all(hands: list[int], each: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures of some hands, and whose each is, as a place in ``hands``."""
    pictures = [paint(hand, seed) for hand in hands for seed in range(each)]
    return np.stack(pictures), np.repeat(np.arange(len(hands)), each)


def save_all(directory: Path, hands: list[int], each: int) -> Path:
    """A folder with a sub-folder of PNG files for each hand."""
    for hand in hands:
        folder = directory / f"Hand {hand:02}"
        folder.mkdir(parents=True)
        for seed in range(each):
            Image.fromarray(paint(hand, seed)).save(folder / f"{seed}.png")
    return directory
