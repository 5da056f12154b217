"""Results of an evaluation as text, Markdown and JSON, and what they were measured with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from artsimilarity.lab.evaluation.retrieval import Quality
from artsimilarity.lab.hardware import machine_and_versions


@dataclass(frozen=True, kw_only=True)
class Scans:
    """Pictures that were scanned in another way, and where they stand in for the library's own.

    Attributes:
        folder: Where they are, under the library's paths.
        places: Which pictures of the library they stand in for, shape (n,); None where each query,
            and it alone, is one of them.
    """

    folder: Path
    places: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe ranked in one way.

    Attributes:
        recipe: Its name.
        fingerprint: Its fingerprint.
        ranking: The balance of style and colour, or the distance, in words.
        dimensions: Values that the ranking looks at.
        quality: Neighbours and scores.
        treated: Of the four nearest of pictures that were scanned in another way, the share that
            was scanned so as well; None where no picture of the library was.
        scans: Which pictures were scanned in another way; None where none were.
    """

    recipe: str
    fingerprint: str
    ranking: str
    dimensions: int
    quality: Quality
    treated: float | None = None
    scans: Scans | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All rows, and what they were measured with.

    Attributes:
        pictures: Size of the library.
        label: Column of the label.
        excluded: Column whose equal values are left out among neighbours; None for none.
        min_pictures: Pictures that a label must have for its pictures to be queries.
        machine: Versions and processor, by name.
        rows: In the order they were asked for.
    """

    pictures: int
    label: str
    excluded: str | None
    min_pictures: int
    machine: dict[str, str]
    rows: Sequence[Row]


def machine() -> dict[str, str]:
    """What the figures are measured with: processor, cores, versions."""
    return {**machine_and_versions(), "torch": torch.__version__, "numpy": np.__version__}


def to_text(evaluation: Evaluation) -> str:
    """A table in columns, scores in per cent with the ends of their intervals."""
    table = [*_table(evaluation)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([_caption(evaluation), "", *lines, ""])


def to_markdown(evaluation: Evaluation) -> str:
    """The same table in Markdown."""
    head, *body = _table(evaluation)
    rule = ["---", "---", *["---:"] * (len(head) - 2)]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
    return "\n".join([_caption(evaluation), "", *lines, ""])


def to_json(evaluation: Evaluation) -> str:
    """All numbers unrounded, scores from 0 to 1; without the neighbours."""
    rows = [
        {
            "recipe": row.recipe,
            "fingerprint": row.fingerprint,
            "ranking": row.ranking,
            "dimensions": row.dimensions,
            "queries": len(row.quality.queries),
            "scores": {name: asdict(score) for name, score in row.quality.scores.items()},
            "hubness": row.quality.hubness,
            "treated": row.treated,
        }
        for row in evaluation.rows
    ]
    head = {
        "pictures": evaluation.pictures,
        "label": evaluation.label,
        "excluded": evaluation.excluded,
        "min_pictures": evaluation.min_pictures,
        "machine": evaluation.machine,
    }
    return json.dumps({**head, "rows": rows}, indent=2, ensure_ascii=False) + "\n"


def _caption(evaluation: Evaluation) -> str:
    queries = len(evaluation.rows[0].quality.queries)
    excluded = f", pictures of the same {evaluation.excluded} left out"
    clusters = evaluation.excluded or evaluation.label
    machine = ", ".join(f"{name} {value}" for name, value in evaluation.machine.items())
    return (
        f"{evaluation.pictures} pictures, {queries} queries (each {evaluation.label} with at least "
        f"{evaluation.min_pictures} pictures{excluded if evaluation.excluded else ''}). Scores in "
        f"per cent with 95 % bootstrap intervals, clustered by {clusters}. {machine}."
    )


def _table(evaluation: Evaluation) -> list[list[str]]:
    names = list(evaluation.rows[0].quality.scores)
    with_treated = any(row.treated is not None for row in evaluation.rows)
    head = ["recipe", "ranking", "values", *names, "hubness", *["treated"] * with_treated]
    body = [
        [
            row.recipe,
            row.ranking,
            str(row.dimensions),
            *(
                f"{100 * score.mean:.1f} ({100 * score.low:.1f} to {100 * score.high:.1f})"
                for score in (row.quality.scores[name] for name in names)
            ),
            f"{row.quality.hubness:.2f}",
            *["" if row.treated is None else f"{100 * row.treated:.1f}"] * with_treated,
        ]
        for row in evaluation.rows
    ]
    return [head, *body]
