"""Recipes to roll out in tests: other vectors than ART's, most of the same size."""

from dataclasses import replace

from artsimilarity.encoder.recipe import AREA_VERSION, ART, whitened

AREA = replace(ART, name="area", area=AREA_VERSION)
NEXT = replace(ART, name="next")
SMALLER = replace(ART, name="smaller", colour_bins=5)
WITHOUT_WEIGHTS = replace(ART, name="without-weights", weights="nowhere.safetensors")
WHITENED = whitened(ART, name="whitened", style_dimensions=256, sha256="0" * 64)
