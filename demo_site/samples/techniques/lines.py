"""Prints of one ink on paper: the tone is made of lines, dots or grain."""

import math

import numpy as np

from ..composition import Composition
from ..noise import FloatArray, grid, layered, ramp, scatter, smooth, soften
from ..palettes import DEEP, INK
from .surface import Marks, inked, widen


def engraving(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Swelling lines that follow each form, crossed where it lies in shadow."""
    scene = scene.wobbled(rng, 1.2, 40)
    dark = scene.darkness
    x, y = grid(scene.width, scene.height)
    waver = 3 * smooth(rng, scene.width, scene.height, 60)
    cover = np.zeros_like(dark)
    for turn, least, period in ((0.0, 0.04, 10.0), (1.1, 0.5, 10.0), (2.2, 0.74, 9.0)):
        angle = _even(scene.flow) + np.float32(turn)
        across = x * np.cos(angle) + y * np.sin(angle) + waver + 9 * scene.tone
        thick = 0.16 + 0.42 * np.clip((dark - least) / (1 - least), 0, 1)
        edge = (thick / 2 - np.abs(np.mod(across / period, 1) - 0.5)) * period
        cover = np.maximum(cover, ramp(edge, -0.5, 0.5) * ramp(dark, least, least + 0.04))
    cover = np.maximum(cover, 0.85 * scene.outline())
    return inked(colours, cover, colours[INK], rng)


def etching(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Free strokes to and fro, laid over one another in the shadows."""
    dark = soften(scene.darkness, 3)
    marks = Marks(scene.width, scene.height)
    for turn, least in ((0.4, 0.15), (-0.5, 0.46), (1.5, 0.68), (0.9, 0.82)):
        x, y = scatter(rng, scene.width, scene.height, 22)
        rows, columns = scene.at(x, y)
        wanted = dark[rows, columns] > least + 0.03 * rng.standard_normal(len(x))
        turns = 0.35 * scene.flow[rows, columns] + turn + rng.normal(0, 0.12, len(x))
        for px, py, angle in zip(x[wanted], y[wanted], turns[wanted], strict=True):
            marks.line(_zigzag(px, py, angle, rng.uniform(13, 18)), 1.7)
    drawn = scene.wobbled(rng, 3, 25).outline() & (
        smooth(rng, scene.width, scene.height, 25) > -0.35
    )
    cover = np.maximum(0.9 * marks.cover(), 0.9 * widen(drawn, 1))
    film = 0.05 + 0.04 * layered(rng, scene.width, scene.height, 160)  # of ink left on the plate
    return inked(colours, np.maximum(cover, film), colours[INK], rng)


def woodcut(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Black and white alone: what the knife has left standing."""
    scene = scene.wobbled(rng, 4, 22)
    dark = soften(scene.darkness, 4)
    x, y = grid(scene.width, scene.height)
    angle = _even(scene.flow)
    across = x * np.cos(angle) + y * np.sin(angle)
    across = across + 10 * smooth(rng, scene.width, scene.height, 70) + 16 * scene.tone
    swell = 0.3 * smooth(rng, scene.width, scene.height, 26, 14)
    thick = 1.5 * (dark - 0.12) + swell * (dark > 0.2)
    edge = (thick / 2 - np.abs(np.mod(across / 22, 1) - 0.5)) * 22
    cover = ramp(edge.astype(np.float32), -0.7, 0.7)
    cover = np.maximum(cover, ramp(dark, 0.66, 0.7))
    cover = np.where(dark < 0.15, 0, cover)
    cover = np.maximum(cover, widen(scene.outline(), 2))
    grain = smooth(rng, scene.width, scene.height, 260, 4)  # of the plank, in large blacks
    return inked(colours, cover * np.where(grain > 0.55, 0.72, 1), colours[INK], rng)


def stipple(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Nothing but dots, closer and larger where it is darker."""
    dark = soften(scene.darkness, 3)
    marks = Marks(scene.width, scene.height)
    for spacing, least, most in ((9.0, 0.03, 4.0), (9.0, 0.46, 3.8)):
        x, y = scatter(rng, scene.width, scene.height, spacing)
        depth = dark[scene.at(x, y)]
        sizes = most * np.sqrt(np.clip((depth - least) / (1 - least), 0, 1)) + 0.5
        sizes *= rng.uniform(0.8, 1.15, len(x))
        for px, py, size, deep in zip(x, y, sizes, depth, strict=True):
            if deep > least:
                marks.dot(px, py, size)
    return inked(colours, marks.cover(), colours[INK], rng)


def lithograph(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Greasy crayon on grained stone."""
    scene = scene.wobbled(rng, 3, 20)
    dark = soften(scene.darkness, 5)
    x, y = grid(scene.width, scene.height)
    slant = (x * 0.8 + y * 0.6) + 14 * smooth(rng, scene.width, scene.height, 60)
    strokes = 0.21 * np.sin(2 * math.pi * slant / 23)
    stone = rng.standard_normal((scene.height // 3 + 1, scene.width // 3 + 1)).astype(np.float32)
    tooth = np.kron(stone, np.ones((3, 3), dtype=np.float32))[: scene.height, : scene.width]
    tooth = 0.14 * tooth + 0.18 * smooth(rng, scene.width, scene.height, 7)
    crayon = soften(widen(scene.outline(), 2).astype(np.float32), 3)
    cover = ramp(dark + strokes + tooth + 0.55 * crayon, 0.29, 0.76)
    return inked(colours, 0.94 * cover, 0.5 * (colours[INK] + colours[DEEP]), rng)


def aquatint(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Four bitten tones of a fine net of grain, stopped out one after the other."""
    scene = scene.wobbled(rng, 5, 40)
    dark = soften(scene.darkness, 3)
    steps = np.array([0.0, 0.2, 0.4, 0.62, 0.88], dtype=np.float32)
    tone = steps[np.digitize(dark, [0.17, 0.36, 0.56, 0.77])]
    grain = np.minimum(
        np.abs(smooth(rng, scene.width, scene.height, 12)),
        np.abs(smooth(rng, scene.width, scene.height, 16)),
    )
    net = ramp(0.035 + np.float32(0.3) * tone - grain, -0.04, 0.04)
    cover = 0.55 * tone + 0.4 * net
    edge = soften(scene.outline().astype(np.float32), 2)
    cover = np.clip(cover + 0.35 * edge, 0, 1)
    return inked(colours, cover, colours[INK], rng)


def mezzotint(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Out of the dark: a plate roughened all over, and polished where there is light."""
    dark = soften(scene.darkness, 5)
    glow = soften(dark, 60)
    cover = 1 - (1 - np.clip(0.7 * dark + 0.3 * glow, 0, 1)) ** 1.7 * 0.86
    x, y = grid(scene.width, scene.height)
    rocker = np.zeros_like(dark)
    for turn in (0.55, -0.7):
        along = x * math.cos(turn) + y * math.sin(turn)
        rocker += np.sin(
            2 * math.pi * (along + 6 * smooth(rng, scene.width, scene.height, 30)) / 12
        )
    burr = smooth(rng, scene.width, scene.height, 6)
    cover = cover + (0.09 * rocker + 0.12 * burr) * (0.35 + cover * (1.2 - cover))
    return inked(colours, np.clip(cover, 0.04, 1), colours[INK], rng)


def _zigzag(x: float, y: float, turn: float, half: float) -> list[tuple[float, float]]:
    """Six strokes to and fro without lifting the needle, each ``2 * half`` pixels long."""
    dx, dy = math.cos(turn), math.sin(turn)
    return [
        (x + side * half * dx - step * 4.6 * dy, y + side * half * dy + step * 4.6 * dx)
        for step, side in zip((-3, -2, -1, 0, 1, 2, 3), (-1, 1) * 3 + (-1,), strict=True)
    ]


def _even(flow: FloatArray) -> FloatArray:
    """Directions in a few steps, so that lines within a form run side by side."""
    stepped: FloatArray = (np.round(flow / 0.6) * 0.6 + 0.9).astype(np.float32)
    return stepped
