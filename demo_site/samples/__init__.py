"""The demo's own pictures: drawn by formula, the same on every machine, free of any rights."""

from .catalogue import Sample, samples
from .drawing import draw, save_all

__all__ = ["Sample", "draw", "samples", "save_all"]
