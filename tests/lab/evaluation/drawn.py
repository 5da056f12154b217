"""A small labelled library that is drawn here, and recipes that are quick to compute."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.evaluation.library import Library, read_library

# ART's own weights, on pictures so small that they take no time.
QUICK = replace(ART, name="quick", side=64)
COARSE = replace(QUICK, name="coarse", colour_bins=2)
NO_RECIPE = "art"
# Of a frame: a colour that neither hand uses.
FRAME = (90, 60, 30)


def draw(kind: str, seed: int) -> Image.Image:
    """Stripes by one hand, blots by the other."""
    rng = np.random.default_rng(seed)
    red, blue = rng.integers(100, 200, 2)
    if kind == "stripes":
        rows = np.arange(64)[:, None] // (2 + seed % 3) % 2 * np.ones((1, 64), int)
        return Image.fromarray(
            np.stack([rows * red, rows * 40, rows * 10], axis=2).astype(np.uint8)
        )
    coarse = rng.integers(0, 256, (8, 8))
    blots = np.kron(coarse, np.ones((8, 8), int))
    return Image.fromarray(np.stack([0 * blots, blots // 4, blots * blue // 255], 2).astype("u1"))


def save_library(folder: Path) -> Path:
    """Twelve pictures, six by each of two, of two schools; their table is ``labels.csv``."""
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "artist", "school"])
        for kind in ("stripes", "blots"):
            (folder / kind).mkdir()
            for seed in range(6):
                path = f"{kind}/“{seed}” & more.png"
                draw(kind, seed).save(folder / path)
                table.writerow([path, kind, "one" if seed % 2 else "two"])
    return folder


def library(folder: Path, **options: object) -> Library:
    """The library in the folder, labelled by artist unless told otherwise."""
    columns = {"path": "path", "label": "artist", "exclude_same": None, **options}
    return read_library(folder, folder / "labels.csv", **columns)
