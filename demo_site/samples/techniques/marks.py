"""Techniques that build a picture from many small marks: dots, strokes, lines, stitches."""

import math

import numpy as np
from PIL import Image, ImageDraw

from ..composition import Composition
from ..noise import FloatArray, grid, layered, ramp, scatter, smooth
from ..palettes import DARKER, INK, LIGHTER, PAPER
from .surface import darken, paint, widen

_OVERSAMPLE = 2


def pointillism(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Round dots of broken colour, close together, on the paper."""
    canvas = _Canvas(scene, colours[PAPER])
    for spacing, radius in ((11.0, 7.0), (9.0, 4.6)):
        x, y = scatter(rng, scene.width, scene.height, spacing)
        chance = rng.uniform(-1, 1, x.shape).astype(np.float32)
        inks = colours[scene.broken(scene.at(x, y), chance)] + rng.uniform(-14, 14, (len(x), 1))
        sizes = radius * rng.uniform(0.8, 1.15, x.shape)
        for px, py, size, ink in zip(x, y, sizes, inks, strict=True):
            canvas.dot(px, py, size, ink)
    return canvas.finish()


def impasto(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Short thick strokes along the forms, each with a ridge in the light and one in shadow."""
    canvas = _Canvas(scene, colours[PAPER])
    for spacing, length, thickness in ((17.0, 52.0, 19.0), (13.0, 36.0, 12.0)):
        x, y = scatter(rng, scene.width, scene.height, spacing)
        where = scene.at(x, y)
        chance = rng.uniform(-0.6, 0.6, x.shape).astype(np.float32)
        inks = colours[scene.broken(where, chance)] + rng.uniform(-10, 10, (len(x), 1))
        turns = scene.flow[where] + rng.uniform(-0.35, 0.35, x.shape)
        for px, py, turn, ink in zip(x, y, turns, inks, strict=True):
            dx, dy = math.cos(turn) * length / 2, math.sin(turn) * length / 2
            canvas.line(px - dx, py - dy, px + dx, py + dy, thickness, ink)
            ox, oy = -math.sin(turn) * thickness * 0.32, math.cos(turn) * thickness * 0.32
            for side, light in ((-1, 17), (1, -17)):
                x0, y0 = px - dx + side * ox, py - dy + side * oy
                x1, y1 = px + dx + side * ox, py + dy + side * oy
                canvas.line(x0, y0, x1, y1, thickness * 0.16, ink + light)
    return canvas.finish()


def hatching(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Fine parallel lines, each form in its own direction, crossed where it lies in shadow."""
    scene = scene.wobbled(rng, 1.5, 30)
    x, y = grid(scene.width, scene.height)
    directions = rng.uniform(0, math.pi, 256).astype(np.float32)[scene.shapes]
    waver = 2.5 * smooth(rng, scene.width, scene.height, 50)
    dark = np.zeros(scene.roles.shape, dtype=np.bool_)
    for turn, until in ((0.0, 9.0), (1.25, 0.05), (2.2, -0.4)):
        angle = directions + np.float32(turn)
        across = x * np.cos(angle) + y * np.sin(angle) + waver
        thickness = 0.5 - 0.25 * np.clip(scene.tone, -0.8, 0.8)
        line = np.abs(np.mod(across / 13, 1) - 0.5) < thickness / 2
        dark |= line & (scene.tone < until)
    inked = np.where(dark, DARKER[DARKER[scene.roles]], LIGHTER[scene.roles])
    rgb = paint(colours, inked)
    return darken(rgb, widen(scene.outline(), 1), colours[INK])


def halftone(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A printer's screen: rows of dots, larger where it is darker."""
    x, y = grid(scene.width, scene.height)
    period, turn = 11.0, 0.38
    across = (x * math.cos(turn) + y * math.sin(turn)) / period
    down = (-x * math.sin(turn) + y * math.cos(turn)) / period
    distance = np.hypot(np.mod(across, 1) - 0.5, np.mod(down, 1) - 0.5)
    radius = 0.4 - 0.16 * np.clip(scene.tone, -1, 1)
    dots = ramp((radius - distance) * period, -0.6, 0.6)
    ground, ink = colours[LIGHTER[scene.roles]], colours[DARKER[scene.roles]]
    return ground + (ink - ground) * dots[..., None]


def chalk(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The flat of a stick rubbed over rough paper, always in the same direction."""
    scene = scene.wobbled(rng, 5, 12)
    x, y = grid(scene.width, scene.height)
    reach = scene.width + scene.height
    rubbed = smooth(rng, reach, reach, 70, 5) + 0.6 * smooth(rng, reach, reach, 16, 3)
    along, across = (x + y) / 2, (y - x + scene.width) / 2
    tooth = 1.7 * rubbed[across.astype(np.intp), along.astype(np.intp)]
    pressure = -0.8 * scene.tone + 1.6 * widen(scene.outline(), 3)
    roles = np.where(tooth < pressure - 0.25, DARKER[scene.roles], scene.roles)
    roles = np.where(tooth > pressure + 0.45, LIGHTER[LIGHTER[scene.roles]], roles)
    return paint(colours, roles) + 10 * layered(rng, scene.width, scene.height, 40)[..., None]


def tapestry(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Wool on a loom: one slanting stitch a cell, lit from the left."""
    x, y = grid(scene.width, scene.height)
    wide, high = 13.0, 9.0
    column = np.floor(x / wide)
    row = np.floor((y + np.abs(np.mod(x / wide, 2) - 1) * high) / high)
    centre_x = (column + 0.5) * wide + 0 * y
    centre_y = row * high + 0 * x
    where = scene.at(centre_x.astype(np.float32), centre_y.astype(np.float32))
    rgb = paint(colours, scene.roles[where])
    inside = np.mod(y + np.abs(np.mod(x / wide, 2) - 1) * high, high) / high
    strand = 17 * np.cos(2 * math.pi * (inside - 0.35)) + 6 * np.sin(2 * math.pi * x / wide * 3)
    yarn = rng.uniform(-8, 8, (scene.height // 4 + 9, 1)).astype(np.float32)
    tint = yarn[np.clip(row.astype(int) + 2, 0, len(yarn) - 1), 0]
    woven: FloatArray = rgb + (strand + tint)[..., None]
    return woven


class _Canvas:
    """Draws marks in colour at twice the size, which smooths their edges."""

    def __init__(self, scene: Composition, ground: FloatArray) -> None:
        self._size = (scene.width, scene.height)
        large = (scene.width * _OVERSAMPLE, scene.height * _OVERSAMPLE)
        self._image = Image.new("RGB", large, _ink(ground))
        self._draw = ImageDraw.Draw(self._image)

    def dot(self, x: float, y: float, radius: float, colour: FloatArray) -> None:
        box = [v * _OVERSAMPLE for v in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse([float(v) for v in box], fill=_ink(colour))

    def line(
        self, x0: float, y0: float, x1: float, y1: float, thickness: float, colour: FloatArray
    ) -> None:
        ends = [float(v * _OVERSAMPLE) for v in (x0, y0, x1, y1)]
        width = max(1, round(thickness * _OVERSAMPLE))
        self._draw.line(ends, fill=_ink(colour), width=width)
        if width > 4 * _OVERSAMPLE:
            for cx, cy in (ends[:2], ends[2:]):
                r = width / 2
                self._draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=_ink(colour))

    def finish(self) -> FloatArray:
        image = self._image.resize(self._size, Image.Resampling.BOX)
        return np.asarray(image, dtype=np.float32)


def _ink(colour: FloatArray) -> tuple[int, int, int]:
    red, green, blue = np.clip(colour, 0, 255).astype(int).tolist()
    return red, green, blue
