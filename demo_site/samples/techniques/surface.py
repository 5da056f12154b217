"""What several techniques share: colours of roles, ink on paper, marks that are drawn."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..noise import FloatArray, mix, smooth
from ..palettes import PAPER

_OVERSAMPLE = 2


def paint(colours: FloatArray, roles: npt.NDArray[np.uint8]) -> FloatArray:
    """Return the colours (h, w, 3) of palette roles (h, w)."""
    painted: FloatArray = colours[roles]
    return painted


def widen(mask: npt.NDArray[np.bool_], pixels: int) -> npt.NDArray[np.bool_]:
    """Return the mask grown by ``pixels`` in all four directions."""
    for _ in range(pixels):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask


def darken(rgb: FloatArray, mask: npt.NDArray[np.bool_], ink: FloatArray) -> FloatArray:
    """Return ``rgb`` with ``ink`` where the mask holds."""
    return mix(rgb, np.broadcast_to(ink, rgb.shape), mask.astype(np.float32))


def inked(
    colours: FloatArray, cover: FloatArray, ink: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return paper (h, w, 3) with ``ink`` where ``cover`` (h, w) is 1, printed unevenly."""
    height, width = cover.shape
    pressure = 1 - 0.1 * np.clip(smooth(rng, width, height, 130), 0, 1)
    paper = np.broadcast_to(colours[PAPER], (height, width, 3))
    return mix(paper, np.broadcast_to(ink, paper.shape), cover * pressure)


class Marks:
    """Marks of one ink, drawn at twice the size, which smooths their edges."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._image = Image.new("L", (width * _OVERSAMPLE, height * _OVERSAMPLE), 0)
        self._draw = ImageDraw.Draw(self._image)

    def dot(self, x: float, y: float, radius: float) -> None:
        """Add a disc."""
        box = [float(v) * _OVERSAMPLE for v in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(box, fill=255)

    def line(self, points: Sequence[tuple[float, float]], thickness: float) -> None:
        """Add a line of several parts."""
        ends = [(float(x) * _OVERSAMPLE, float(y) * _OVERSAMPLE) for x, y in points]
        self._draw.line(ends, fill=255, width=max(1, round(thickness * _OVERSAMPLE)))

    def wedge(self, tip: tuple[float, float], end: tuple[float, float], thickness: float) -> None:
        """Add a cut that begins at nothing and ends at its full width."""
        (x0, y0), (x1, y1) = tip, end
        length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-6)
        ox, oy = -(y1 - y0) / length * thickness / 2, (x1 - x0) / length * thickness / 2
        points = [(x0, y0), (x1 + ox, y1 + oy), (x1 - ox, y1 - oy)]
        self._draw.polygon([(float(x) * 2, float(y) * 2) for x, y in points], fill=255)

    def cover(self) -> FloatArray:
        """Return how much of each pixel is covered, 0 to 1."""
        image = self._image.resize(self._size, Image.Resampling.BOX)
        return np.asarray(image, dtype=np.float32) / np.float32(255)


class Canvas:
    """Strokes in colour, drawn likewise."""

    def __init__(self, width: int, height: int, ground: FloatArray) -> None:
        self._size = (width, height)
        self._image = Image.new("RGB", (width * _OVERSAMPLE, height * _OVERSAMPLE), _ink(ground))
        self._draw = ImageDraw.Draw(self._image)

    def line(
        self, x0: float, y0: float, x1: float, y1: float, thickness: float, colour: FloatArray
    ) -> None:
        """Add a stroke, with round ends if it is thick."""
        ends = [float(v * _OVERSAMPLE) for v in (x0, y0, x1, y1)]
        width = max(1, round(thickness * _OVERSAMPLE))
        self._draw.line(ends, fill=_ink(colour), width=width)
        if width > 4 * _OVERSAMPLE:
            for cx, cy in (ends[:2], ends[2:]):
                r = width / 2
                self._draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=_ink(colour))

    def finish(self) -> FloatArray:
        """Return the picture (h, w, 3)."""
        image = self._image.resize(self._size, Image.Resampling.BOX)
        return np.asarray(image, dtype=np.float32)


def _ink(colour: FloatArray) -> tuple[int, int, int]:
    red, green, blue = np.clip(colour, 0, 255).astype(int).tolist()
    return red, green, blue
