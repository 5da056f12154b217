"""What a training leaves beside its weights: how to repeat it, and how good they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from artsimilarity.encoder.recipe import ART, LIKENESS, Recipe
from artsimilarity.lab.evaluation import summary
from artsimilarity.lab.training.dataset import Collection
from artsimilarity.lab.training.loop import Settings


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that it takes to repeat a training, and its scores.

    Attributes:
        recipe: With the weights that were made.
        settings: Of the training.
        options: The other options of the command.
        training: What it was trained on; named by counts and a digest.
        held: The pictures held out; None for none.
        skipped: Reasons by path.
        losses: Mean loss of each epoch.
        evaluation: On the pictures held out.
    """

    recipe: Recipe
    settings: Settings
    options: Mapping[str, object]
    training: Collection
    held: Collection | None
    skipped: Mapping[str, str]
    losses: Sequence[float]
    evaluation: summary.Evaluation | None


def to_json(record: Record) -> str:
    """The record, all numbers unrounded."""
    held, evaluation = record.held, record.evaluation
    content = {
        "recipe": {**asdict(record.recipe), **_file_names(record.recipe)},
        "fingerprint": record.recipe.fingerprint,
        "settings": asdict(record.settings),
        "options": dict(record.options),
        "machine": {**summary.machine(), "threads": torch.get_num_threads()},
        "training": _counts_and_digest(record.training),
        "held_out": None if held is None else _counts_and_digest(held),
        "skipped": dict(record.skipped),
        "losses": list(record.losses),
        "chance": None if held is None else chance(held.artists),
        "evaluation": None if evaluation is None else json.loads(summary.to_json(evaluation)),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def chance(artists: NDArray[np.str_]) -> float:
    """P@k of neighbours that are drawn blindly, averaged over pictures: 0 to 1.

    Args:
        artists: Of the pictures, shape (n,), n at least 2.
    """
    _, sizes = np.unique(artists, return_counts=True)
    count = len(artists)
    return float((sizes * (sizes - 1)).sum() / (count * (count - 1)))


def recipe_as_code(recipe: Recipe) -> str:
    """A module that defines the recipe as ``MINE``, by what sets it apart from a bundled one."""
    name, base = ("LIKENESS", LIKENESS) if recipe.is_deep else ("ART", ART)
    changed = [
        f"    {field.name}={getattr(recipe, field.name)!r},"
        for field in fields(Recipe)
        if getattr(recipe, field.name) != getattr(base, field.name)
    ]
    return "\n".join(
        [
            "from dataclasses import replace",
            "",
            f"from artsimilarity.encoder.recipe import {name}",
            "",
            "MINE = replace(",
            f"    {name},",
            *changed,
            ")",
        ]
    )


def _file_names(recipe: Recipe) -> dict[str, str]:
    """Files without the folders that they lie in on this machine."""
    return {
        name: Path(getattr(recipe, name)).name for name in ("weights", "deep", "deep_projection")
    }


def _counts_and_digest(collection: Collection) -> dict[str, object]:
    names, counts = np.unique(collection.artists, return_counts=True)
    digest = hashlib.sha256("\n".join(collection.paths).encode())
    digest.update(collection.pixels.tobytes())
    return {
        "pictures": len(collection.paths),
        "artists": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "sha256": digest.hexdigest(),
    }
