"""What the scenes are put together from: trees, houses, boats, skies and waters."""

from __future__ import annotations

import math

import numpy as np

from ..composition import Painter
from ..palettes import DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE


def sky(p: Painter, *, role: int = PAPER, clouds: float = 0.9, dusk: float = -0.9) -> None:
    """A sky with drifting clouds, ``dusk`` darker (or lighter) at its top."""
    p.backdrop(role, slope=(0, -dusk), tone=0.1, flow=0.05)
    p.texture(clouds, 0.55, 0.11)


def water(p: Painter, level: float, role: int = LIGHT, *, still: float = 0.8) -> None:
    """A level water down to the lower edge, streaked by the wind."""
    p.below(np.full(3, level, dtype=np.float32), role, slope=(0, -0.9), flow=0.02)
    p.texture(still, 0.5, 0.035)


def ridge(
    p: Painter, level: float, swing: float, waves: float, role: int, *, rocky: bool = False
) -> None:
    """A line of hills, or rocks, lighter at its crest."""
    line = p.skyline(level, swing, waves, octaves=6 if rocky else 3)
    p.below(line, role, slope=(0.3, -1.1), tone=0.1, flow=p.rng.uniform(-0.35, 0.35))
    p.texture(0.8 if rocky else 0.5, 0.12 if rocky else 0.3, 0.05 if rocky else 0.08)


def tree(p: Painter, x: float, foot: float, size: float, *, dark: bool = True) -> None:
    """A broad tree, ``size`` high, whose crown is lit from the upper left."""
    w = size * 0.035 * p.short / p.width
    crown = foot - 0.66 * size
    lean = p.rng.uniform(-0.04, 0.04) * size
    p.polygon(
        [(x - 1.6 * w, foot), (x - w + lean, crown), (x + w + lean, crown), (x + 1.9 * w, foot)],
        INK if dark else DEEP,
        flow=1.5,
    )
    for turn in (-1, 1):
        end = (x + lean + turn * 0.2 * size * p.short / p.width, crown - 0.12 * size)
        p.stroke([(x + lean, crown + 0.16 * size), end], 0.02 * size, INK if dark else DEEP)
    x += lean
    tones = (DEEP, SHADE, MIDDLE) if dark else (SHADE, MIDDLE, LIGHT)
    reach = 0.3 * size
    clumps = zip(tones, (6, 9, 7), (1.0, 0.85, 0.6), strict=True)
    for layer, (role, count, spread) in enumerate(clumps):
        for number in range(count):
            angle = 2 * math.pi * number / count + p.rng.uniform(-0.3, 0.3)
            far = reach * spread * p.rng.uniform(0.55, 1)
            px = x + (far * math.cos(angle) - 0.05 * size * layer) * p.short / p.width
            py = crown - 0.04 * size + 0.66 * far * math.sin(angle) - 0.04 * size * layer
            lump = size * p.rng.uniform(0.09, 0.17) * (1 - 0.22 * layer)
            p.ragged(px, py, lump, role, slope=(-2, -2), rough=0.26, flow=angle)


def fir(p: Painter, x: float, foot: float, size: float, role: int = DEEP) -> None:
    """A conifer of ragged boughs."""
    half = 0.2 * size * p.short / p.width
    left, right = [], []
    boughs = 9
    for number in range(boughs):
        y = foot - size * (0.06 + 0.9 * number / boughs)
        reach = half * (1 - number / boughs) * p.rng.uniform(0.8, 1.15)
        left += [(x - reach, y), (x - 0.45 * reach, y - 0.06 * size)]
        right += [(x + reach, y + 0.01 * size), (x + 0.45 * reach, y - 0.06 * size)]
    p.stroke([(x, foot), (x, foot - 0.3 * size)], 0.03 * size, INK)
    p.polygon([*left, (x, foot - size), *right[::-1]], role, slope=(-4, 0), flow=0.5)


def bush(p: Painter, x: float, foot: float, size: float, role: int = DEEP) -> None:
    """Undergrowth."""
    p.ragged(x, foot - 0.3 * size, size, role, squash=0.5, slope=(-1, -3))
    p.ragged(x - 0.2 * size, foot - 0.45 * size, 0.6 * size, role - 1, squash=0.45, slope=(-1, -3))


def house(p: Painter, x: float, foot: float, w: float, h: float, *, wall: int = PAPER) -> None:
    """A gabled house in the light from the left."""
    side = x + 0.62 * w
    p.polygon([(x, foot), (x, foot - h), (side, foot - h), (side, foot)], wall, flow=1.55)
    p.texture(0.3, 0.05)
    shadow = [(side, foot), (side, foot - h), (x + w, foot - 0.92 * h), (x + w, foot)]
    p.polygon(shadow, SHADE, flow=1.55)
    peak = (x + 0.31 * w, foot - 1.62 * h)
    p.polygon([(x, foot - h), peak, (side, foot - h)], wall, tone=-0.2, flow=1.55)
    far = (x + 0.7 * w, foot - 1.52 * h)
    p.polygon([peak, far, (x + 1.04 * w, foot - 0.9 * h), (side, foot - 0.97 * h)], DEEP, flow=1.0)
    for column in range(2):
        wx = x + (0.12 + 0.26 * column) * w
        pane = [(wx, foot - 0.72 * h), (wx + 0.11 * w, foot - 0.72 * h)]
        p.polygon([*pane, (wx + 0.11 * w, foot - 0.42 * h), (wx, foot - 0.42 * h)], INK)


def ship(p: Painter, x: float, y: float, size: float, *, sail: int = PAPER) -> None:
    """A two-masted sailing ship, ``size`` half its length."""
    s = size * p.short / p.width
    hull = [
        (x - s, y - 0.16 * size),
        (x + 1.15 * s, y - 0.22 * size),
        (x + 0.8 * s, y + 0.16 * size),
    ]
    p.polygon([*hull, (x - 0.8 * s, y + 0.16 * size)], INK, slope=(0, -3))
    p.stroke([(x + 1.1 * s, y - 0.2 * size), (x + 1.7 * s, y - 0.5 * size)], 0.02 * size, INK)
    for mast, high in ((-0.42, 1.7), (0.36, 2.1)):
        mx = x + mast * s
        p.stroke([(mx, y), (mx, y - high * size)], 0.035 * size, INK)
        for step, wide in ((0.42, 0.42), (0.78, 0.3)):
            top, low = y - high * (step + 0.2) * size, y - high * (step - 0.16) * size
            a, b = wide * s, 1.15 * wide * s
            sheet = [(mx - a, top), (mx + a, top), (mx + b, low), (mx + 0.2 * s, low - 0.06 * size)]
            p.polygon([*sheet, (mx - 0.8 * b, low)], sail, slope=(-5, 1), flow=1.3)


def figure(p: Painter, x: float, foot: float, size: float) -> None:
    """Somebody who stands there and gives the scale."""
    s = size * p.short / p.width
    coat = [(x - 0.12 * s, foot - 0.78 * size), (x + 0.12 * s, foot - 0.78 * size)]
    p.polygon([*coat, (x + 0.2 * s, foot), (x - 0.18 * s, foot)], INK)
    p.ellipse(x, foot - 0.88 * size, 0.1 * size, DEEP)


def reflections(p: Painter, x: float, top: float, bottom: float, wide: float, role: int) -> None:
    """Broken strokes of light, or of a dark thing, on water."""
    for y in np.linspace(top, bottom, 10).tolist():
        reach = wide * p.rng.uniform(0.4, 1)
        at = x + wide * p.rng.uniform(-0.4, 0.4)
        p.stroke([(at - reach, y), (at + reach, y)], 0.006, role)


def grass(p: Painter, top: float, count: int, role: int = INK) -> None:
    """Blades and stones in the foreground."""
    for _ in range(count):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(top, 0.99)
        lean, high = p.rng.uniform(-0.012, 0.012), p.rng.uniform(0.015, 0.045)
        p.stroke([(x, y), (x + lean, y - high)], 0.0035, role)
