"""Files that tests may use where they are, and that are never part of the project."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from artsimilarity.encoder.recipe import Recipe

SHARED = Path(__file__).parents[3] / "shared"
IMAGENET_WEIGHTS = SHARED / "weights" / "vgg19-imagenet-relu3_1.safetensors"
BENCH = SHARED / "bench"

needs_imagenet_weights = pytest.mark.skipif(
    not IMAGENET_WEIGHTS.is_file(), reason=f"../shared/weights/{IMAGENET_WEIGHTS.name} is absent"
)
needs_bench = pytest.mark.skipif(not BENCH.is_dir(), reason="../shared/bench is absent")


def with_imagenet_weights(recipe: Recipe) -> Recipe:
    """The recipe with the local stand-in for torchvision's ImageNet weights."""
    digest = hashlib.sha256(IMAGENET_WEIGHTS.read_bytes()).hexdigest()
    return replace(recipe, weights=str(IMAGENET_WEIGHTS), weights_sha256=digest)
