"""The way from the article's recipe to ``ART``, one change at a time. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe


@dataclass(frozen=True, kw_only=True)
class Step:
    """One recipe on the way, and what sets it apart from the one before.

    Attributes:
        recipe: All its options.
        change: The change in words.
    """

    recipe: Recipe
    change: str


def _steps() -> tuple[Step, ...]:
    steps = [Step(recipe=ARTICLE, change="the article, Gram matrix pooled to fit an index")]
    then = partial(_append, steps)
    then("article-unpooled", "no max pooling", gram_pool=1, style_dimensions=256**2)
    then("article-triangle", "upper triangle", triangle=True, style_dimensions=32_896)
    then("article-centred", "centred Gram matrix", centred=True)
    then("article-rooted", "signed square root", root_offset=ART.root_offset)
    then("article-means", "means appended", means=True, style_dimensions=33_152)
    then("article-projected", "random projection", projection="random", style_dimensions=256)
    then(
        "trained", "weights trained on art", weights=ART.weights, weights_sha256=ART.weights_sha256
    )
    then("trained-reduced", "reduction to 96 channels", reduced_channels=ART.reduced_channels)
    then("trained-projected", "trained projection", projection="weights")
    then("art-counts", "colour of all pixels", colour_sample=None, seed=None)
    then("art", "Hellinger colour", colour_root=True)
    return tuple(steps)


def _append(steps: list[Step], name: str, change: str, **options: Any) -> None:
    recipe = replace(steps[-1].recipe, name=name, **options)
    steps.append(Step(recipe=recipe, change=change))


ABLATION: Final = _steps()
