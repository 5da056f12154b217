"""Seas, rivers and harbours."""

import math

import numpy as np

from ..composition import Painter
from ..palettes import ACCENT, DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE
from .parts import bush, figure, grass, house, reflections, ridge, ship, sky, tree, water


def coast(p: Painter) -> None:
    """Cliffs, and ships before the wind."""
    sky(p, clouds=1.3, dusk=-1)
    level = p.rng.uniform(0.5, 0.56)
    p.below(p.skyline(level - 0.03, 0.015, 1.6), LIGHT, flow=0.1)
    water(p, level)
    left = p.rng.random() < 0.5

    def place(x: float) -> float:
        return x if left else 1 - x

    for reach, top, role in ((0.5, 0.36, MIDDLE), (0.36, 0.24, SHADE)):
        xs = np.linspace(-0.03, reach, 24)
        ys = top + 0.02 * np.sin(9 * xs) + 0.12 * (xs / reach) ** 3 + p.rng.normal(0, 0.008, 24)
        face = [(place(x), y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
        foot = level + 0.06 + (0.1 if role == SHADE else 0)
        low = [
            (place(reach + 0.03), foot - 0.02),
            (place(reach - 0.08), foot),
            (place(-0.03), foot),
        ]
        p.polygon(face + low, role, slope=(1.5 if left else -1.5, -0.5), flow=1.4)
        p.texture(1.0, 0.05, 0.16)
    ship(p, place(0.68), level + 0.1, 0.1)
    ship(p, place(0.86), level + 0.02, 0.045)
    ship(p, place(0.58), level + 0.01, 0.03)
    for _ in range(26):
        x, y = p.rng.uniform(0, 1), level + 0.04 + 0.44 * p.rng.random() ** 1.4
        wide = 0.02 + 0.14 * (y - level)
        p.stroke(
            [(x - wide, y), (x, y - 0.008), (x + wide, y)], 0.005, (PAPER, SHADE)[int(x * 40) % 2]
        )
    for x in np.linspace(0.0, 0.45, 9).tolist():
        size = p.rng.uniform(0.02, 0.06)
        p.ragged(place(x), level + 0.2 + 0.22 * x, size, DEEP, squash=0.6, slope=(-3, -4))
    p.below(p.skyline(0.94, 0.02, 1.2, octaves=5), DEEP, flow=0.2)
    figure(p, place(0.2), 0.95, 0.07)
    for _ in range(5):
        x, y = p.rng.uniform(0.3, 0.7), p.rng.uniform(0.12, 0.3)
        p.stroke([(x - 0.018, y - 0.008), (x, y), (x + 0.018, y - 0.008)], 0.004, INK)


def harbour(p: Painter) -> None:
    """A quay by night, the moon on the water."""
    sky(p, role=MIDDLE, clouds=1.1, dusk=-0.8)
    moon = p.rng.uniform(0.3, 0.7)
    p.ellipse(moon, 0.2, 0.075, LIGHT, tone=0.9)
    p.ellipse(moon, 0.2, 0.05, PAPER, tone=1)
    ridge(p, 0.5, 0.03, 1.4, SHADE)
    x = -0.02
    while x < 1.0:
        w, h = p.rng.uniform(0.05, 0.09), p.rng.uniform(0.05, 0.11)
        if not moon - 0.14 < x < moon + 0.08:
            house(p, x, 0.565, w, h, wall=(LIGHT, MIDDLE)[int(x * 37) % 2])
        x += w * 1.02
    tower = moon + (0.3 if moon < 0.5 else -0.34)
    p.polygon(
        [(tower, 0.56), (tower, 0.33), (tower + 0.045, 0.33), (tower + 0.045, 0.56)],
        SHADE,
        slope=(-8, 0),
    )
    p.polygon([(tower - 0.01, 0.33), (tower + 0.022, 0.2), (tower + 0.055, 0.33)], INK)
    water(p, 0.57, MIDDLE, still=1.0)
    reflections(p, moon, 0.59, 0.95, 0.06, PAPER)
    reflections(p, tower + 0.02, 0.6, 0.72, 0.02, DEEP)
    ship(p, 0.25, 0.74, 0.14, sail=LIGHT)
    ship(p, 0.74, 0.68, 0.09, sail=LIGHT)
    p.polygon([(0, 0.88), (0.36, 0.91), (0.42, 1.02), (0, 1.02)], INK, slope=(0, -1), flow=0.1)
    for at in (0.08, 0.2, 0.32):
        p.stroke([(at, 0.84), (at, 0.97)], 0.016, INK)
    figure(p, 0.14, 0.9, 0.09)
    figure(p, 0.17, 0.9, 0.08)


def bridge(p: Painter) -> None:
    """A stone bridge over a slow river."""
    sky(p)
    ridge(p, 0.4, 0.04, 1.4, LIGHT)
    ridge(p, 0.47, 0.03, 2.2, MIDDLE)
    for x in (0.08, 0.2, 0.8, 0.93):
        bush(p, x, 0.53, 0.09, SHADE)
    house(p, p.rng.uniform(0.66, 0.74), 0.53, 0.1, 0.07)
    water(p, 0.6, LIGHT)
    arches = int(p.rng.integers(2, 4))
    road = 0.45

    def deck(x: float) -> float:
        return road - 0.06 * math.sin(math.pi * x)

    xs = np.linspace(-0.02, 1.02, 60).tolist()
    wall = [(x, deck(x)) for x in xs] + [(1.02, 0.68), (-0.02, 0.68)]
    p.polygon(wall, LIGHT, slope=(-0.8, -1), flow=0.05)
    p.texture(0.9, 0.05, 0.03)
    wide = 0.8 / arches
    for k in range(arches):
        middle = 0.1 + wide * (k + 0.5)
        half, top = 0.4 * wide, deck(middle) + 0.06
        turns = np.linspace(math.pi, 2 * math.pi, 28).tolist()
        opening = [(middle + half * math.cos(a), 0.66 + (0.66 - top) * math.sin(a)) for a in turns]
        p.polygon(
            [*opening, (middle + half, 0.7), (middle - half, 0.7)], DEEP, slope=(3, -2), flow=1.5
        )
        mirrored = [(x, 0.69 + 0.42 * (0.66 - y)) for x, y in opening]
        p.polygon([*mirrored, (middle + half, 0.69), (middle - half, 0.69)], SHADE, tone=0.3)
    p.stroke([(x, deck(x)) for x in xs], 0.016, INK)
    for x in np.linspace(0.02, 0.98, 26).tolist():
        p.stroke([(x, deck(x)), (x, deck(x) - 0.028)], 0.004, INK)
    p.stroke([(x, deck(x) - 0.03) for x in xs], 0.007, INK)
    figure(p, 0.4, deck(0.4), 0.06)
    for _ in range(30):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(0.72, 0.97)
        p.stroke([(x - 0.05, y), (x + 0.05, y)], 0.004, (PAPER, MIDDLE, SHADE)[int(x * 50) % 3])
    p.below(p.skyline(0.95, 0.03, 0.8), DEEP, flow=0.1)
    tree(p, p.rng.uniform(0.86, 0.94), 0.97, 0.6)
    grass(p, 0.92, 60)


def wave(p: Painter) -> None:
    """A breaking sea before a far mountain."""
    p.backdrop(PAPER, slope=(0, 1.1), tone=-0.2)
    p.texture(0.7, 0.7, 0.07)
    sun = p.rng.uniform(0.62, 0.82)
    p.ellipse(sun, 0.22, 0.075, ACCENT)
    p.polygon(
        [(0.5, 0.58), (0.64, 0.41), (0.68, 0.41), (0.86, 0.58)], SHADE, slope=(-1, 0), flow=-0.7
    )
    p.polygon(
        [(0.64, 0.41), (0.68, 0.41), (0.71, 0.445), (0.675, 0.45), (0.66, 0.47), (0.62, 0.438)],
        PAPER,
    )
    water(p, 0.56, LIGHT)
    ship(p, 0.8, 0.6, 0.05)
    t = np.linspace(0, 1, 40).tolist()
    outer = [(-0.02 + 0.5 * s, 0.74 - 0.52 * math.sin(s * math.pi * 0.62)) for s in t]
    inner = [(0.52 - 0.17 * math.sin(s * math.pi), 0.28 + 0.5 * s) for s in t]
    p.polygon(
        [*outer, (0.56, 0.33), *inner, (0.62, 1.02), (-0.02, 1.02)],
        DEEP,
        slope=(1.4, 0.5),
        flow=-0.9,
    )
    for k in range(1, 7):
        s = k / 7
        line = [(x * (1 - 0.18 * s), y + 0.17 * s + 0.02) for x, y in outer[6:]]
        p.stroke(line, 0.009, (LIGHT, SHADE, PAPER, MIDDLE)[k % 4])
    for x, y in [*outer[10::2], (0.54, 0.33), (0.56, 0.37), (0.52, 0.36), (0.47, 0.35)]:
        for _ in range(3):
            dx, dy = p.rng.normal(0, 0.014, 2)
            p.ragged(x + dx, y + dy, p.rng.uniform(0.012, 0.028), PAPER, tone=0.4)
    for _ in range(30):
        p.ellipse(
            p.rng.uniform(0.4, 0.66), p.rng.uniform(0.18, 0.48), p.rng.uniform(0.002, 0.006), PAPER
        )
    p.below(p.skyline(0.8, 0.05, 1.4), MIDDLE, slope=(1, -1), flow=0.3)
    p.texture(0.8, 0.3, 0.03)
    p.below(p.skyline(0.9, 0.04, 1.2), DEEP, slope=(-1, 0), flow=-0.2)
    for _ in range(26):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(0.78, 0.98)
        p.stroke(
            [(x - 0.05, y), (x, y - 0.012), (x + 0.05, y)], 0.005, (PAPER, LIGHT)[int(x * 20) % 2]
        )
