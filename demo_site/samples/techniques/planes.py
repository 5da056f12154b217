"""Techniques that build a picture from flat or running areas: blocks, tiles, glass, washes."""

import math

import numpy as np

from ..composition import Composition
from ..noise import FloatArray, grid, layered, mix, ramp, smooth, soften
from ..palettes import DARKER, INK, LIGHTER, PAPER
from .surface import cells, darken, paint, widen


def woodblock(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Flat colours from carved blocks, the grain of the wood in them, and a firm key line."""
    scene = scene.wobbled(rng, 3, 45)
    rgb = paint(colours, scene.roles)
    grain = smooth(rng, scene.width, scene.height, 220, 5)
    rgb = rgb + 13 * grain[..., None]
    _x, y = grid(scene.width, scene.height)
    fade = ramp(0.22 - y / np.float32(scene.height), 0, 0.2)
    rgb = rgb - 18 * (fade + 0 * _x)[..., None]
    return darken(rgb, widen(scene.outline(), 2), colours[INK])


def watercolour(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Transparent washes that pool along their edges and granulate on the paper."""
    scene = scene.wobbled(rng, 9, 60).wobbled(rng, 3, 9)
    rgb = paint(colours, scene.roles)
    edge = scene.outline().astype(np.float32)
    pooled = ramp(soften(edge, 7), 0.05, 0.2)
    rgb = mix(rgb, paint(colours, DARKER[scene.roles]), 0.8 * pooled)
    bloom = layered(rng, scene.width, scene.height, 90)
    rgb = mix(rgb, paint(colours, LIGHTER[scene.roles]), ramp(bloom, 0.05, 0.35))
    dry = soften(edge, 3) * ramp(smooth(rng, scene.width, scene.height, 90), -0.1, 0.3)
    rgb = mix(rgb, np.broadcast_to(colours[PAPER], rgb.shape), ramp(dry, 0.1, 0.3))
    grains = layered(rng, scene.width, scene.height, 14)
    return rgb + 30 * grains[..., None]


def mosaic(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Square stones in mortar, no two quite alike, set in wavering rows."""
    x, y = grid(scene.width, scene.height)
    size = np.float32(17)
    bent_x = x + 7 * smooth(rng, scene.width, scene.height, 160)
    bent_y = y + 7 * smooth(rng, scene.width, scene.height, 160)
    column, row = np.floor(bent_x / size), np.floor(bent_y / size)
    where = scene.at(x + (column + 0.5) * size - bent_x, y + (row + 0.5) * size - bent_y)
    chance = rng.uniform(-0.7, 0.7, (400, 400)).astype(np.float32)
    stone = (row.astype(int) % 400, column.astype(int) % 400)
    rgb = paint(colours, scene.broken(where, chance[stone])) + (25 * chance[stone])[..., None]
    inside_x, inside_y = np.mod(bent_x, size), np.mod(bent_y, size)
    light = 12.0 * (inside_x + inside_y < 8) - 12.0 * (inside_x + inside_y > 25)
    rgb = rgb + light[..., None]
    mortar = (np.minimum(inside_x, inside_y) < 2.2) | (np.maximum(inside_x, inside_y) > 16.2)
    return darken(rgb, mortar, colours[PAPER])


def stained_glass(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Pieces of uneven glass held by leads."""
    owner, border, seed_x, seed_y = cells(rng, scene.width, scene.height, 58)
    roles = scene.roles[scene.at(seed_x, seed_y)]
    rgb = paint(colours, roles[owner])
    x, y = grid(scene.width, scene.height)
    glow = 1 - np.hypot(x - seed_x[owner], y - seed_y[owner]) / np.float32(50)
    ripples = smooth(rng, scene.width, scene.height, 16, 5)
    rgb = rgb + (20 * np.clip(glow, -1, 1) + 9 * ripples)[..., None]
    return darken(rgb, border < 7, colours[INK])


def facets(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Large planes, each shaded from one side to the other, as if the scene were broken glass."""
    owner, border, seed_x, seed_y = cells(rng, scene.width, scene.height, 105)
    x, y = grid(scene.width, scene.height)
    shift = rng.uniform(-28, 28, (2, len(seed_x))).astype(np.float32)
    where = scene.at(x + shift[0][owner], y + shift[1][owner])
    rgb = paint(colours, scene.roles[where])
    turn = rng.uniform(0, 2 * math.pi, len(seed_x)).astype(np.float32)[owner]
    along = (x - seed_x[owner]) * np.cos(turn) + (y - seed_y[owner]) * np.sin(turn)
    shade: FloatArray = np.clip(along / np.float32(70), -1, 1).astype(np.float32)
    rgb = rgb + np.float32(20) * shade[..., None]
    rgb = mix(rgb, paint(colours, DARKER[scene.roles[where]]), ramp(-shade, 0.55, 1.0))
    return rgb + 14.0 * (border < 2.5)[..., None]


def marbling(scene: Composition, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Colours that float on a bath, drawn out by a comb into running bands."""
    x, y = grid(scene.width, scene.height)
    bend = layered(rng, scene.width, scene.height, 260)
    comb = np.sin(2 * math.pi * (x + 60 * bend) / 84)
    drawn_y = y + 105 * comb + 130 * bend
    drawn_x = (
        x
        + 46 * np.sin(2 * math.pi * drawn_y / 150)
        + 60 * smooth(rng, scene.width, scene.height, 120)
    )
    bands = np.sin(2 * math.pi * (drawn_y + 40 * bend) / 34) + 0.4 * rng.uniform(-1, 1)
    where = scene.at(
        np.abs(np.mod(drawn_x, 2 * scene.width) - 0).astype(np.float32),
        np.abs(drawn_y).astype(np.float32),
    )
    roles = scene.roles[where]
    roles = np.where(bands > 0.72, LIGHTER[roles], roles)
    roles = np.where(bands < -0.72, DARKER[roles], roles)
    return paint(colours, roles) + 6 * smooth(rng, scene.width, scene.height, 3)[..., None]
