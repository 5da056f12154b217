"""A network that trains in no time, and numbers to feed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from artsimilarity.encoder.recipe import ART, LIKENESS
from artsimilarity.lab.training.dataset import Collection
from artsimilarity.lab.training.loop import Examples, Settings
from tests.encoder.textures import HANDS, SIDE, paint_all

TINY = replace(
    ART, name="tiny", side=SIDE, layer="relu1_1", reduced_channels=12, style_dimensions=16
)
TINY_DEEP = replace(LIKENESS, name="tiny-deep", side=SIDE)
QUICK = Settings(epochs=12, batch_size=32, head_dimensions=24, learning_rate=5e-3)
KNOWN = [0, 1, 2, 3, 6, 7, 9, 10]
UNSEEN = [hand for hand in range(len(HANDS)) if hand not in KNOWN]


def unit_rows(*shape: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=shape)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def examples(hands: list[int], each: int) -> Examples:
    pixels, artists = paint_all(hands, each)
    return Examples(pixels=torch.from_numpy(pixels), artists=torch.from_numpy(artists))


def collection(**sizes: int) -> Collection:
    artists = np.repeat(list(sizes), list(sizes.values()))
    paths = [f"{artist}/{place}" for place, artist in enumerate(artists)]
    pixels = np.arange(len(artists), dtype=np.uint8)[:, None, None, None]
    return Collection(paths=paths, artists=artists, pixels=np.tile(pixels, (1, 1, 1, 3)))
