"""Buildings and maps."""

import math

import numpy as np

from ..composition import Painter
from ..palettes import ACCENT, DEEP, INK, LIGHT, MIDDLE, PAPER, SHADE
from .parts import bush, figure, grass, ridge, sky, tree


def elevation(p: Painter) -> None:
    """The front of a house, as an architect draws it."""
    p.backdrop(PAPER, tone=0.5)
    floor = 0.86
    left, right, top = 0.1, 0.9, 0.34
    bays = int(p.rng.integers(2, 4)) * 2 + 1
    wide = (right - left) / bays

    def box(x0: float, y0: float, x1: float, y1: float, role: int, tone: float = 0) -> None:
        p.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], role, tone=tone, flow=1.57)

    box(left, top, right, floor, LIGHT, 0.5)
    p.texture(0.25, 0.5)
    box(left - 0.02, top - 0.035, right + 0.02, top, MIDDLE)
    box(left - 0.035, top - 0.05, right + 0.035, top - 0.035, SHADE)
    middle, tall = (left + right) / 2, wide * (1.5 if bays > 5 else 1.0)
    gable = [(middle - tall, top - 0.05), (middle, top - 0.2), (middle + tall, top - 0.05)]
    p.polygon(gable, LIGHT, tone=0.2)
    p.polygon([(x, y + 0.012 * (1 if y < top - 0.1 else -1)) for x, y in gable], MIDDLE, tone=0.4)
    p.ellipse(middle, top - 0.1, 0.028, SHADE)
    p.ellipse(middle, top - 0.1, 0.018, PAPER)
    for storey, (y0, y1) in enumerate(((top + 0.05, top + 0.19), (top + 0.28, floor - 0.03))):
        box(left, y1 + 0.025 - 0.03 * storey, right, y1 + 0.035 - 0.03 * storey, SHADE, 0.4)
        for bay in range(bays):
            x = left + wide * (bay + 0.5)
            half = 0.2 * wide
            is_door = storey == 1 and bay == bays // 2
            bottom = floor if is_door else y1 - 0.03
            box(x - half - 0.008, y0 - 0.008, x + half + 0.008, bottom, MIDDLE, 0.6)
            box(x - half, y0, x + half, bottom, DEEP if is_door else SHADE, 0.1)
            if not is_door:
                for k in range(1, 3):
                    y = y0 + (bottom - y0) * k / 3
                    p.stroke([(x - half, y), (x + half, y)], 0.003, PAPER)
                p.stroke([(x, y0), (x, bottom)], 0.003, PAPER)
            if storey == 1 and not is_door:
                turns = np.linspace(math.pi, 2 * math.pi, 14).tolist()
                arc = [(x + half * math.cos(a), y0 + 0.045 * math.sin(a)) for a in turns]
                p.polygon(arc, DEEP)
            elif storey == 0:
                p.polygon(
                    [(x - half - 0.015, y0 - 0.01), (x, y0 - 0.035), (x + half + 0.015, y0 - 0.01)],
                    SHADE,
                )
    for k in range(bays + 1):
        x = left + wide * k
        box(x - 0.011, top, x + 0.011, floor, PAPER, 0.3)
        box(x + 0.006, top, x + 0.011, floor, MIDDLE)
        box(x - 0.017, top, x + 0.017, top + 0.018, MIDDLE, 0.3)
    for k in range(4):
        y = floor + 0.011 * k
        box(
            middle - 0.1 - 0.025 * k, y, middle + 0.1 + 0.025 * k, y + 0.011, (LIGHT, MIDDLE)[k % 2]
        )
    box(0.04, floor + 0.045, 0.96, floor + 0.05, INK)
    figure(p, left + 0.05, floor + 0.045, 0.1)
    for k in range(10):
        x = 0.3 + 0.04 * k
        box(x, 0.945, x + 0.04, 0.953, (INK, PAPER)[k % 2])


def ruin(p: Painter) -> None:
    """An overgrown arch, and the plain behind it."""
    sky(p, clouds=1.2)
    ridge(p, 0.6, 0.03, 1.3, LIGHT)
    ridge(p, 0.68, 0.02, 1.8, MIDDLE)
    p.below(p.skyline(0.76, 0.02, 0.8), LIGHT, slope=(0.3, -1), flow=0.1)
    p.texture(0.7, 0.1, 0.03)
    x, half, thick = p.rng.uniform(0.4, 0.56), 0.17, 0.11
    turns = np.linspace(math.pi, 2 * math.pi, 30).tolist()
    outer_top = [
        (x - half - thick, 0.84),
        (x - half - thick, 0.24),
        (x - 0.12, 0.17),
        (x - 0.02, 0.2),
    ]
    broken = [(x + 0.06, 0.14), (x + 0.13, 0.19), (x + half, 0.17), (x + half + thick, 0.3)]
    jag = [(x + half + thick, 0.44), (x + half + thick - 0.025, 0.5), (x + half + thick, 0.55)]
    foot = [(x + half + thick, 0.84), (x + half, 0.84)]
    inside = [(x + half * math.cos(a), 0.46 + 0.2 * math.sin(a)) for a in turns[::-1]]
    wall = [*outer_top, *broken, *jag, *foot, *inside, (x - half, 0.84)]
    p.polygon(wall, MIDDLE, slope=(-1.6, -0.5), tone=0.3, flow=0.05)
    p.texture(1.0, 0.07, 0.05)
    depth = [(px + 0.05, py + 0.015) for px, py in inside]
    p.polygon([*inside, *depth[::-1]], DEEP, flow=1.4)
    p.polygon(
        [(x - half, 0.46), (x - half + 0.05, 0.475), (x - half + 0.05, 0.84), (x - half, 0.84)],
        DEEP,
    )
    for a in np.linspace(math.pi * 1.06, math.pi * 1.94, 11).tolist():
        c, s = math.cos(a), math.sin(a)
        p.stroke(
            [(x + half * c, 0.46 + 0.2 * s), (x + 1.28 * half * c, 0.46 + 0.27 * s)], 0.004, INK
        )
    for y in np.linspace(0.3, 0.82, 12).tolist():
        for side in (-1, 1):
            at = x + side * (half + 0.5 * thick) + p.rng.uniform(-0.01, 0.01)
            p.stroke([(at - 0.045, y), (at + 0.04, y)], 0.0035, (DEEP, SHADE)[int(y * 60) % 2])
    for px, py in (*outer_top[1:], *broken, (x + half + thick, 0.5), (x - half - thick, 0.55)):
        for _ in range(3):
            dx, dy = p.rng.normal(0, 0.022, 2)
            p.ragged(px + dx, py + dy, p.rng.uniform(0.015, 0.04), (DEEP, SHADE)[int(dx * 900) % 2])
    for _ in range(9):
        bx, by = p.rng.uniform(0.1, 0.9), p.rng.uniform(0.84, 0.94)
        size = p.rng.uniform(0.02, 0.06)
        p.ragged(bx, by, size, MIDDLE, squash=0.6, slope=(-4, -4), flow=0.2)
    tree(p, 0.9 if x < 0.5 else 0.1, 0.88, 0.6)
    p.below(p.skyline(0.93, 0.02, 0.8), DEEP, flow=0.1)
    bush(p, x - half - thick, 0.88, 0.07)
    figure(p, x + 0.02, 0.86, 0.1)
    figure(p, x + 0.07, 0.87, 0.09)
    grass(p, 0.86, 70)


def chart(p: Painter) -> None:
    """The map of an island that is nowhere."""
    p.backdrop(LIGHT, tone=0.6, flow=0.02)
    p.texture(0.4, 0.4, 0.02)
    for k in range(1, 6):
        p.stroke([(k / 6, 0), (k / 6, 1)], 0.0025, MIDDLE)
        p.stroke([(0, k / 6), (1, k / 6)], 0.0025, MIDDLE)
    angles = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    reach = np.full(180, 0.31)
    for waves in (2, 3, 4, 6, 9, 14, 22):
        reach += p.rng.uniform(0.3, 1) * 0.1 / waves * np.sin(waves * angles + p.rng.uniform(0, 7))
    reach *= p.rng.uniform(0.97, 1.03, 180)
    cx, cy = p.rng.uniform(0.45, 0.55), p.rng.uniform(0.44, 0.54)
    kx, ky = 1.1 * p.short / p.width, p.short / p.height

    def ring(scale: float) -> list[tuple[float, float]]:
        px, py = cx + scale * reach * np.cos(angles) * kx, cy + scale * reach * np.sin(angles) * ky
        return list(zip(px.tolist(), py.tolist(), strict=True))

    for scale, role in (
        (1.2, MIDDLE),
        (1.17, LIGHT),
        (1.12, MIDDLE),
        (1.1, LIGHT),
        (1.055, MIDDLE),
        (1.04, LIGHT),
    ):
        p.polygon(ring(scale), role, tone=0.5)
    p.polygon(ring(1), PAPER, tone=0.2, flow=0.8)
    p.texture(0.5, 0.2)
    for _ in range(3):
        at, a = [cx, cy], p.rng.uniform(0, 7)
        line = [(at[0], at[1])]
        for _step in range(14):
            a += p.rng.normal(0, 0.35)
            at = [at[0] + 0.024 * math.cos(a) * kx, at[1] + 0.024 * math.sin(a) * ky]
            line.append((at[0], at[1]))
        p.stroke(line, 0.006, SHADE)
    for _ in range(46):
        a, far = p.rng.uniform(0, 7), 0.22 * math.sqrt(p.rng.random())
        x, y, s = (
            cx + far * math.cos(a) * kx,
            cy + far * math.sin(a) * ky,
            p.rng.uniform(0.014, 0.026),
        )
        p.polygon([(x - s, y + s), (x, y - s), (x + s, y + s)], MIDDLE, tone=0.5, flow=-0.8)
        p.polygon([(x, y - s), (x + s, y + s), (x + 0.2 * s, y + s)], DEEP, flow=0.8)
    for _ in range(60):
        a, far = p.rng.uniform(0, 7), p.rng.uniform(0.16, 0.3)
        p.ragged(cx + far * math.cos(a) * kx, cy + far * math.sin(a) * ky, 0.008, SHADE)
    for _ in range(7):
        a, far = p.rng.uniform(0, 7), p.rng.uniform(0.1, 0.28)
        p.ellipse(cx + far * math.cos(a) * kx, cy + far * math.sin(a) * ky, 0.009, ACCENT)
    rx, ry = (0.14, 0.82) if p.rng.random() < 0.5 else (0.86, 0.82)
    for k in range(16):
        a, far = k * math.pi / 8, (0.1, 0.05, 0.075, 0.05)[k % 4]
        tip = (rx + far * math.cos(a) * kx, ry + far * math.sin(a) * ky)
        for turn, role in ((0.2, INK), (-0.2, PAPER)):
            side = (rx + 0.024 * math.cos(a + turn) * kx, ry + 0.024 * math.sin(a + turn) * ky)
            p.polygon([(rx, ry), side, tip], role)
    ex = 1 - rx
    p.polygon([(ex - 0.1, 0.08), (ex + 0.1, 0.08), (ex + 0.1, 0.2), (ex - 0.1, 0.2)], INK)
    p.polygon(
        [(ex - 0.096, 0.086), (ex + 0.096, 0.086), (ex + 0.096, 0.194), (ex - 0.096, 0.194)],
        PAPER,
        tone=0.8,
    )
    for k, wide in enumerate((0.07, 0.05, 0.06)):
        y = 0.11 + 0.03 * k
        for step in np.arange(-wide, wide, 0.012).tolist():
            p.stroke(
                [(ex + step, y), (ex + step + 0.007, y + p.rng.uniform(-0.006, 0.006))], 0.004, DEEP
            )
    for k in range(12):
        for y in (0.0, 0.985):
            p.polygon(
                [(k / 12, y), ((k + 1) / 12, y), ((k + 1) / 12, y + 0.015), (k / 12, y + 0.015)],
                (INK, PAPER)[k % 2],
            )
