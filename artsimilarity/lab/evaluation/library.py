"""A labelled library: which pictures it has, and what is known of them. Numpy."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsimilarity.lab.evaluation.retrieval import Labels


class EvaluationError(ValueError):
    """The labels, the pictures or the recipes that were named cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """Pictures and what is known of them.

    Attributes:
        directory: Where the pictures are.
        paths: Their paths in it.
        labels: Their labels and groups, in the same order.
    """

    directory: Path
    paths: Sequence[str]
    labels: Labels


def read_library(
    directory: Path, table: Path, *, path: str, label: str, exclude_same: str | None
) -> Library:
    """Reads which pictures there are, and their labels.

    Args:
        directory: Where the pictures are.
        table: CSV file with a header, UTF-8.
        path: Column of the pictures' paths in the directory.
        label: Column of the label.
        exclude_same: Column of the groups; None for none.

    Returns:
        The library, in the order of the table. Where the group is empty, a picture is its own.

    Raises:
        EvaluationError: The table lacks a column or is empty, or a picture is missing.
    """
    rows = _rows(table, [name for name in (path, label, exclude_same) if name is not None])
    paths = [row[path] for row in rows]
    missing = [name for name in paths if not (directory / name).is_file()]
    if missing:
        raise EvaluationError(
            f"{len(missing)} of the {len(paths)} pictures in {table} are not in {directory}, "
            f"the first of them {missing[0]}."
        )
    groups = None
    if exclude_same is not None:
        groups = np.array([row[exclude_same] or f"\0{place}" for place, row in enumerate(rows)])
    return Library(
        directory=directory,
        paths=paths,
        labels=Labels(labels=np.array([row[label] for row in rows]), groups=groups),
    )


def _rows(table: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    names = reader.fieldnames or []
    for column in columns:
        if column not in names:
            raise EvaluationError(
                f"{table} has no column {column!r}; its columns are {', '.join(names)}."
            )
    if len(rows) < 2:
        raise EvaluationError(f"{table} names fewer than two pictures.")
    return rows
