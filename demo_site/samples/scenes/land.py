"""Landscapes."""

import numpy as np

from ..composition import Painter
from ..palettes import ACCENT, DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE
from .parts import bush, figure, fir, grass, house, reflections, ridge, sky, tree, water


def valley(p: Painter) -> None:
    """A river that winds between fields, and a tree in front."""
    sky(p)
    sun = p.rng.uniform(0.25, 0.75)
    p.ellipse(sun, 0.2, 0.06, PAPER, tone=1)
    ridge(p, 0.4, 0.05, 1.2, LIGHT)
    ridge(p, 0.47, 0.05, 1.6, MIDDLE)
    x = p.rng.uniform(0.45, 0.6)
    for k in range(3):
        house(p, x + 0.055 * k, 0.535 + 0.01 * k, 0.045, 0.034)
    ridge(p, 0.55, 0.03, 1.1, LIGHT)
    bend = [(0.52, 0.57), (0.62, 0.63), (0.44, 0.72), (0.5, 0.84), (0.36, 1.02)]
    back = [(0.7, 1.02), (0.64, 0.84), (0.52, 0.72), (0.67, 0.63), (0.55, 0.57)]
    p.polygon(bend + back, PAPER, tone=0.4, flow=1.2)
    p.texture(0.7, 0.3, 0.02)
    for at, foot, size in ((0.1, 0.66, 0.05), (0.3, 0.63, 0.04), (0.82, 0.66, 0.06)):
        bush(p, at + p.rng.uniform(-0.03, 0.03), foot, size, SHADE)
    p.below(p.skyline(0.86, 0.03, 0.7), SHADE, slope=(0.6, -1), flow=0.2)
    p.texture(0.7, 0.09, 0.04)
    left = p.rng.random() < 0.5
    tree(p, p.rng.uniform(0.13, 0.2) if left else p.rng.uniform(0.8, 0.87), 0.92, 0.72)
    bush(p, 0.86 if left else 0.14, 0.95, 0.12)
    figure(p, 0.55, 0.93, 0.07)
    grass(p, 0.88, 60)


def tarn(p: Painter) -> None:
    """Peaks above their reflection."""
    sky(p, clouds=1.1)
    shore = 0.64
    peak = p.rng.uniform(0.3, 0.7)
    for x, top, half, role in (
        (peak + 0.28, 0.3, 0.36, LIGHT),
        (peak - 0.32, 0.26, 0.4, MIDDLE),
        (peak, 0.13, 0.42, SHADE),
    ):
        crest = np.linspace(-1, 1, 41)
        rough = p.rng.normal(0, 0.012, 41)
        heights = top + (shore - top) * np.abs(crest) ** 0.85 + rough
        edge = [(x + half * c, h) for c, h in zip(crest.tolist(), heights.tolist(), strict=True)]
        p.polygon([*edge, (x + half, shore), (x - half, shore)], role, tone=0.5, flow=-0.9)
        p.texture(0.9, 0.08, 0.16)
        lee = [*edge[20:], (x + half, shore), (x + 0.05, shore), (x - 0.05, (top + shore) / 2)]
        p.polygon(lee, min(role + 1, DEEP), tone=-0.1, flow=0.9)
        p.texture(0.9, 0.07, 0.14)
        patch = [(x + 0.1 * half, top + 0.16), (x, top + 0.1), (x - 0.12 * half, top + 0.17)]
        p.polygon([*edge[15:26], *patch], PAPER, slope=(-3, 0), flow=-0.9)
    ridge(p, shore - 0.03, 0.015, 2.0, SHADE)
    water(p, shore, still=1.0)
    reflections(p, peak, shore + 0.03, 0.85, 0.2, SHADE)
    p.below(p.skyline(0.9, 0.035, 0.9, octaves=5), DEEP, slope=(0, -1), flow=0.2)
    for x in p.rng.uniform(0.03, 0.97, 8).tolist():
        fir(p, x, 0.97, p.rng.uniform(0.12, 0.34), DEEP if p.rng.random() < 0.5 else INK)
    grass(p, 0.93, 30)


def oak(p: Painter) -> None:
    """A single tree on a rise."""
    sky(p, clouds=1.2, dusk=-1.2)
    ridge(p, 0.7, 0.03, 1.2, LIGHT)
    ridge(p, 0.76, 0.02, 1.5, MIDDLE)
    bush(p, 0.1, 0.79, 0.05, SHADE)
    bush(p, 0.9, 0.78, 0.06, SHADE)
    p.below(p.skyline(0.84, 0.04, 0.6), LIGHT, slope=(0.4, -2), flow=0.15)
    p.texture(0.8, 0.1, 0.04)
    p.ellipse(0.56, 0.89, 0.3, SHADE, squash=0.13)
    tree(p, p.rng.uniform(0.44, 0.54), 0.9, 0.82)
    figure(p, 0.66, 0.92, 0.085)
    figure(p, 0.69, 0.925, 0.08)
    p.below(p.skyline(0.95, 0.02, 0.8), DEEP, flow=0.2)
    grass(p, 0.9, 80)


def birches(p: Painter) -> None:
    """White trunks, a path, and the wood behind."""
    p.backdrop(LIGHT, slope=(0, 0.6), flow=1.4)
    p.texture(0.9, 0.12, 0.3)
    p.below(p.skyline(0.4, 0.05, 2.5, octaves=5), MIDDLE, slope=(0, -1), flow=1.3)
    p.texture(0.8, 0.05, 0.12)
    for x in p.rng.uniform(0, 1, 22).tolist():
        far = p.rng.uniform(0.006, 0.014)
        p.stroke([(x, -0.02), (x + p.rng.uniform(-0.02, 0.02), 0.62)], far, SHADE)
    p.below(p.skyline(0.6, 0.02, 1.4), MIDDLE, slope=(0, -1.5), flow=0.2)
    p.texture(0.8, 0.12, 0.03)
    path = [(0.47, 0.61), (0.52, 0.61), (0.6, 0.8), (0.8, 1.02), (0.34, 1.02), (0.46, 0.8)]
    p.polygon(path, PAPER, flow=1.3)
    p.texture(0.6, 0.2, 0.03)
    for base, foot in ((0.06, 0.86), (0.2, 0.78), (0.31, 0.97), (0.74, 0.8), (0.88, 0.98)):
        x, w = base + p.rng.uniform(-0.03, 0.03), 0.012 + 0.022 * (foot - 0.7)
        lean = p.rng.uniform(-0.03, 0.03)
        trunk = [(x - 0.7 * w + lean, -0.02), (x + 0.7 * w + lean, -0.02), (x + w, foot)]
        p.polygon([*trunk, (x - w, foot)], PAPER, slope=(-14, 0), flow=1.55)
        for y in p.rng.uniform(0.03, foot - 0.05, 12).tolist():
            side, at = p.rng.choice([-1.0, 1.0]), x + lean * (1 - y / foot)
            p.polygon(
                [(at + side * w, y), (at - side * w * 0.3, y + 0.006), (at + side * w, y + 0.013)],
                INK,
            )
        for turn in (-1, 1):
            y = p.rng.uniform(0.08, 0.3)
            p.stroke([(x + lean, y + 0.1), (x + lean + turn * 0.09, y - 0.06)], 0.007, INK)
        bush(p, x, foot + 0.01, 0.035, DEEP)
    for _ in range(34):
        x, y = p.rng.uniform(0, 1), abs(p.rng.normal(0, 0.14))
        role = (ACCENT, SHADE, MIDDLE)[int(p.rng.integers(3))]
        p.ragged(x, y, p.rng.uniform(0.02, 0.045), role, squash=0.6)
    figure(p, 0.51, 0.72, 0.07)
    grass(p, 0.8, 90)
