"""Recipes by the names that a command line gives them. Torch."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from artsimilarity.encoder.recipe import ART_DEEP, IMAGENET, LIKENESS, Recipe
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.last_stage import NAME as LAST_STAGE
from artsimilarity.lab.evaluation.last_stage import last_stage_pooled
from artsimilarity.lab.evaluation.library import EvaluationError

# What the joined style block is compared with; of the deep part alone the Gram matrix is nought.
_BESIDE: Final = (replace(ART_DEEP, name="deep-alone", deep_share=1.0), ART_DEEP, LIKENESS)


def find_recipes(names: str, imagenet_weights: Path | None) -> list[Recipe]:
    """Recipes by their names.

    Args:
        names: Joined by commas: names of steps from ARTICLE to ART, ``ablation`` for all of them,
            ``last-stage-pooled``, ``deep-alone``, ``art-deep``, ``likeness``, or dotted paths such
            as ``mysite.recipes.MINE``.
        imagenet_weights: Local safetensors file that stands in for torchvision's download.

    Returns:
        The recipes, in the order named.

    Raises:
        EvaluationError: There is no such recipe, or no such file.
        OSError: The file that ``last-stage-pooled`` needs cannot be written.
    """
    steps = {step.recipe.name: step.recipe for step in ABLATION}
    known = steps | {recipe.name: recipe for recipe in _BESIDE}
    found: list[Recipe] = []
    for name in names.split(","):
        if name == "ablation":
            found += steps.values()
        elif name == LAST_STAGE:
            found.append(last_stage_pooled())
        else:
            names_of_all = [*known, LAST_STAGE]
            found.append(known[name] if name in known else _import_recipe(name, names_of_all))
    if imagenet_weights is None:
        return found
    try:
        digest = hashlib.sha256(imagenet_weights.read_bytes()).hexdigest()
    except OSError as error:
        raise EvaluationError(f"{imagenet_weights} cannot be read: {error.strerror}.") from error
    place = str(imagenet_weights.absolute())
    return [
        replace(recipe, weights=place, weights_sha256=digest)
        if recipe.weights == IMAGENET
        else recipe
        for recipe in found
    ]


def _import_recipe(path: str, known: Sequence[str]) -> Recipe:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise EvaluationError(
            f"There is no recipe {path!r}: name one of {', '.join(known)}, 'ablation', or the "
            f"dotted path of one."
        ) from error
    if not isinstance(found, Recipe):
        raise EvaluationError(f"{path} is no Recipe.")
    return found
