"""Scans as archives deliver them, drawn around a picture whose place in them is known. Pillow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageOps

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
Scan = tuple[Image.Image, Box]

MARGIN = 30


def painting(seed: int = 0, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """Patches of all sizes and colours, as different from any even ground as paintings are."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((size[1], size[0], 3))
    for cells, weight in ((4, 0.5), (12, 0.3), (40, 0.2)):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        picture += weight * np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), float)
    return Image.fromarray(((picture - 128) * 1.6 + 120).clip(0, 255).astype(np.uint8))


def grain(scan: Image.Image, deviation: float = 2) -> Image.Image:
    """The noise of a scanner."""
    noise = np.random.default_rng(1).normal(0, deviation, (scan.height, scan.width, 1))
    return Image.fromarray((np.asarray(scan, float) + noise).clip(0, 255).astype(np.uint8))


def shares(box: tuple[int, int, int, int], scan: Image.Image) -> Box:
    left, top, right, bottom = box
    return (left / scan.width, top / scan.height, right / scan.width, bottom / scan.height)


def on_ground(
    picture: Image.Image, ground: Colour, sides: tuple[int, int, int, int] = (MARGIN,) * 4
) -> Scan:
    """Margins of one colour to the left, above, to the right and below."""
    left, top, right, bottom = sides
    size = (picture.width + left + right, picture.height + top + bottom)
    scan = Image.new("RGB", size, ground)
    scan.paste(picture, (left, top))
    box = (left, top, left + picture.width, top + picture.height)
    return grain(scan), shares(box, scan)


def in_frame(picture: Image.Image) -> Scan:
    """A wall, a moulding of many shades, a mat, and the picture."""
    framed = ImageOps.expand(picture, 18, (236, 230, 218))
    for ring in range(12):
        shade = 0.6 + 0.7 * np.sin(np.pi * (ring + 0.5) / 12)
        framed = ImageOps.expand(framed, 1, tuple(int(shade * level) for level in (150, 110, 50)))
    framed = ImageOps.expand(framed, 14, (205, 203, 198))
    edge = 18 + 12 + 14
    box = (edge, edge, edge + picture.width, edge + picture.height)
    return grain(framed), shares(box, framed)


def with_target(picture: Image.Image) -> Scan:
    """On black, a strip of colour patches below."""
    scan, _ = on_ground(picture, (25, 25, 25), (12, 12, 12, 45))
    draw, step = ImageDraw.Draw(scan), picture.width // 10
    for patch in range(10):
        left = 12 + patch * step
        colour = tuple(int(level) for level in np.random.default_rng(patch).integers(0, 256, 3))
        top = picture.height + 12 + 12
        draw.rectangle([left, top, left + step - 4, top + 18], fill=colour)
    return scan, shares((12, 12, 12 + picture.width, 12 + picture.height), scan)


def on_page(picture: Image.Image) -> Scan:
    """A plate with a caption of three lines below, and the gutter's shadow to the left."""
    width, height = picture.size
    page = Image.new("RGB", (int(width * 1.3), int(height * 1.45)), (244, 238, 224))
    left, top = int(width * 0.15), int(height * 0.12)
    page.paste(picture, (left, top))
    draw = ImageDraw.Draw(page)
    for line in range(3):
        row = int(height * (1.2 + 0.05 * line))
        draw.rectangle([int(width * 0.3), row, int(width * 0.9), row + 2], fill=(90, 86, 80))
    shadow = np.ones(page.width)
    shadow[: page.width // 6] = np.linspace(0.45, 1, page.width // 6)
    shaded = Image.fromarray((np.asarray(page) * shadow[None, :, None]).astype(np.uint8))
    return grain(shaded), shares((left, top, left + width, top + height), page)


def on_cloth(picture: Image.Image) -> Scan:
    """Woven cloth, and a ruler below."""
    scan, _ = on_ground(picture, (60, 62, 70), (MARGIN, MARGIN, MARGIN, 50))
    rows, columns = np.indices((scan.height, scan.width))
    weave = 8 * np.sin(columns * 2) + 8 * np.sin(rows * 1.7)
    noise = np.random.default_rng(2).normal(0, 5, weave.shape)
    cloth = (np.asarray(scan, float) + (weave + noise)[..., None]).clip(0, 255)
    scan = Image.fromarray(cloth.astype(np.uint8))
    scan.paste(picture, (MARGIN, MARGIN))
    bottom = MARGIN + picture.height
    ruler = [MARGIN, bottom + 14, MARGIN + picture.width // 2, bottom + 26]
    ImageDraw.Draw(scan).rectangle(ruler, fill=(225, 215, 170))
    return scan, shares((MARGIN, MARGIN, MARGIN + picture.width, bottom), scan)


SCANS: dict[str, Callable[[Image.Image], Scan]] = {
    "white margin": lambda picture: on_ground(picture, (250, 250, 248)),
    "black margin": lambda picture: on_ground(picture, (10, 10, 12)),
    "red margin": lambda picture: on_ground(picture, (150, 30, 40)),
    "margins of four widths": lambda picture: on_ground(picture, (250, 250, 248), (12, 40, 25, 60)),
    "margins on two sides": lambda picture: on_ground(picture, (250, 250, 248), (0, 0, 40, 30)),
    "frame and mat": in_frame,
    "colour target": with_target,
    "book page": on_page,
    "cloth and ruler": on_cloth,
}
