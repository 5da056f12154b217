"""The picture's own area within a scan: without margin, mat, frame, caption and target. Numpy.

A scan is peeled from outside, layer by layer: what has the colours of the scan's edge is ground,
the largest coherent thing on it is the picture, or a frame, a mat or a page with the picture in it,
which is peeled in turn. Ground is taken away only where the thing on it ends in straight lines: a
drawing's own paper, which its strokes do not fill like a rectangle, stays, and so does a painted
sky. docs/quality.md says how often that is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.pictures.crop import LOOKED_AT_SIDE, WHOLE, Area

Side = Literal["top", "bottom", "left", "right"]

_SIDES: Final[tuple[Side, ...]] = ("top", "bottom", "left", "right")
_FAR: Final[frozenset[Side]] = frozenset({"bottom", "right"})  # margins lie behind these edges

_LAYERS: Final = 5  # a wall, a frame, a mat, a bevel, a plate
_LEAST_SIDE: Final = 48  # pixels of a layer that is still looked into
_MOST_SLOPE: Final = math.tan(math.radians(6))
_LEAST_SLOPE: Final = math.tan(math.radians(0.25))  # what pixels of this size can tell

# Levels, of 255, within which an edge's pixels are one ground; and edges' grounds the same one.
_EVEN: Final = 16.0
_SAME_GROUND: Final = 40.0
# Share of an edge that must be even; the rest may be a gutter's shadow or a corner of the picture.
_EVEN_SHARE: Final = 0.55
# Pixels of an edge whose median is its ground there.
_SEGMENT: Final = 16
# What is so many levels from the ground, and so many times the ground's own deviation more, lies
# on it.
_LEAST_DIFFERENCE: Final = 10.0
_DEVIATIONS: Final = 3.0
# Share of an edge of the scan that things may touch where a margin is to be taken away.
_MOST_TOUCHED: Final = 0.3

_CELL: Final = 2  # pixels of a cell: a smaller gap does not part two things
_CELL_SHARE: Final = 0.3
_LEAST_SHARE: Final = 0.15  # of a layer, that the thing on it must fill
_MOST_OUTSIDE: Final = 0.2  # of all that lies on the ground, that may be lost: captions, targets

# Share of its rectangle that a thing must fill, unless its edges are as good as ruled: letters on
# paper have straight edges too.
_FILLED: Final = 0.7
_RULED: Final = 0.93

# An edge is straight where so much of it lies within so many pixels of a line.
_STRAIGHT_SHARE: Final = 0.55
_STRAIGHT: Final = 1.6
# Straight edges that a slope must explain beyond those that no slope explains, in edges.
_SLOPE_GAIN: Final = 0.08
# Pixels that an edge is moved inwards, for they are half ground; more of them after turning.
_INSET, _TURNED_INSET = 1.0, 2.0
_LEAST_CUT: Final = 2.0  # pixels, of the widest margin
_MOST_KEPT: Final = 0.985

# Levels by which the rings of a frame differ from one to the next, and shares of them alike.
_RING_STEP: Final = 6.0
_RING_EVEN: Final = 22.0
_RING_SHARE: Final = 0.9

_Values = NDArray[np.float32]
_Mask = NDArray[np.bool_]


class _Inner(NamedTuple):
    """A rectangle in pixels of a view that is turned back by ``angle`` around its middle."""

    left: float
    top: float
    right: float
    bottom: float
    angle: float


class _Window(NamedTuple):
    """A rectangle on the scan: its middle and size in pixels, its angle in radians, clockwise."""

    x: float
    y: float
    width: float
    height: float
    angle: float

    def within(self, inner: _Inner) -> _Window:
        """The rectangle of a view of this one, on the scan."""
        across = (inner.left + inner.right - self.width) / 2
        down = (inner.top + inner.bottom - self.height) / 2
        angle = self.angle + inner.angle
        cosine, sine = math.cos(angle), math.sin(angle)
        return _Window(
            self.x + cosine * across - sine * down,
            self.y + sine * across + cosine * down,
            inner.right - inner.left,
            inner.bottom - inner.top,
            angle,
        )

    def as_area(self, width: int, height: int) -> Area:
        """In shares of a scan of that size."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        across, down = self.x - width / 2, self.y - height / 2
        x = 0.5 + (cosine * across + sine * down) / width
        y = 0.5 + (cosine * down - sine * across) / height
        half_width, half_height = self.width / width / 2, self.height / height / 2
        return Area(
            max(x - half_width, 0.0),
            max(y - half_height, 0.0),
            min(x + half_width, 1.0),
            min(y + half_height, 1.0),
            math.degrees(self.angle),
        )


class _Line(NamedTuple):
    """An edge of a thing: at which offset it begins, and which share of it lies on that line."""

    offset: float
    share: float
    offsets: NDArray[Any]  # of all places of the edge

    def outermost(self, side: Side) -> float:
        """Offset before which hardly anything of the thing lies."""
        return float(np.percentile(self.offsets, 98 if side in _FAR else 2))


def find_area(pixels: NDArray[np.uint8]) -> Area:
    """Finds the picture within a scan.

    Args:
        pixels: sRGB values of the upright scan in its proportions, shape (height, width, 3), uint8.
            320 pixels on the longer side are what the rules are made for.

    Returns:
        The area; ``WHOLE`` where there is no margin.

    Raises:
        ValueError: The pixels have another shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"A picture is a uint8 array of shape (height, width, 3), "
            f"not {pixels.dtype} of shape {pixels.shape}."
        )
    scan = _averaged_down(pixels)
    height, width = scan.shape[:2]
    window = whole = _Window(width / 2, height / 2, width, height, 0.0)
    for _ in range(_LAYERS):
        if min(window.width, window.height) < _LEAST_SIDE:
            break
        depth = _frame_depth(_view(scan, window))
        size = {"width": window.width - 2 * depth, "height": window.height - 2 * depth}
        window = window._replace(**size)
        inner = _peel(_view(scan, window))
        if inner is not None:
            window = window.within(inner)
        elif not depth:
            break
    return WHOLE if window == whole else window.as_area(width, height)


def _averaged_down(pixels: NDArray[np.uint8]) -> _Values:
    """Float values, whole pixels averaged until the longer side is near the usual one."""
    factor = max(1, round(max(pixels.shape[:2]) / LOOKED_AT_SIDE))
    factor = min(factor, *pixels.shape[:2])
    height, width = (size // factor for size in pixels.shape[:2])
    values = pixels[: height * factor, : width * factor].astype(np.float32)
    if factor == 1:
        return values
    averaged: _Values = values.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
    return averaged


def _view(scan: _Values, window: _Window) -> _Values:
    """The pixels in a window, turned back; of a turned one, the nearest pixels."""
    height, width = scan.shape[:2]
    across, down = max(1, round(window.width)), max(1, round(window.height))
    if not window.angle:
        left = min(max(round(window.x - window.width / 2), 0), width - 1)
        top = min(max(round(window.y - window.height / 2), 0), height - 1)
        return scan[top : top + down, left : left + across]
    cosine, sine = math.cos(window.angle), math.sin(window.angle)
    x, y = np.arange(across) + (0.5 - across / 2), np.arange(down)[:, None] + (0.5 - down / 2)
    columns = (window.x + cosine * x - sine * y).astype(np.intp).clip(0, width - 1)
    rows = (window.y + sine * x + cosine * y).astype(np.intp).clip(0, height - 1)
    nearest: _Values = scan[rows, columns]
    return nearest


def _edges(view: NDArray[Any], depth: int = 0) -> dict[Side, NDArray[Any]]:
    """The lines at one depth from each side, without the corners that lie outside of them."""
    height, width = view.shape[:2]
    across, down = slice(depth, width - depth), slice(depth, height - depth)
    return {
        "top": view[depth, across],
        "bottom": view[height - 1 - depth, across],
        "left": view[down, depth],
        "right": view[down, width - 1 - depth],
    }


def _frame_depth(view: _Values) -> int:
    """Pixels of a moulding around the view: rings that are even all round, in changing colours.

    A mat or a ground, whose rings are all alike, has none: where it ends, straight lines must tell.
    """
    found = 0
    before: list[_Values] = []
    for depth in range(min(view.shape[:2]) // 4):
        lines = _edges(view, depth).values()
        grounds = [line.mean(axis=0) for line in lines]
        for line, ground in zip(lines, grounds, strict=True):
            if np.mean(_apart(line, ground) < _RING_EVEN) < _RING_SHARE:
                return found
        steps = [
            np.abs(now - then).max() > _RING_STEP
            for now, then in zip(grounds, before, strict=False)
        ]
        if depth > 1 and sum(steps) >= 3:
            found = depth
        before = grounds
    return found


def _peel(view: _Values) -> _Inner | None:
    """The rectangle that lies on the ground around the view; None where it is all picture."""
    mask = _not_ground(view)
    if mask is None or not mask.any():
        return None
    # The outermost line is ground by its smoothing.
    touched = {side: float(line.mean()) for side, line in _edges(mask, 1).items()}
    margins = [side for side, share in touched.items() if share < _MOST_TOUCHED]
    if len(margins) < 2:
        return None
    for thing in _things(mask):
        found = _rectangle(thing, margins)
        if found is None:
            continue
        inner, straightness = found
        inside = _inside(mask, inner)
        filled = inside / ((inner.right - inner.left) * (inner.bottom - inner.top))
        is_picture = filled >= _FILLED or straightness >= _RULED
        if is_picture and mask.sum() - inside <= _MOST_OUTSIDE * mask.sum():
            return inner
    return None


def _not_ground(view: _Values) -> _Mask | None:
    """Where the view is unlike its edges; None where no two of its edges are one ground."""
    height, width = view.shape[:2]
    edges: dict[Side, _Values] = {
        side: line.astype(np.float32) for side, line in _edges(view).items()
    }
    grounds = {side: _median(line) for side, line in edges.items()}
    evenness = {
        side: float(np.mean(_apart(line, grounds[side]) < _EVEN)) for side, line in edges.items()
    }
    even = [side for side in _SIDES if evenness[side] >= _EVEN_SHARE]
    alike = [
        [two for two in even if np.abs(grounds[one] - grounds[two]).max() < _SAME_GROUND]
        for one in even
    ]
    # Of two corners of two sides each, a margin is the one that is more even.
    order = [(len(group), sum(evenness[side] for side in group)) for group in alike]
    sides = alike[order.index(max(order))] if order else []
    if len(sides) < 2:
        return None
    courses = {side: _course(edges[side]) for side in sides}
    rest = np.concatenate([_apart(edges[side], courses[side]) for side in sides])
    least = _LEAST_DIFFERENCE + _DEVIATIONS * 1.48 * float(_median(rest))
    different = np.ones((height, width), dtype=np.bool_)
    for one, other, size in (("top", "bottom", height), ("left", "right", width)):
        ends = [courses[side] for side in (one, other) if side in courses]
        if ends:
            share = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
            expected = ends[0] * (1 - share) + ends[-1] * share
            expected = expected if one == "top" else expected.transpose(1, 0, 2)
            different &= _apart(view, expected) > least
    return _majority(different)


def _median(values: NDArray[Any]) -> Any:
    """``np.median`` along the first axis, which takes seven times as long for so few values."""
    ordered = np.sort(values, axis=0)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _apart(values: _Values, others: _Values) -> _Values:
    """The largest difference of any channel."""
    difference = np.abs(values - others)
    red, green, blue = (difference[..., channel] for channel in range(3))
    # Many times faster than a maximum along so short an axis.
    largest: _Values = np.maximum(np.maximum(red, green), blue)
    return largest


def _course(line: _Values) -> _Values:
    """The ground along an edge: medians of segments, joined and prolonged by straight lines."""
    size = len(line)
    bounds = np.linspace(0, size, max(4, size // _SEGMENT) + 1).astype(int)
    medians = np.array([_median(line[a:b]) for a, b in pairwise(bounds)])
    first, last = 1.5 * medians[0] - 0.5 * medians[1], 1.5 * medians[-1] - 0.5 * medians[-2]
    known = np.concatenate([[first], medians, [last]])
    places = np.concatenate([[0], (bounds[:-1] + bounds[1:] - 1) / 2, [size - 1]])
    along = np.arange(size)
    channels = [np.interp(along, places, known[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)


def _majority(mask: _Mask) -> _Mask:
    """Whether most of the nine pixels around each are set."""
    padded = np.pad(mask.astype(np.int8), 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    most: _Mask = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= 5
    return most


def _things(mask: _Mask) -> Iterator[_Mask]:
    """The largest coherent thing in a mask; then all that is in it together."""
    height, width = mask.shape
    down, across = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((down * _CELL, across * _CELL), dtype=np.bool_)
    padded[:height, :width] = mask
    cells = padded.reshape(down, _CELL, across, _CELL).mean(axis=(1, 3)) >= _CELL_SHARE
    if not cells.any():
        return
    for chosen in (_largest(cells), cells):
        around = np.pad(chosen, 1)
        grown = chosen | around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
        thing: _Mask = mask & grown.repeat(_CELL, axis=0).repeat(_CELL, axis=1)[:height, :width]
        yield thing


def _largest(cells: _Mask) -> _Mask:
    """Of the connected sets of cells, the one that spans most."""
    labels = _connected(cells)
    names, counts = np.unique(labels[cells], return_counts=True)
    sets = [labels == label for label in names[np.argsort(-counts, kind="stable")[:4]]]
    spans = [(np.ptp(np.nonzero(one), axis=1) + 1).prod() for one in sets]
    largest: _Mask = sets[int(np.argmax(spans))]
    return largest


def _connected(cells: _Mask) -> NDArray[np.intp]:
    """Labels of connected cells, each set's the same, above 0; 0 elsewhere.

    Runs of cells of a row take the labels of the runs that they touch in the rows beside theirs.
    """
    starts = cells.copy()
    starts[:, 1:] &= ~cells[:, :-1]
    runs: NDArray[np.intp] = np.cumsum(starts, dtype=np.intp).reshape(cells.shape) * cells
    touching = cells[1:] & cells[:-1]
    above, below = runs[:-1][touching], runs[1:][touching]
    labels = np.arange(int(runs.max()) + 1)
    while True:
        one, other = labels[above], labels[below]
        if np.array_equal(one, other):
            return labels[runs]
        highest = np.maximum(one, other)
        # A label stands for a run, and takes with it whatever already has that label.
        np.maximum.at(labels, one, highest)
        np.maximum.at(labels, other, highest)
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]


def _rectangle(thing: _Mask, margins: list[Side]) -> tuple[_Inner, float] | None:
    """The rectangle around a thing, and how straight the thing's edges are on average, 0 to 1.

    None unless enough of its edges are straight.
    """
    height, width = thing.shape
    columns, rows = np.flatnonzero(thing.any(axis=0)), np.flatnonzero(thing.any(axis=1))
    if min(len(columns), len(rows)) < _LEAST_SIDE / 2:
        return None
    # For every column, and row, of the thing: where it begins, and where it ends.
    profiles: dict[Side, tuple[NDArray[np.intp], NDArray[np.intp]]] = {
        "top": (columns, thing[:, columns].argmax(axis=0)),
        "bottom": (columns, height - thing[::-1, columns].argmax(axis=0)),
        "left": (rows, thing[rows].argmax(axis=1)),
        "right": (rows, width - thing[rows, ::-1].argmax(axis=1)),
    }
    profiles = {side: profiles[side] for side in margins}
    slopes = [0.0, *_slopes(profiles)]
    lines = [{side: _line(side, *profiles[side], slope) for side in profiles} for slope in slopes]
    explained = [sum(line.share for line in one.values()) for one in lines]
    explained[0] += _SLOPE_GAIN
    best = int(np.argmax(explained))
    straight = [side for side, line in lines[best].items() if line.share >= _STRAIGHT_SHARE]
    # Two straight edges may be a corner of anything; where the picture runs to the scan's edge on
    # the other two sides, they suffice.
    if len(straight) < 2 or (len(straight) == 2 and len(margins) > 2):
        return None
    inner = _enclosed(lines[best], slopes[best], straight, (width, height))
    straightness = sum(line.share for line in lines[best].values()) / len(margins)
    return None if inner is None else (inner, straightness)


def _slopes(
    profiles: dict[Side, tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> Iterator[float]:
    """Slopes that edges may have: medians over pairs of places (H. Theil, 1950)."""
    for side, (places, offsets) in profiles.items():
        for part in (2, 3):
            apart = len(places) // part
            rises = (offsets[apart:] - offsets[:-apart]) / (places[apart:] - places[:-apart])
            slope = float(_median(rises)) * _sign(side)
            if _LEAST_SLOPE < abs(slope) < _MOST_SLOPE:
                yield slope


def _sign(side: Side) -> int:
    # Of a thing turned clockwise, upper and lower edges fall, and the others go to the left.
    return 1 if side in ("top", "bottom") else -1


def _line(side: Side, places: NDArray[np.intp], offsets: NDArray[np.intp], slope: float) -> _Line:
    """The line of that slope on which most of an edge lies."""
    level = offsets - _sign(side) * slope * places
    lowest = level.min()
    counts = np.bincount(np.rint(level - lowest).astype(np.intp))
    most = lowest + int(np.convolve(counts, [1, 1, 1], "same").argmax())
    offset = float(_median(level[np.abs(level - most) <= _STRAIGHT]))
    on_it = int((np.abs(level - offset) <= _STRAIGHT).sum())
    span = int(places[-1] - places[0]) + 1
    return _Line(offset, on_it / span, level)


def _enclosed(
    lines: dict[Side, _Line], slope: float, straight: list[Side], size: tuple[int, int]
) -> _Inner | None:
    """The rectangle within the lines; None where it is all of the view, or hardly any of it."""
    width, height = size
    angle = math.atan(slope)
    half = {"left": -width / 2, "right": width / 2, "top": -height / 2, "bottom": height / 2}
    # Where there is no margin, turning back takes the corners of the view that lie outside it.
    lost = abs(math.sin(angle)) / 2
    edges: dict[Side, float] = {}
    for side in _SIDES:
        inwards = -1 if side in _FAR else 1
        flat = side in ("top", "bottom")
        if side not in lines:
            edges[side] = half[side] + inwards * lost * (width if flat else height)
            continue
        line = lines[side]
        offset = line.offset if side in straight else line.outermost(side)
        middle = width / 2 if flat else height / 2
        place = offset + _sign(side) * slope * middle + (half["top"] if flat else half["left"])
        place *= math.cos(angle)
        if side in straight:
            place += inwards * (_TURNED_INSET if slope else _INSET)
        edges[side] = max(place, half[side]) if inwards > 0 else min(place, half[side])
    across, down = edges["right"] - edges["left"], edges["bottom"] - edges["top"]
    if min(across, down) < _LEAST_SIDE / 2 or across * down < _LEAST_SHARE * width * height:
        return None
    widest = max(abs(edges[side] - half[side]) for side in _SIDES)
    if widest < _LEAST_CUT and not slope:
        return None
    if across * down > _MOST_KEPT * width * height:
        return None
    return _Inner(
        edges["left"] + width / 2,
        edges["top"] + height / 2,
        edges["right"] + width / 2,
        edges["bottom"] + height / 2,
        angle,
    )


def _inside(mask: _Mask, inner: _Inner) -> int:
    """How much of a mask lies in a rectangle."""
    height, width = mask.shape
    cosine, sine = math.cos(inner.angle), math.sin(inner.angle)
    x, y = np.arange(width) + (0.5 - width / 2), np.arange(height)[:, None] + (0.5 - height / 2)
    across, down = cosine * x + sine * y + width / 2, cosine * y - sine * x + height / 2
    there = (
        (across > inner.left) & (across < inner.right) & (down > inner.top) & (down < inner.bottom)
    )
    return int((mask & there).sum())
