"""What a picture shows, however it is painted: shapes with a role, a tone and a direction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .noise import FloatArray, IndexArray, grid, layered, smooth
from .palettes import DARKER, DEPTHS, LIGHTER

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Composition:
    """A scene ready for a technique; every array is (height, width).

    Attributes:
        shapes: int32, which shape a pixel belongs to; outlines run where it changes.
        roles: uint8, 0 to 6, the palette role of that shape.
        tone: float32, about -1 (in shadow) to 1 (in light), around the shape's own colour.
        flow: float32, radians, the direction in which a brush would follow the shape.
    """

    shapes: npt.NDArray[np.int32]
    roles: IndexArray
    tone: FloatArray
    flow: FloatArray

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.roles.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.roles.shape[0])

    @property
    def darkness(self) -> FloatArray:
        """What a drawing in one ink makes of it: 0 where the paper is left, 1 where all is ink."""
        depth: FloatArray = np.clip(DEPTHS[self.roles] - np.float32(0.26) * self.tone, 0, 1)
        return depth.astype(np.float32)

    def at(self, x: FloatArray, y: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the index (rows, columns) of the pixels at x and y, kept inside the picture."""
        columns = np.clip(x, 0, self.width - 1).astype(np.intp)
        rows = np.clip(y, 0, self.height - 1).astype(np.intp)
        return rows, columns

    def broken(
        self, where: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]], chance: FloatArray
    ) -> IndexArray:
        """Return the role of each place, some moved to a lighter or darker one as the tone asks.

        Args:
            where: rows and columns, as ``at`` gives them.
            chance: noise of the same shape, about -1 to 1: how colour is broken up.
        """
        roles = self.roles[where]
        pull = self.tone[where] + chance
        roles = np.where(pull > 0.75, LIGHTER[roles], roles)
        return np.where(pull < -0.75, DARKER[roles], roles).astype(np.uint8)

    def wobbled(self, rng: np.random.Generator, amount: float, cell: float) -> "Composition":
        """Return the composition with its outlines drawn by a less steady hand.

        Args:
            rng: source of the wobble.
            amount: how far an outline strays, in pixels.
            cell: length of a waver, in pixels.
        """
        x, y = grid(self.width, self.height)
        where = self.at(
            x + amount * smooth(rng, self.width, self.height, cell),
            y + amount * smooth(rng, self.width, self.height, cell),
        )
        return Composition(
            self.shapes[where], self.roles[where], self.tone[where], self.flow[where]
        )

    def outline(self) -> npt.NDArray[np.bool_]:
        """Return where one shape meets another."""
        edge = np.zeros(self.shapes.shape, dtype=np.bool_)
        edge[:, 1:] |= self.shapes[:, 1:] != self.shapes[:, :-1]
        edge[1:, :] |= self.shapes[1:, :] != self.shapes[:-1, :]
        return edge


class Painter:
    """Collects a scene's shapes, back to front, in coordinates from 0 to 1 of width and height."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        """Start with one shape, number 0, that fills the picture; ``backdrop`` sets its role."""
        self.width, self.height, self.rng = width, height, rng
        self.short = min(width, height)
        self._image = Image.new("I", (width, height), 0)
        self._draw = ImageDraw.Draw(self._image)
        self._textures: list[tuple[int, FloatArray]] = []
        self._rows: list[tuple[float, ...]] = [(0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0)]

    def backdrop(
        self, role: int, *, tone: float = 0, slope: Point = (0, 0), flow: float = 0
    ) -> None:
        """Set the role of what lies behind every shape."""
        self._rows[0] = (role, tone, slope[0], slope[1], 0.5, 0.5, flow)

    def _next(self, role: int, tone: float, slope: Point, flow: float, centre: Point) -> int:
        self._rows.append((role, tone, slope[0], slope[1], centre[0], centre[1], flow))
        return len(self._rows) - 1

    def texture(self, strength: float, cell: float, cell_y: float | None = None) -> None:
        """Let light play over the shape that was added last, or the backdrop.

        Args:
            strength: how much lighter or darker, as a tone.
            cell: width of a patch, in shares of the shorter side.
            cell_y: its height, if that differs.
        """
        high = self.short * (cell_y or cell)
        field = layered(self.rng, self.width, self.height, self.short * cell, high)
        self._textures.append((len(self._rows) - 1, np.float32(strength) * field))

    def polygon(
        self,
        points: Sequence[Point],
        role: int,
        *,
        tone: float = 0,
        slope: Point = (0, 0),
        flow: float = 0,
    ) -> None:
        """Add a filled polygon.

        Args:
            points: x and y, 0 to 1.
            role: palette role.
            tone: light (+) or shadow (-) at its middle.
            slope: how the tone changes over the whole picture's width and height.
            flow: direction of the brush, radians.
        """
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        centre = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
        number = self._next(role, tone, slope, flow, centre)
        self._draw.polygon([(x * self.width, y * self.height) for x, y in points], fill=number)

    def ellipse(
        self,
        x: float,
        y: float,
        radius: float,
        role: int,
        *,
        squash: float = 1,
        turn: float = 0,
        tone: float = 0,
        shade: float = 0,
        flow: float = 0,
    ) -> None:
        """Add an ellipse of ``radius`` (of the shorter side), ``squash`` times as high, turned.

        ``shade`` is how much darker its lower right is than its upper left.
        """
        angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
        across, down = radius * np.cos(angles), radius * squash * np.sin(angles)
        px = x + (across * math.cos(turn) - down * math.sin(turn)) * self.short / self.width
        py = y + (across * math.sin(turn) + down * math.cos(turn)) * self.short / self.height
        reach = max(radius, 1e-3) * 2
        slope = (
            -shade * self.width / self.short / reach,
            -shade * self.height / self.short / reach,
        )
        points = list(zip(px.tolist(), py.tolist(), strict=True))
        self.polygon(points, role, tone=tone, slope=slope, flow=flow)

    def below(
        self,
        heights: FloatArray,
        role: int,
        *,
        tone: float = 0,
        slope: Point = (0, 0),
        flow: float = 0,
        bottom: float = 1.02,
    ) -> None:
        """Add all that lies between a skyline (heights, 0 top to 1 bottom) and ``bottom``."""
        xs = np.linspace(-0.02, 1.02, len(heights)).tolist()
        points = list(zip(xs, heights.tolist(), strict=True))
        points += [(1.02, bottom), (-0.02, bottom)]
        self.polygon(points, role, tone=tone, slope=slope, flow=flow)

    def stroke(
        self, points: Sequence[Point], thickness: float, role: int, *, tone: float = 0
    ) -> None:
        """Add a line of ``thickness`` (of the shorter side) with round joints."""
        (x0, y0), (x1, y1) = points[0], points[-1]
        flow = math.atan2((y1 - y0) * self.height, (x1 - x0) * self.width)
        number = self._next(role, tone, (0, 0), flow, (x0, y0))
        pixels = [(x * self.width, y * self.height) for x, y in points]
        width = max(2, round(thickness * self.short))
        self._draw.line(pixels, fill=number, width=width, joint="curve")

    def ragged(
        self,
        x: float,
        y: float,
        radius: float,
        role: int,
        *,
        squash: float = 0.8,
        rough: float = 0.22,
        tone: float = 0,
        slope: Point = (0, 0),
        flow: float = 0,
    ) -> None:
        """Add a shape like a clump of leaves, a rock or a cloud, about ``radius`` large."""
        angles = np.linspace(0, 2 * math.pi, 54, endpoint=False)
        reach = np.ones(len(angles))
        for waves in (2, 3, 5, 8, 13):
            swing = self.rng.uniform(0.4, 1) * rough * 1.6 / waves**0.6
            reach += swing * np.sin(waves * angles + self.rng.uniform(0, 2 * math.pi))
        reach *= self.rng.uniform(1 - rough / 2, 1 + rough / 2, len(angles))
        px = x + radius * reach * np.cos(angles) * self.short / self.width
        py = y + radius * squash * reach * np.sin(angles) * self.short / self.height
        points = list(zip(px.tolist(), py.tolist(), strict=True))
        self.polygon(points, role, tone=tone, slope=slope, flow=flow)

    def skyline(
        self, level: float, swing: float, waves: float, *, octaves: int = 3, samples: int = 220
    ) -> FloatArray:
        """Return a line of heights around ``level``, ``waves`` hills over the width.

        More octaves make rocks of hills.
        """
        t = np.linspace(0, 1, samples)
        total = np.zeros(samples)
        for octave in range(octaves):
            phase = self.rng.uniform(0, 2 * math.pi)
            stretch = waves * 1.9**octave * self.rng.uniform(0.85, 1.15)
            total += 0.52**octave * np.sin(2 * math.pi * stretch * t + phase)
        return (level + swing * total / 1.6).astype(np.float32)

    def finish(self) -> Composition:
        """Return the finished composition."""
        shapes = np.array(self._image, dtype=np.int32)
        table = np.array(self._rows, dtype=np.float32)
        x, y = grid(self.width, self.height)
        tone = table[shapes, 1]
        tone = tone + table[shapes, 2] * (x / np.float32(self.width) - table[shapes, 4])
        tone = tone + table[shapes, 3] * (y / np.float32(self.height) - table[shapes, 5])
        for number, field in self._textures:
            tone = np.where(shapes == number, tone + field, tone)
        drift = smooth(self.rng, self.width, self.height, self.short / 3)
        tone = np.clip(tone + 0.2 * drift, -1.2, 1.2).astype(np.float32)
        drift = smooth(self.rng, self.width, self.height, self.short / 4)
        flow = (table[shapes, 6] + 0.5 * drift).astype(np.float32)
        return Composition(shapes, table[:, 0].astype(np.uint8)[shapes], tone, flow)
