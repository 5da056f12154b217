"""What the sample pictures show: twelve small scenes, each a few dozen shapes."""

import math
from collections.abc import Callable

import numpy as np

from .composition import Composition, Painter, Point
from .palettes import ACCENT, DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE

Scene = Callable[[Painter], None]


def compose(scene: Scene, width: int, height: int, rng: np.random.Generator) -> Composition:
    """Return ``scene`` as a composition of width x height pixels."""
    painter = Painter(width, height, rng)
    scene(painter)
    return painter.finish()


def _cloud(p: Painter, x: float, y: float, size: float, role: int) -> None:
    for _ in range(5):
        dx, dy = p.rng.uniform(-1.3, 1.3) * size, p.rng.uniform(-0.18, 0.18) * size
        p.ellipse(x + dx, y + dy, size * p.rng.uniform(0.55, 0.9), role, squash=0.38, tone=0.3)


def _tree(p: Painter, x: float, foot: float, size: float, role: int) -> None:
    p.stroke([(x, foot), (x, foot - size)], size * 0.1, INK)
    for dx, dy, r in ((0, -1.3, 0.52), (-0.33, -0.95, 0.4), (0.34, -0.98, 0.42)):
        p.ellipse(x + dx * size, foot + dy * size, r * size, role, shade=0.9, tone=-0.1, flow=0.8)


def _house(p: Painter, x: float, foot: float, w: float, h: float, wall: int, roof: int) -> None:
    p.polygon([(x, foot), (x, foot - h), (x + w, foot - h), (x + w, foot)], wall, flow=math.pi / 2)
    shadow = [(x + w * 0.72, foot), (x + w * 0.72, foot - h), (x + w, foot - h), (x + w, foot)]
    p.polygon(shadow, wall, tone=-0.85, flow=math.pi / 2)
    gable = [(x - w * 0.08, foot - h), (x + w / 2, foot - h * 1.5), (x + w * 1.08, foot - h)]
    p.polygon(gable, roof, slope=(-1.5, 0), flow=-0.6)


def _boat(p: Painter, x: float, y: float, size: float, sail: int, hull: int) -> None:
    p.polygon(
        [
            (x - size, y),
            (x + size * 1.05, y - size * 0.08),
            (x + size * 0.7, y + size * 0.3),
            (x - size * 0.7, y + size * 0.3),
        ],
        hull,
    )
    p.stroke([(x, y), (x, y - size * 2.15)], 0.007, INK)
    main = [
        (x + 0.012, y - size * 2.1),
        (x + size * 0.95, y - size * 0.2),
        (x + 0.012, y - size * 0.12),
    ]
    p.polygon(main, sail, slope=(-2, 0), flow=1.2)
    jib = [
        (x - 0.012, y - size * 1.85),
        (x - size * 0.75, y - size * 0.2),
        (x - 0.012, y - size * 0.16),
    ]
    p.polygon(jib, PAPER, slope=(2, 0), flow=-1.2)
    for step in range(4):
        width = size * (0.8 - 0.15 * step) * p.rng.uniform(0.7, 1.1)
        yy = y + size * (0.48 + 0.24 * step)
        p.stroke([(x - width, yy), (x + width * 0.8, yy)], 0.011, hull if step < 2 else sail)


def _glints(p: Painter, x: float, top: float, bottom: float, role: int, spread: float) -> None:
    for y in np.linspace(top, bottom, 9).tolist():
        reach = spread * (0.35 + (y - top) / (bottom - top)) * p.rng.uniform(0.6, 1.2)
        shift = p.rng.uniform(-0.3, 0.3) * spread
        p.stroke([(x + shift - reach, y), (x + shift + reach, y)], 0.012, role)


def hills(p: Painter) -> None:
    """Rolling fields under a sun."""
    p.backdrop(LIGHT, slope=(0, 1.4), tone=0.1, flow=0.1)
    sun = p.rng.uniform(0.2, 0.8)
    p.ellipse(sun, 0.22, 0.17, PAPER, tone=0.2)
    p.ellipse(sun, 0.22, 0.115, ACCENT)
    _cloud(p, 1 - sun, 0.2, 0.11, PAPER)
    _cloud(p, sun * 0.6 + 0.3, 0.36, 0.08, PAPER)
    p.below(p.skyline(0.46, 0.05, 1.3), SHADE, tone=0.5, flow=-0.2)
    p.below(p.skyline(0.54, 0.06, 1.6), MIDDLE, tone=0.2, slope=(0.8, 0), flow=0.3)
    _tree(p, p.rng.uniform(0.1, 0.25), 0.58, 0.07, DEEP)
    _house(p, p.rng.uniform(0.6, 0.75), 0.63, 0.1, 0.07, PAPER, ACCENT)
    p.below(p.skyline(0.66, 0.05, 1.0), SHADE, slope=(-0.8, 0.5), flow=-0.25)
    for k in range(5):
        x = 0.12 + 0.19 * k
        p.polygon(
            [(x, 0.74), (x + 0.05, 0.74), (x * 1.7 - 0.2, 1.02), (x * 1.7 - 0.37, 1.02)],
            (PAPER, LIGHT, ACCENT)[k % 3],
            flow=1.3,
        )
    p.below(p.skyline(0.9, 0.045, 0.8), DEEP, slope=(0.6, 0), flow=0.2)
    for x in (p.rng.uniform(0.08, 0.2), p.rng.uniform(0.75, 0.92)):
        _tree(p, x, 0.93, p.rng.uniform(0.13, 0.17), INK if x < 0.5 else DEEP)


def harbour(p: Painter) -> None:
    """Sailing boats at anchor."""
    p.backdrop(PAPER, slope=(0, -1.6), tone=-0.3, flow=0.1)
    p.below(p.skyline(0.24, 0.04, 1.0), LIGHT, slope=(0, 1), flow=0.2)
    sun = p.rng.uniform(0.25, 0.75)
    p.ellipse(sun, 0.3, 0.1, ACCENT)
    p.below(p.skyline(0.43, 0.03, 2.2), SHADE, flow=-0.1)
    for k in range(5):
        _house(p, 0.05 + 0.1 * k, 0.5, 0.06, 0.045, (PAPER, LIGHT)[k % 2], DEEP)
    p.below(np.full(3, 0.5, dtype=np.float32), MIDDLE, slope=(0, -1.6))
    _glints(p, sun, 0.53, 0.93, ACCENT, 0.08)
    for _ in range(14):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(0.55, 1)
        p.stroke([(x - 0.06, y), (x + 0.06, y)], 0.01, (LIGHT, SHADE, PAPER)[int(y * 50) % 3])
    _boat(p, 0.24, 0.62, 0.1, LIGHT, DEEP)
    _boat(p, 0.7, 0.72, 0.155, ACCENT, INK)
    p.polygon([(0, 0.86), (0.34, 0.9), (0.38, 1.02), (0, 1.02)], DEEP, slope=(0, -1), flow=0.1)
    for x in (0.06, 0.17, 0.28):
        p.stroke([(x, 0.8 + x * 0.1), (x, 1)], 0.03, INK)


def still_life(p: Painter) -> None:
    """Bottle, bowl and fruit on a table."""
    p.backdrop(LIGHT, slope=(-1.6, 0.8), flow=1.1)
    p.polygon([(0.62, 0), (1, 0), (1, 0.62), (0.72, 0.62)], MIDDLE, slope=(-2, 1), flow=1.3)
    p.below(p.skyline(0.62, 0.006, 1), SHADE, slope=(0.4, -1.8))
    p.polygon(
        [(0.1, 0.7), (0.64, 0.66), (0.9, 0.86), (0.62, 1.02), (0.24, 1.02)],
        PAPER,
        slope=(-1.2, -1),
        flow=0.5,
    )
    for k in range(3):
        x = 0.3 + 0.14 * k
        p.stroke([(x, 0.72), (x + 0.05, 1.02)], 0.012, LIGHT)
    x = p.rng.uniform(0.2, 0.28)
    p.ellipse(x + 0.12, 0.765, 0.15, INK, squash=0.16)
    body = [
        (x - 0.075, 0.76),
        (x - 0.08, 0.42),
        (x - 0.03, 0.32),
        (x - 0.026, 0.15),
        (x + 0.026, 0.15),
        (x + 0.03, 0.32),
        (x + 0.08, 0.42),
        (x + 0.075, 0.76),
    ]
    p.polygon(body, DEEP, slope=(-5, 0), flow=1.5)
    p.polygon(
        [(x - 0.07, 0.5), (x + 0.07, 0.5), (x + 0.07, 0.63), (x - 0.07, 0.63)], PAPER, slope=(-4, 0)
    )
    p.stroke([(x - 0.055, 0.45), (x - 0.055, 0.48)], 0.014, PAPER)
    p.ellipse(0.63, 0.8, 0.27, INK, squash=0.16)
    for dx, dy, role in (
        (-0.1, 0, ACCENT),
        (0.08, 0.01, MIDDLE),
        (0, -0.05, ACCENT),
        (0.13, -0.03, LIGHT),
    ):
        p.ellipse(0.6 + dx, 0.58 + dy, 0.095, role, shade=1.5, flow=0.8)
        p.ellipse(0.57 + dx, 0.545 + dy, 0.02, PAPER, squash=0.7)
    bowl = [
        (0.6 + 0.25 * math.cos(a), 0.6 + 0.19 * math.sin(a)) for a in np.linspace(0, math.pi, 30)
    ]
    p.polygon(bowl, SHADE, slope=(-2.4, 0.5), flow=0.1)
    p.stroke([(0.36, 0.605), (0.84, 0.605)], 0.016, INK)
    for fx, fy, role in ((0.42, 0.88, ACCENT), (0.55, 0.92, MIDDLE)):
        p.ellipse(fx + 0.03, fy + 0.045, 0.075, DEEP, squash=0.4)
        p.ellipse(fx, fy, 0.072, role, shade=1.5, flow=0.8)
        p.stroke([(fx, fy - 0.06), (fx + 0.015, fy - 0.1)], 0.01, INK)


def portrait(p: Painter) -> None:
    """A sitter in profile with a hat."""
    p.backdrop(LIGHT, slope=(1.4, -0.6), flow=0.9)
    p.polygon([(0, 0), (0.3, 0), (0.22, 1), (0, 1)], MIDDLE, slope=(1.5, 0), flow=1.4)
    p.ellipse(0.72, 0.3, 0.2, PAPER, tone=0.2)
    dx = p.rng.uniform(-0.03, 0.03)
    shoulders = [
        (0.08, 1.02),
        (0.14, 0.84),
        (0.3, 0.76),
        (0.4, 0.72),
        (0.56, 0.72),
        (0.7, 0.77),
        (0.84, 0.86),
        (0.9, 1.02),
    ]
    p.polygon([(x + dx, y) for x, y in shoulders], DEEP, slope=(-1, 1), flow=0.9)
    p.polygon([(0.42 + dx, 0.72), (0.5 + dx, 0.9), (0.6 + dx, 0.73)], ACCENT, flow=1.2)
    neck = [(0.4, 0.76), (0.41, 0.56), (0.57, 0.58), (0.58, 0.74), (0.5, 0.8)]
    p.polygon([(x + dx, y) for x, y in neck], MIDDLE, slope=(-1, 0), flow=1.4)
    face = [
        (0.4, 0.3),
        (0.6, 0.28),
        (0.638, 0.34),
        (0.632, 0.4),
        (0.645, 0.44),
        (0.69, 0.505),
        (0.688, 0.52),
        (0.652, 0.53),
        (0.665, 0.56),
        (0.655, 0.575),
        (0.663, 0.595),
        (0.648, 0.615),
        (0.644, 0.65),
        (0.6, 0.672),
        (0.52, 0.645),
        (0.44, 0.6),
        (0.4, 0.5),
    ]
    p.polygon([(x + dx, y) for x, y in face], PAPER, slope=(2.6, -1.2), tone=-0.1, flow=1.2)
    p.ellipse(0.575 + dx, 0.555, 0.042, ACCENT, squash=0.75, tone=0.3)
    p.stroke([(0.595 + dx, 0.435), (0.635 + dx, 0.44)], 0.014, INK)
    p.stroke([(0.59 + dx, 0.405), (0.632 + dx, 0.398)], 0.01, DEEP)
    p.stroke([(0.625 + dx, 0.577), (0.658 + dx, 0.576)], 0.012, ACCENT)
    p.ellipse(0.37 + dx, 0.47, 0.13, INK, squash=1.35, shade=0.7, flow=1.2)
    p.ellipse(0.36 + dx, 0.63, 0.085, INK, shade=0.7, flow=1.2)
    p.ellipse(0.47 + dx, 0.5, 0.028, MIDDLE, squash=1.4)
    crown = [(0.3, 0.33), (0.32, 0.17), (0.42, 0.1), (0.54, 0.12), (0.61, 0.2), (0.62, 0.31)]
    p.polygon([(x + dx, y) for x, y in crown], SHADE, slope=(1.8, -1.5), flow=-0.5)
    band = [(0.298, 0.335), (0.305, 0.27), (0.618, 0.255), (0.622, 0.315)]
    p.polygon([(x + dx, y) for x, y in band], ACCENT, flow=0.1)
    p.ellipse(0.47 + dx, 0.335, 0.3, SHADE, squash=0.16, turn=-0.06, tone=-0.5)


def lake(p: Painter) -> None:
    """Snowy peaks above their reflection."""
    p.backdrop(LIGHT, slope=(0, 1.5), flow=0.15)
    p.ellipse(p.rng.uniform(0.15, 0.85), 0.16, 0.085, ACCENT)
    _cloud(p, p.rng.uniform(0.2, 0.8), 0.25, 0.1, PAPER)
    shore = 0.62
    p.below(p.skyline(0.42, 0.04, 1.4), MIDDLE, tone=0.3, flow=-0.3)
    peaks = [
        (p.rng.uniform(0.18, 0.3), 0.24, 0.3),
        (p.rng.uniform(0.68, 0.8), 0.17, 0.33),
        (p.rng.uniform(0.45, 0.55), 0.33, 0.26),
    ]
    for x, top, half in peaks:
        p.polygon([(x - half, shore), (x, top), (x + half, shore)], SHADE, tone=0.2, flow=-1)
        lee = [(x, top), (x + half, shore), (x + 0.1 * half, shore), (x - 0.04, top + 0.16)]
        p.polygon(lee, DEEP, slope=(0, 0.8), flow=1)
        s = (shore - top) * 0.38
        k = half / (shore - top) * s
        snow = [
            (x, top),
            (x + k, top + s),
            (x + k * 0.45, top + s * 0.7),
            (x + k * 0.1, top + s * 1.15),
        ]
        snow += [(x - k * 0.3, top + s * 0.75), (x - k * 0.6, top + s * 1.1), (x - k, top + s)]
        p.polygon(snow, PAPER, slope=(-2, 0), flow=-1)
    p.below(np.full(3, shore, dtype=np.float32), MIDDLE, slope=(0, -1), tone=0.2)
    for x, top, half in peaks:
        p.polygon(
            [(x - half, shore), (x, 2 * shore - top - 0.08), (x + half, shore)], SHADE, tone=0.3
        )
    for _ in range(16):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(shore + 0.03, 0.97)
        p.stroke([(x - 0.09, y), (x + 0.09, y)], 0.011, (PAPER, LIGHT, MIDDLE)[int(x * 30) % 3])
    p.below(p.skyline(0.92, 0.035, 1.0), DEEP, flow=0.2)
    for x in p.rng.uniform(0.02, 0.98, 7).tolist():
        size = p.rng.uniform(0.1, 0.22)
        for k in range(3):
            top, w = 0.97 - size * (0.45 + 0.3 * k), size * (0.34 - 0.08 * k)
            p.polygon(
                [(x - w, top + size * 0.42), (x, top - size * 0.1), (x + w, top + size * 0.42)],
                INK,
                flow=1,
            )


def town(p: Painter) -> None:
    """Gabled houses on a slope by evening."""
    p.backdrop(LIGHT, slope=(0, -1.4), flow=0.2)
    p.ellipse(p.rng.uniform(0.65, 0.85), 0.17, 0.1, PAPER, tone=0.3)
    _cloud(p, 0.3, 0.16, 0.1, PAPER)
    p.below(p.skyline(0.42, 0.05, 1.2), MIDDLE, tone=0.3, flow=-0.2)
    x = 0.74
    p.polygon(
        [(x, 0.6), (x, 0.3), (x + 0.08, 0.3), (x + 0.08, 0.6)], SHADE, slope=(-5, 0), flow=1.5
    )
    p.polygon([(x - 0.015, 0.3), (x + 0.04, 0.1), (x + 0.095, 0.3)], INK, flow=1.2)
    walls, roofs = (PAPER, LIGHT, MIDDLE, SHADE), (ACCENT, DEEP, SHADE, DEEP, ACCENT)
    for row, (foot, count) in enumerate(((0.62, 7), (0.78, 6), (0.98, 4))):
        left = -0.06 if row % 2 else -0.02
        for k in range(count):
            w = 1.06 / count
            x = left + k * w + p.rng.uniform(-0.01, 0.01)
            h = (0.1 + 0.05 * row) * p.rng.uniform(0.85, 1.2)
            wall = walls[(k + 2 * row) % 4]
            _house(p, x, foot + 0.03, w * 0.86, h, wall, roofs[(k * 2 + row) % 5])
            size = 0.018 + 0.008 * row
            pane = ACCENT if p.rng.uniform() < 0.4 else INK
            for column in range(2):
                wx, wy = x + w * (0.18 + 0.26 * column), foot - h * 0.45
                p.polygon(
                    [
                        (wx, wy),
                        (wx + size, wy),
                        (wx + size, wy + size * 1.5),
                        (wx, wy + size * 1.5),
                    ],
                    pane,
                )
    p.below(p.skyline(0.96, 0.012, 1.5), INK, flow=0.1)


def birches(p: Painter) -> None:
    """White trunks in a wood."""
    p.backdrop(LIGHT, slope=(0, -1.2), flow=1.4)
    p.ellipse(p.rng.uniform(0.35, 0.65), 0.24, 0.13, ACCENT, tone=0.2)
    p.below(p.skyline(0.36, 0.06, 2.5), MIDDLE, slope=(0, -1), flow=1.2)
    p.below(p.skyline(0.5, 0.05, 2.0), SHADE, slope=(0, -1), flow=1.2)
    for x in p.rng.uniform(0, 1, 9).tolist():
        p.stroke([(x, -0.02), (x + p.rng.uniform(-0.02, 0.02), 0.6)], 0.016, DEEP)
    p.below(p.skyline(0.62, 0.03, 1.4), MIDDLE, tone=-0.3, slope=(0, -1.5), flow=0.2)
    p.below(p.skyline(0.8, 0.03, 1.1), DEEP, slope=(0, -1.5), flow=0.2)
    path = [(0.46, 0.63), (0.52, 0.63), (0.62, 0.8), (0.8, 1.02), (0.36, 1.02), (0.46, 0.8)]
    p.polygon(path, LIGHT, slope=(-1.5, 0), flow=1.3)
    for k, base in enumerate((0.07, 0.25, 0.78, 0.92)):
        x, w = base + p.rng.uniform(-0.03, 0.03), 0.028 + 0.011 * (k % 2)
        foot = 0.78 + 0.16 * (k % 2)
        lean = p.rng.uniform(-0.03, 0.03)
        p.polygon(
            [
                (x - w * 0.8 + lean, -0.02),
                (x + w * 0.8 + lean, -0.02),
                (x + w, foot),
                (x - w, foot),
            ],
            PAPER,
            slope=(-9, 0),
            flow=1.5,
        )
        for y in p.rng.uniform(0.04, foot - 0.06, 9).tolist():
            side = p.rng.choice([-1.0, 1.0])
            at = x + lean * (1 - y / foot)
            p.polygon(
                [(at + side * w, y), (at - side * w * 0.2, y + 0.012), (at + side * w, y + 0.022)],
                INK,
            )
        for turn in (-1, 1):
            y = p.rng.uniform(0.1, 0.3)
            p.stroke([(x + lean, y + 0.08), (x + lean + turn * 0.1, y - 0.05)], 0.012, INK)
    for _ in range(26):
        x, y = p.rng.uniform(0, 1), abs(p.rng.normal(0, 0.16))
        p.ellipse(
            x, y, p.rng.uniform(0.014, 0.03), (ACCENT, SHADE, MIDDLE)[int(x * 40) % 3], squash=0.7
        )


def flowers(p: Painter) -> None:
    """A bunch of flowers in a vase."""
    p.backdrop(LIGHT, slope=(-1.5, 0.6), flow=0.8)
    p.polygon([(0, 0), (0.2, 0), (0.12, 0.76), (0, 0.76)], MIDDLE, slope=(2, 0), flow=1.4)
    p.below(p.skyline(0.76, 0.006, 1), SHADE, slope=(-0.6, 1))
    p.ellipse(0.6, 0.92, 0.26, DEEP, squash=0.2)
    heads = []
    for k in range(11):
        a = -math.pi / 2 + (k - 5) * 0.29 + p.rng.uniform(-0.08, 0.08)
        r = (0.36 if k % 2 else 0.23) * p.rng.uniform(0.9, 1.08)
        heads.append((0.5 + 0.95 * r * math.cos(a), 0.47 + 0.98 * r * math.sin(a)))
    for x, y in heads:
        p.stroke([(x, y), ((x + 0.5) / 2 + 0.01, (y + 0.62) / 2), (0.5, 0.62)], 0.011, DEEP)
    for k in range(9):
        a = -math.pi / 2 + (k - 4) * 0.42
        x, y = 0.5 + 0.2 * math.cos(a), 0.5 + 0.16 * math.sin(a)
        p.ellipse(x, y, 0.075, (SHADE, DEEP, INK)[k % 3], squash=0.36, turn=a, shade=0.5, flow=a)
    for k, (x, y) in enumerate(heads):
        role = (ACCENT, PAPER, MIDDLE, ACCENT)[k % 4]
        size = p.rng.uniform(0.045, 0.06)
        petals = 6 if k % 3 else 8
        for petal in range(petals):
            a = 2 * math.pi * petal / petals + k
            px = x + math.cos(a) * size * 0.8 * p.short / p.width
            py = y + math.sin(a) * size * 0.8 * p.short / p.height
            p.ellipse(px, py, size * 0.6, role, squash=0.62, turn=a, shade=0.5, flow=a)
        p.ellipse(x, y, size * 0.42, INK if role == ACCENT else ACCENT)
    vase = [
        (0.43, 0.6),
        (0.57, 0.6),
        (0.56, 0.65),
        (0.64, 0.75),
        (0.63, 0.86),
        (0.57, 0.92),
        (0.43, 0.92),
        (0.37, 0.86),
        (0.36, 0.75),
        (0.44, 0.65),
    ]
    p.polygon(vase, PAPER, slope=(-4, 0), tone=-0.2, flow=1.4)
    p.polygon([(0.365, 0.76), (0.635, 0.76), (0.635, 0.81), (0.365, 0.81)], SHADE, slope=(-3, 0))
    for x, y, role in ((0.2, 0.9, ACCENT), (0.28, 0.93, MIDDLE)):
        p.ellipse(x, y, 0.05, role, squash=0.6, shade=1)


def wave(p: Painter) -> None:
    """A breaking sea."""
    p.backdrop(PAPER, slope=(0, -1.3), flow=0.1)
    p.below(p.skyline(0.2, 0.03, 0.8), LIGHT, flow=0.1)
    sun = p.rng.uniform(0.62, 0.82)
    p.ellipse(sun, 0.24, 0.12, ACCENT)
    p.polygon([(0.5, 0.56), (0.66, 0.4), (0.86, 0.56)], DEEP, flow=-0.6)
    p.polygon([(0.66, 0.4), (0.7, 0.44), (0.665, 0.455), (0.63, 0.43)], PAPER)
    p.below(p.skyline(0.52, 0.02, 2.5), MIDDLE, tone=0.2, flow=0.1)
    _boat(p, 0.78, 0.56, 0.06, PAPER, INK)
    p.below(p.skyline(0.6, 0.03, 1.8), SHADE, slope=(0.8, 0), flow=0.2)
    # The great wave rises on the left and curls over: the outer edge, then back along the hollow.
    t = np.linspace(0, 1, 40)
    outer = [(-0.02 + 0.5 * s, 0.72 - 0.5 * math.sin(s * math.pi * 0.62)) for s in t.tolist()]
    inner = [(0.52 - 0.17 * math.sin(s * math.pi), 0.28 + 0.5 * s) for s in t.tolist()]
    p.polygon(
        [*outer, (0.56, 0.33), *inner, (0.6, 1.02), (-0.02, 1.02)], DEEP, slope=(1.2, 0), flow=-0.9
    )
    for k in range(1, 5):
        s = k / 5
        line = [(x * (1 - 0.18 * s), y + 0.16 * s + 0.03) for x, y in outer[6:]]
        p.stroke(line, 0.016, (LIGHT, MIDDLE, LIGHT, SHADE)[k - 1])
    for x, y in [*outer[10::2], (0.54, 0.33), (0.56, 0.37), (0.52, 0.36), (0.47, 0.35)]:
        for _ in range(2):
            jx, jy = p.rng.normal(0, 0.012, 2)
            p.ellipse(x + jx, y + jy, p.rng.uniform(0.018, 0.034), PAPER, tone=0.2)
    for _ in range(12):
        p.ellipse(p.rng.uniform(0.42, 0.64), p.rng.uniform(0.2, 0.46), 0.008, PAPER)
    p.below(p.skyline(0.8, 0.05, 1.4), MIDDLE, slope=(1, -1), flow=0.3)
    p.below(p.skyline(0.9, 0.04, 1.2), INK, slope=(-1, 0), flow=-0.2)
    for _ in range(20):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(0.78, 0.98)
        p.stroke(
            [(x - 0.05, y), (x, y - 0.012), (x + 0.05, y)], 0.01, (PAPER, LIGHT)[int(x * 20) % 2]
        )


def bridge(p: Painter) -> None:
    """A round bridge over a lily pond."""
    p.backdrop(LIGHT, slope=(0, -1), flow=1.3)
    p.below(p.skyline(0.2, 0.06, 2.2), MIDDLE, slope=(0, -1.5), tone=0.2, flow=1.3)
    for x in p.rng.uniform(0, 1, 7).tolist():
        p.ellipse(
            x, p.rng.uniform(0.16, 0.34), p.rng.uniform(0.08, 0.14), SHADE, shade=0.8, flow=1.2
        )
    p.below(p.skyline(0.46, 0.02, 1.4), DEEP, flow=0.1)
    p.below(p.skyline(0.54, 0.01, 1.0), MIDDLE, slope=(0.6, -1.6), tone=0.1)

    def arch(lift: float, drop: float) -> list[Point]:
        return [
            (x, drop - lift * math.sin(math.pi * x)) for x in np.linspace(-0.02, 1.02, 40).tolist()
        ]

    p.stroke([(x, 1.22 - y) for x, y in arch(0.16, 0.56)], 0.03, SHADE, tone=-0.3)
    p.polygon(arch(0.2, 0.56) + arch(0.15, 0.64)[::-1], PAPER, slope=(-0.8, 0))
    p.stroke(arch(0.15, 0.64), 0.014, INK)
    p.stroke(arch(0.22, 0.44), 0.02, ACCENT)
    for x in np.linspace(0.06, 0.94, 10).tolist():
        s = math.sin(math.pi * x)
        p.stroke([(x, 0.57 - 0.2 * s), (x, 0.43 - 0.22 * s)], 0.015, ACCENT)
    for _ in range(24):
        x, y = p.rng.uniform(0, 1), p.rng.uniform(0.64, 0.98)
        size = 0.025 + 0.05 * (y - 0.6)
        p.ellipse(x, y, size, (SHADE, LIGHT, SHADE, DEEP)[int(x * 40) % 4], squash=0.42, shade=0.6)
        if p.rng.uniform() < 0.5:
            p.ellipse(x, y - 0.012, size * 0.42, (PAPER, ACCENT)[int(x * 90) % 2], squash=0.75)
    for x in p.rng.uniform(0.0, 0.28, 9).tolist() + p.rng.uniform(0.86, 1, 4).tolist():
        end = p.rng.uniform(0.3, 0.6)
        p.stroke(
            [(x, -0.02), (x + 0.015, end * 0.6), (x - 0.005, end)],
            0.017,
            (DEEP, SHADE)[int(x * 60) % 2],
        )
    for x in np.linspace(0.62, 0.98, 9).tolist():
        p.stroke(
            [(x, 1.02), (x + p.rng.uniform(-0.03, 0.03), p.rng.uniform(0.74, 0.86))], 0.012, INK
        )


def rhythm(p: Painter) -> None:
    """Discs and bars."""
    p.backdrop(PAPER, slope=(0.8, -0.8), flow=0.7)
    p.polygon([(0, 0), (0.58, 0), (0.3, 1), (0, 1)], LIGHT, slope=(-1, 0.5), flow=1.1)
    p.polygon([(0.55, 0.62), (1, 0.45), (1, 1), (0.42, 1)], MIDDLE, slope=(1, 0), flow=-0.3)
    p.polygon([(0, 0.72), (0.44, 0.86), (0.4, 1), (0, 1)], DEEP, flow=0.3)
    cx, cy = p.rng.uniform(0.38, 0.5), p.rng.uniform(0.36, 0.46)
    rings = (SHADE, PAPER, INK, LIGHT, ACCENT)
    for k, role in enumerate(rings):
        p.ellipse(cx, cy, 0.33 - 0.062 * k, role, flow=k * 0.6)
    half = [
        (cx + 0.33 * math.cos(a) * p.short / p.width, cy + 0.33 * math.sin(a) * p.short / p.height)
        for a in np.linspace(0.5, 0.5 + math.pi, 30)
    ]
    p.polygon(half, SHADE, tone=-0.2, flow=0.5)
    inner = [
        (cx + 0.2 * math.cos(a) * p.short / p.width, cy + 0.2 * math.sin(a) * p.short / p.height)
        for a in np.linspace(0.5, 0.5 + math.pi, 30)
    ]
    p.polygon(inner, ACCENT, slope=(1, 0), flow=0.5)
    for k, role in enumerate((DEEP, PAPER, MIDDLE)):
        p.ellipse(0.8, 0.7, 0.15 - 0.045 * k, role, shade=0.4)
    p.ellipse(0.18, 0.16, 0.075, INK)
    p.ellipse(0.84, 0.18, 0.06, MIDDLE)
    for k in range(6):
        y = 0.2 + 0.045 * k
        p.stroke([(0.66, y), (0.97, y - 0.1)], 0.012 + 0.004 * (k % 2), (INK, SHADE, ACCENT)[k % 3])
    p.stroke([(0.05, 0.95), (0.75, 0.06)], 0.016, INK)
    p.stroke([(0.3, 0.97), (0.98, 0.8)], 0.02, INK)
    p.polygon([(0.1, 0.62), (0.24, 0.5), (0.27, 0.68)], ACCENT)
    p.polygon([(0.56, 0.9), (0.68, 0.86), (0.66, 0.97), (0.54, 0.99)], PAPER)


def blossom(p: Painter) -> None:
    """A bird on a flowering branch before the moon."""
    p.backdrop(LIGHT, slope=(0, -1.4), flow=0.3)
    p.below(p.skyline(0.74, 0.04, 1.0), MIDDLE, slope=(0, -2), flow=0.1)
    p.below(p.skyline(0.87, 0.03, 1.3), SHADE, slope=(0, -2), flow=0.1)
    mx = p.rng.uniform(0.52, 0.68)
    p.ellipse(mx, 0.36, 0.29, PAPER, tone=0.1, shade=0.3)
    branch = [(-0.02, 0.84), (0.16, 0.7), (0.36, 0.64), (0.58, 0.5), (0.78, 0.46), (1.02, 0.3)]
    p.stroke(branch[:4], 0.05, INK)
    p.stroke(branch[2:], 0.032, INK)
    twigs = [
        [(0.16, 0.7), (0.14, 0.5), (0.2, 0.34)],
        [(0.36, 0.64), (0.34, 0.42), (0.44, 0.22)],
        [(0.58, 0.5), (0.72, 0.62), (0.9, 0.68)],
        [(0.78, 0.46), (0.8, 0.26), (0.9, 0.12)],
        [(0.3, 0.66), (0.46, 0.78), (0.6, 0.82)],
    ]
    for twig in twigs:
        p.stroke(twig, 0.016, DEEP)
    bx, by = 0.53, 0.44
    p.polygon(
        [
            (bx - 0.1, by + 0.02),
            (bx - 0.27, by + 0.17),
            (bx - 0.22, by + 0.19),
            (bx - 0.04, by + 0.07),
        ],
        INK,
        flow=2.4,
    )
    p.ellipse(bx, by, 0.115, DEEP, squash=0.66, turn=-0.5, shade=0.9, flow=-0.6)
    p.ellipse(bx + 0.05, by + 0.015, 0.075, ACCENT, squash=0.75, turn=-0.7, shade=0.5, flow=0.8)
    p.ellipse(bx - 0.035, by + 0.005, 0.085, SHADE, squash=0.42, turn=-0.7, flow=2.4)
    p.ellipse(bx + 0.085, by - 0.085, 0.062, INK, shade=0.6)
    p.polygon([(bx + 0.13, by - 0.105), (bx + 0.19, by - 0.085), (bx + 0.13, by - 0.07)], ACCENT)
    p.ellipse(bx + 0.1, by - 0.095, 0.012, PAPER)
    places = [point for twig in twigs for point in twig[1:]] + [
        branch[1],
        branch[4],
        (0.07, 0.78),
        (0.92, 0.38),
    ]
    for x, y in places:
        for _ in range(2):
            fx, fy = x + p.rng.normal(0, 0.025), y + p.rng.normal(0, 0.025)
            size = p.rng.uniform(0.026, 0.036)
            for petal in range(5):
                a = 2 * math.pi * petal / 5 + x * 9
                role = (PAPER, PAPER, MIDDLE)[int(x * 70) % 3]
                p.ellipse(
                    fx + math.cos(a) * size * p.short / p.width,
                    fy + math.sin(a) * size * p.short / p.height,
                    size * 0.72,
                    role,
                    tone=0.1,
                )
            p.ellipse(fx, fy, size * 0.5, ACCENT)


SCENES: dict[str, Scene] = {
    "hills": hills,
    "harbour": harbour,
    "still-life": still_life,
    "portrait": portrait,
    "lake": lake,
    "town": town,
    "birches": birches,
    "flowers": flowers,
    "wave": wave,
    "bridge": bridge,
    "rhythm": rhythm,
    "blossom": blossom,
}
