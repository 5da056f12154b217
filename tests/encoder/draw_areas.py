"""Draws docs/images/areas.jpg: scans, and outlined in them what is found.

Run ``python -m tests.encoder.draw_areas`` after a change of ``pictures/area.py``.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from artsimilarity.encoder.pictures.area import find_area
from tests.encoder.scans import SCANS, painting

TARGET = Path(__file__).parents[2] / "docs/images/areas.jpg"
CELL = 320
SHOWN = ("frame and mat", "colour target", "book page", "cloth and ruler")


def outlined(scan: Image.Image) -> Image.Image:
    area = find_area(np.asarray(scan))
    cosine, sine = math.cos(math.radians(area.angle)), math.sin(math.radians(area.angle))
    corners = []
    for x, y in (
        (area.left, area.top),
        (area.right, area.top),
        (area.right, area.bottom),
        (area.left, area.bottom),
    ):
        across, down = (x - 0.5) * scan.width, (y - 0.5) * scan.height
        corners.append(
            (
                scan.width / 2 + cosine * across - sine * down,
                scan.height / 2 + sine * across + cosine * down,
            )
        )
    drawn = scan.copy()
    ImageDraw.Draw(drawn).line([*corners, corners[0], corners[1]], fill=(255, 0, 255), width=3)
    drawn.thumbnail((CELL - 10, CELL - 10))
    return drawn


def main() -> None:
    scans = [SCANS[kind](painting(seed))[0] for seed, kind in enumerate(SHOWN)]
    page, _ = SCANS["book page"](painting(5))
    scans.append(page.rotate(4, Image.Resampling.BICUBIC, expand=True, fillcolor=(30, 30, 30)))
    sheet = Image.new("RGB", (CELL * len(scans), CELL), "white")
    for place, scan in enumerate(scans):
        cell = outlined(scan)
        sheet.paste(cell, (place * CELL + (CELL - cell.width) // 2, (CELL - cell.height) // 2))
    sheet.save(TARGET, quality=80)


if __name__ == "__main__":
    main()
