"""Techniques in colours: blocks, washes, paint, and the bath of the marbler."""

import math

import numpy as np

from ..composition import Composition
from ..noise import FloatArray, grid, layered, mix, ramp, scatter, smooth, soften
from ..palettes import DARKER, DEEP, INK, LIGHT, LIGHTER, MIDDLE, PAPER
from .surface import Canvas, Marks, darken, paint, widen


def woodblock(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Flat colours from carved blocks, wiped paler, the grain in them, and a fine key line."""
    scene = scene.wobbled(rng, 2, 50)
    roles = np.where(scene.tone > 0.7, LIGHTER[scene.roles], scene.roles)
    roles = np.where(scene.tone < -0.7, DARKER[scene.roles], roles)
    rgb = paint(colours, roles)
    grain = smooth(rng, scene.width, scene.height, 300, 9)
    rgb = rgb + 17 * grain[..., None]
    x, y = grid(scene.width, scene.height)
    wiped = ramp(np.float32(0.3) - y / np.float32(scene.height), 0, 0.3) + 0 * x
    rgb = mix(rgb, np.broadcast_to(colours[MIDDLE], rgb.shape), 0.75 * wiped)
    return darken(rgb, widen(scene.outline(), 1), colours[INK])


def wash(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Pen, and transparent washes that pool along their edges and leave the paper in places."""
    drawn = scene.wobbled(rng, 2.5, 30)
    scene = scene.wobbled(rng, 10, 60).wobbled(rng, 3, 10)
    thin = 0.82 - 0.3 * np.clip(scene.tone, -0.5, 1)
    bare = ramp(layered(rng, scene.width, scene.height, 130), 0.15, 0.5)
    ground = np.broadcast_to(colours[PAPER], (scene.height, scene.width, 3))
    rgb = mix(ground, paint(colours, scene.roles), np.clip(thin - 0.5 * bare, 0, 1))
    bloom = layered(rng, scene.width, scene.height, 80)
    dried = ramp(np.float32(0.07) - np.abs(bloom), 0, 0.07) * (bloom > -0.02)
    rgb = mix(rgb, ground, 0.35 * ramp(bloom, 0.02, 0.3))
    rgb = mix(rgb, paint(colours, DARKER[scene.roles]), 0.6 * dried)
    edge = scene.outline().astype(np.float32)
    rgb = mix(rgb, paint(colours, DARKER[scene.roles]), 0.5 * ramp(soften(edge, 6), 0.06, 0.24))
    rgb = rgb + 9 * layered(rng, scene.width, scene.height, 12)[..., None]
    line = drawn.outline() & (smooth(rng, scene.width, scene.height, 30) > -0.45)
    pen = 0.8 * soften(widen(line, 1).astype(np.float32), 1.6)
    return mix(rgb, np.broadcast_to(colours[INK], rgb.shape), np.clip(pen, 0, 0.9))


def linocut(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Four flat colours, one over the other, and the gouge's bright cuts in the dark ones."""
    scene = scene.wobbled(rng, 6, 34)
    dark = soften(scene.darkness, 5)
    inks = colours[[PAPER, LIGHT, MIDDLE, DEEP, INK]]
    step = np.digitize(dark, [0.16, 0.36, 0.56, 0.8])
    rgb = inks[step]
    marks = [Marks(scene.width, scene.height) for _ in range(3)]
    for spacing, number in ((19.0, 0), (19.0, 1), (23.0, 2)):
        x, y = scatter(rng, scene.width, scene.height, spacing)
        where = scene.at(x, y)
        turns = 1.6 * scene.flow[where] + rng.normal(0, 0.12, len(x))
        for px, py, turn, deep in zip(x, y, turns, dark[where], strict=True):
            if deep < (0.36, 0.56, 0)[number] or rng.random() < 0.2:
                continue
            half = 12.0
            dx, dy = math.cos(turn) * half, math.sin(turn) * half
            marks[number].wedge((px - dx, py - dy), (px + dx, py + dy), 5.2)
    rgb = mix(rgb, np.broadcast_to(colours[LIGHT], rgb.shape), marks[0].cover() * (step == 2))
    rgb = mix(rgb, np.broadcast_to(colours[MIDDLE], rgb.shape), marks[1].cover() * (step >= 3))
    left = 0.8 * marks[2].cover() * (step <= 1)  # ridges that the gouge has left, which print
    rgb = mix(rgb, np.broadcast_to(colours[MIDDLE], rgb.shape), left)
    roller = 4 * smooth(rng, scene.width, scene.height, 5) * (step > 0)
    return rgb + roller[..., None]


def oil(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Broad strokes along the forms, each with a ridge in the light and one in shadow."""
    canvas = Canvas(scene.width, scene.height, colours[MIDDLE])
    for spacing, length, thickness in ((18.0, 50.0, 19.0), (12.0, 30.0, 10.0)):
        x, y = scatter(rng, scene.width, scene.height, spacing)
        where = scene.at(x, y)
        chance = rng.uniform(-0.35, 0.35, x.shape).astype(np.float32)
        inks = colours[scene.broken(where, chance)] + rng.uniform(-8, 8, (len(x), 1))
        turns = scene.flow[where] + rng.uniform(-0.35, 0.35, x.shape)
        for px, py, turn, ink in zip(x, y, turns, inks, strict=True):
            dx, dy = math.cos(turn) * length / 2, math.sin(turn) * length / 2
            canvas.line(px - dx, py - dy, px + dx, py + dy, thickness, ink)
            ox, oy = -math.sin(turn) * thickness * 0.32, math.cos(turn) * thickness * 0.32
            for side, light in ((-1, 13), (1, -13)):
                x0, y0 = px - dx + side * ox, py - dy + side * oy
                x1, y1 = px + dx + side * ox, py + dy + side * oy
                canvas.line(x0, y0, x1, y1, thickness * 0.16, ink + light)
    return canvas.finish()


def marbling(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Colours that float on a bath, drawn out by a comb: a binder's paper, of nothing at all."""
    x, y = grid(scene.width, scene.height)
    bend = layered(rng, scene.width, scene.height, 300)
    comb = np.sin(2 * math.pi * (x + 46 * bend) / 92)
    drawn = y + 62 * comb + 90 * bend + 5 * smooth(rng, scene.width, scene.height, 14)
    place = np.mod(drawn / 58, 1)
    roles = np.array([PAPER, DEEP, LIGHT, MIDDLE, PAPER, INK, LIGHT, MIDDLE], dtype=np.uint8)
    widths = np.array([0.16, 0.27, 0.44, 0.55, 0.7, 0.8, 0.92], dtype=np.float32)
    rgb = paint(colours, roles[np.digitize(place, widths)])
    vein = np.abs(np.mod(place * 8, 1) - 0.5) > 0.46
    rgb = darken(rgb, vein & (smooth(rng, scene.width, scene.height, 30) > 0.1), colours[PAPER])
    return rgb + 5 * smooth(rng, scene.width, scene.height, 3)[..., None]
