"""Plants and things on a table."""

import math

import numpy as np

from ..composition import Painter
from ..palettes import ACCENT, DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE


def _leaf(p: Painter, x: float, y: float, turn: float, size: float, role: int) -> None:
    """A pointed leaf with its rib, from (x, y) in the direction of ``turn``."""
    t = np.linspace(0, 1, 16)
    half = 0.2 * size * np.sin(math.pi * t**0.8)
    bend = 0.12 * size * np.sin(math.pi * t)
    kx, ky = p.short / p.width, p.short / p.height
    c, s = math.cos(turn), math.sin(turn)

    def at(along: float, across: float) -> tuple[float, float]:
        return x + (along * c - across * s) * kx, y + (along * s + across * c) * ky

    steps = list(zip((t * size).tolist(), half.tolist(), bend.tolist(), strict=True))
    upper = [at(a, b + h) for a, h, b in steps]
    lower = [at(a, b - h) for a, h, b in steps]
    rib = [at(a, b) for a, _h, b in steps]
    p.polygon(upper + rib[::-1], role, tone=0.2, flow=turn + 0.7)
    p.polygon(lower + rib[::-1], role, tone=-0.7, flow=turn - 0.7)
    p.stroke(rib, 0.003, INK)


def _bloom(p: Painter, x: float, y: float, size: float, petals: int, role: int) -> None:
    kx, ky = p.short / p.width, p.short / p.height
    for layer, scale in enumerate((1.0, 0.68)):
        for number in range(petals):
            a = 2 * math.pi * (number + 0.5 * layer) / petals + size * 40
            px, py = (
                x + 0.62 * size * scale * math.cos(a) * kx,
                y + 0.62 * size * scale * math.sin(a) * ky,
            )
            p.ellipse(
                px,
                py,
                0.5 * size * scale,
                role,
                squash=0.6,
                turn=a,
                tone=0.4 - 0.6 * layer,
                shade=0.7,
                flow=a,
            )
    p.ellipse(x, y, 0.24 * size, DEEP, shade=0.8)
    for _ in range(10):
        a, far = p.rng.uniform(0, 7), 0.16 * size * p.rng.random()
        p.ellipse(x + far * math.cos(a) * kx, y + far * math.sin(a) * ky, 0.028 * size, PAPER)


def botanical(p: Painter) -> None:
    """A plant from root to flower, alone on the paper."""
    p.backdrop(PAPER, tone=1)
    lean = p.rng.uniform(-0.06, 0.06)
    t = np.linspace(0, 1, 30)
    stem_x = 0.5 + lean * np.sin(2.4 * t) + 0.02 * np.sin(7 * t)
    stem_y = 0.86 - 0.66 * t
    stem = list(zip(stem_x.tolist(), stem_y.tolist(), strict=True))
    for k in range(9):
        a = math.pi * (0.18 + 0.08 * k)
        end = (0.5 + 0.11 * math.cos(a), 0.86 + 0.1 * math.sin(a))
        mid = (0.5 + 0.05 * math.cos(a) + p.rng.normal(0, 0.01), 0.86 + 0.05 * math.sin(a))
        p.stroke([stem[0], mid, end], 0.005, SHADE)
    p.stroke(stem, 0.016, DEEP)
    pairs = int(p.rng.integers(4, 7))
    for k in range(pairs):
        x, y = stem[3 + k * 18 // pairs]
        for side in (-1, 1):
            turn = -math.pi / 2 + side * p.rng.uniform(0.75, 1.2)
            _leaf(
                p,
                x,
                y + 0.012 * side,
                turn,
                p.rng.uniform(0.2, 0.3) * (1 - 0.05 * k),
                (SHADE, MIDDLE)[k % 2],
            )
    petals = int(p.rng.integers(5, 9))
    for side, at, size in ((-1, 21, 0.075), (1, 24, 0.07)):
        x, y = stem[at]
        end = (x + side * 0.17, y - 0.07)
        p.stroke([(x, y), (x + side * 0.1, y - 0.015), end], 0.009, DEEP)
        _bloom(p, *end, size, petals, ACCENT)
    _bloom(p, *stem[-1], 0.13, petals, ACCENT)
    bud = (0.5 + lean + 0.2, 0.5)
    p.stroke([stem[16], (bud[0] - 0.06, bud[1] + 0.03), bud], 0.007, DEEP)
    p.ellipse(bud[0], bud[1] - 0.02, 0.03, ACCENT, squash=1.4, shade=1)
    p.ellipse(bud[0], bud[1], 0.025, SHADE, squash=1.1, shade=1)
    for x, y in ((0.16, 0.87), (0.82, 0.88)):
        p.ellipse(x, y, 0.04, MIDDLE, squash=1.3, shade=1.2, flow=1.2)
        p.ellipse(x + 0.012, y, 0.02, DEEP, squash=1.4)


def still_life(p: Painter) -> None:
    """Jug, bowl and fruit on a table's edge."""
    p.backdrop(MIDDLE, slope=(-2.2, 1.0), tone=0.1, flow=1.1)
    p.texture(0.5, 0.4)
    p.below(np.full(3, 0.66, dtype=np.float32), LIGHT, slope=(-0.6, -1.2), tone=0.2, flow=0.05)
    p.texture(0.5, 0.5, 0.02)
    cloth = [(0.5, 0.7), (0.86, 0.69), (1.02, 0.8), (1.02, 1.02), (0.7, 1.02), (0.6, 0.84)]
    p.polygon(cloth, PAPER, slope=(-1.5, 0), flow=1.2)
    p.texture(0.9, 0.07, 0.3)
    p.below(np.full(3, 0.93, dtype=np.float32), DEEP, slope=(-0.5, 0), flow=0.02)
    x = p.rng.uniform(0.25, 0.33)
    p.ellipse(x + 0.1, 0.79, 0.2, DEEP, squash=0.16)
    t = np.linspace(0, 1, 40)
    profile = (
        0.055 + 0.075 * np.sin(math.pi * np.clip(t * 1.25 - 0.3, 0, 1)) ** 1.2 + 0.012 * (t < 0.06)
    )
    ys = 0.24 + 0.56 * t
    left = list(zip((x - profile).tolist(), ys.tolist(), strict=True))
    right = list(zip((x + profile).tolist(), ys.tolist(), strict=True))
    handle = [(x + 0.05, 0.3), (x + 0.15, 0.32), (x + 0.17, 0.44), (x + 0.11, 0.54)]
    p.stroke(handle, 0.022, DEEP)
    p.polygon(left + right[::-1], LIGHT, slope=(-8, 0), flow=1.5)
    p.ellipse(x, 0.245, 0.066, INK, squash=0.3)
    p.stroke([(x - 0.07, 0.46), (x - 0.075, 0.58)], 0.01, PAPER)
    p.ellipse(0.66, 0.835, 0.27, DEEP, squash=0.14)
    for dx, dy, role in (
        (-0.11, 0.02, ACCENT),
        (0.1, 0.015, MIDDLE),
        (-0.01, -0.03, ACCENT),
        (0.17, 0.03, LIGHT),
    ):
        p.ellipse(0.6 + dx, 0.64 + dy, 0.085, role, shade=1.7, tone=0.1, flow=0.8)
        p.stroke([(0.6 + dx, 0.575 + dy), (0.61 + dx, 0.545 + dy)], 0.006, INK)
    turns = np.linspace(0, math.pi, 30).tolist()
    bowl = [(0.62 + 0.22 * math.cos(a), 0.68 + 0.15 * math.sin(a)) for a in turns]
    p.polygon(bowl, SHADE, slope=(-3, 0.5), tone=0.2, flow=0.1)
    p.stroke([(0.4, 0.682), (0.84, 0.682)], 0.012, DEEP)
    for fx, fy, role in ((0.42, 0.87, ACCENT), (0.52, 0.9, MIDDLE)):
        p.ellipse(fx + 0.04, fy + 0.04, 0.07, DEEP, squash=0.3)
        p.ellipse(fx, fy, 0.065, role, shade=1.7, tone=0.1, flow=0.8)
    p.stroke([(0.12, 0.9), (0.3, 0.885)], 0.012, INK)
    p.polygon([(0.3, 0.885), (0.42, 0.865), (0.43, 0.88), (0.31, 0.9)], PAPER, slope=(0, -8))


def blossom(p: Painter) -> None:
    """A bird on a flowering branch before the moon."""
    p.backdrop(LIGHT, slope=(0, 1.2), tone=0.2, flow=0.3)
    p.texture(0.4, 0.8, 0.1)
    mx = p.rng.uniform(0.5, 0.66)
    p.ellipse(mx, 0.36, 0.25, PAPER, tone=0.6)
    branch = [(-0.02, 0.86), (0.16, 0.71), (0.36, 0.65), (0.58, 0.5), (0.78, 0.46), (1.02, 0.3)]
    p.stroke(branch[:4], 0.038, INK)
    p.stroke(branch[2:], 0.022, INK)
    twigs = [
        [(0.16, 0.7), (0.14, 0.5), (0.2, 0.34)],
        [(0.36, 0.64), (0.34, 0.42), (0.44, 0.22)],
        [(0.58, 0.5), (0.72, 0.62), (0.9, 0.68)],
        [(0.78, 0.46), (0.8, 0.26), (0.9, 0.12)],
        [(0.3, 0.66), (0.46, 0.78), (0.6, 0.84)],
        [(0.08, 0.78), (0.2, 0.9), (0.26, 0.98)],
    ]
    for twig in twigs:
        p.stroke(twig, 0.009, DEEP)
    bx, by = 0.53, 0.44
    tail = [
        (bx - 0.08, by + 0.01),
        (bx - 0.25, by + 0.16),
        (bx - 0.215, by + 0.18),
        (bx - 0.03, by + 0.06),
    ]
    p.polygon(tail, INK, flow=2.4)
    p.ellipse(bx, by, 0.1, DEEP, squash=0.62, turn=-0.5, shade=0.9, flow=-0.6)
    p.ellipse(bx + 0.04, by + 0.02, 0.065, LIGHT, squash=0.7, turn=-0.7, shade=0.5, flow=0.8)
    p.ellipse(bx - 0.035, by + 0.005, 0.075, SHADE, squash=0.42, turn=-0.7, flow=2.4)
    p.ellipse(bx + 0.075, by - 0.075, 0.05, INK, shade=0.6)
    p.polygon([(bx + 0.112, by - 0.09), (bx + 0.155, by - 0.075), (bx + 0.112, by - 0.065)], ACCENT)
    p.ellipse(bx + 0.088, by - 0.083, 0.009, PAPER)
    kx, ky = p.short / p.width, p.short / p.height
    places = [point for twig in twigs for point in twig[1:]]
    for x, y in [*places, branch[1], branch[4], (0.07, 0.78), (0.92, 0.38)]:
        for _ in range(3):
            fx, fy = x + p.rng.normal(0, 0.028), y + p.rng.normal(0, 0.028)
            size = p.rng.uniform(0.016, 0.027)
            role = (PAPER, PAPER, ACCENT)[int(p.rng.integers(3))]
            for petal in range(5):
                a = 2 * math.pi * petal / 5 + x * 9
                p.ellipse(
                    fx + size * math.cos(a) * kx,
                    fy + size * math.sin(a) * ky,
                    size * 0.72,
                    role,
                    tone=0.3,
                )
            p.ellipse(fx, fy, size * 0.4, DEEP)
