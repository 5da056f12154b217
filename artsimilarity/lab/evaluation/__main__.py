"""Quality of recipes on a labelled library: ``python -m artsimilarity.lab.evaluation``."""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from artsimilarity.encoder.encoder import DeviceUnavailable, Encoder
from artsimilarity.encoder.pictures.reading import PictureError, read_square
from artsimilarity.encoder.recipe import IMAGENET, Recipe
from artsimilarity.encoder.weight_files import WeightsError
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.contact_sheet import contact_sheet
from artsimilarity.lab.evaluation.retrieval import Labels, assess, euclidean, weighted
from artsimilarity.lab.evaluation.summary import Evaluation, Row, to_json, to_markdown, to_text

_CHUNK: Final = 32


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
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    for column in (path, label, exclude_same):
        if column is not None and column not in (reader.fieldnames or []):
            raise EvaluationError(
                f"{table} has no column {column!r}; its columns are "
                f"{', '.join(reader.fieldnames or [])}."
            )
    if len(rows) < 2:
        raise EvaluationError(f"{table} names fewer than two pictures.")
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


def find_recipes(names: str, imagenet_weights: Path | None) -> list[Recipe]:
    """Recipes by their names.

    Args:
        names: Joined by commas: names of steps from ARTICLE to ART, ``ablation`` for all of them,
            or dotted paths such as ``mysite.recipes.MINE``.
        imagenet_weights: Local safetensors file that stands in for torchvision's download.

    Returns:
        The recipes, in the order named.

    Raises:
        EvaluationError: There is no such recipe, or no such file.
    """
    steps = {step.recipe.name: step.recipe for step in ABLATION}
    found: list[Recipe] = []
    for name in names.split(","):
        if name == "ablation":
            found += steps.values()
        else:
            found.append(steps[name] if name in steps else _import_recipe(name, list(steps)))
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


def encode_library(
    library: Library, recipe: Recipe, *, device: str = "auto", scaled: bool = True
) -> NDArray[np.float32]:
    """Encodes every picture, with a progress bar where there is a terminal.

    Args:
        library: The pictures.
        recipe: What determines the vectors.
        device: As for ``Encoder``.
        scaled: As for ``Encoder``.

    Returns:
        Shape (n, recipe.dimensions).

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        EvaluationError: A picture cannot be read.
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """
    encoder = Encoder(recipe, device=device, scaled=scaled)
    vectors = np.empty((len(library.paths), recipe.dimensions), dtype=np.float32)
    with tqdm(total=len(vectors), desc=recipe.name, unit="picture", disable=None) as bar:
        for start in range(0, len(vectors), _CHUNK):
            part = slice(start, start + _CHUNK)
            squares = [_read(library.directory / path, recipe.side) for path in library.paths[part]]
            vectors[part] = encoder.encode(squares)
            bar.update(len(squares))
    return vectors


def evaluate(
    library: Library,
    recipes: Sequence[Recipe],
    *,
    shares: Sequence[float] = (0.75,),
    unscaled: bool = False,
    device: str = "auto",
    min_pictures: int = 5,
    seed: int = 0,
) -> Iterator[Row]:
    """Ranks a library under recipes, one after the other, and scores each ranking.

    Args:
        library: The pictures and their labels.
        recipes: What determines the vectors.
        shares: Shares of style, 0 to 1, by which the two blocks are weighed.
        unscaled: Whether Euclidean distances of the blocks as they come are measured as well.
        device: As for ``Encoder``.
        min_pictures: As for ``assess``.
        seed: As for ``assess``.

    Yields:
        For every recipe a row for every share and, if unscaled, for style, colour and both.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        EvaluationError: A picture cannot be read.
        ValueError: No picture can be a query.
        WeightsError: A recipe's weights are missing or are not the ones it names.
    """
    for recipe in recipes:
        vectors = encode_library(library, recipe, device=device)
        style, colour = np.split(vectors, [recipe.style_dimensions], axis=1)
        rankings = [
            (_share_name(share), _dimensions(recipe, share), weighted(style, colour, share))
            for share in shares
        ]
        if unscaled:
            vectors = encode_library(library, recipe, device=device, scaled=False)
            style, colour = np.split(vectors, [recipe.style_dimensions], axis=1)
            rankings += [
                (f"{name}, unscaled, Euclidean", block.shape[1], euclidean(block))
                for name, block in (("style", style), ("colour", colour), ("both", vectors))
            ]
        for name, dimensions, similarity in rankings:
            yield Row(
                recipe=recipe.name,
                fingerprint=recipe.fingerprint,
                ranking=name,
                dimensions=dimensions,
                quality=assess(similarity, library.labels, min_pictures=min_pictures, seed=seed),
            )


def machine() -> dict[str, str]:
    """What the figures were measured with: processor, cores, versions."""
    return {
        "processor": f"{platform.machine()} with {os.cpu_count()} cores",
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Of the command line; None takes those of the process.

    Returns:
        Exit status: 0, or 1 after an error that is told on stderr.
    """
    options = _parser().parse_args(arguments)
    try:
        evaluation = _evaluation(options, library := _library(options))
    except (EvaluationError, WeightsError, DeviceUnavailable, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(to_text(evaluation))
    if options.json:
        options.json.write_text(to_json(evaluation), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(to_markdown(evaluation), encoding="utf-8")
    if options.html:
        sheet = contact_sheet(
            library.directory,
            library.paths,
            library.labels.labels,
            evaluation.rows,
            queries=options.html_queries,
            seed=options.seed,
        )
        options.html.write_text(sheet, encoding="utf-8")
    return 0


def _library(options: argparse.Namespace) -> Library:
    return read_library(
        options.directory,
        options.labels,
        path=options.path_column,
        label=options.label,
        exclude_same=options.exclude_same,
    )


def _evaluation(options: argparse.Namespace, library: Library) -> Evaluation:
    rows = evaluate(
        library,
        find_recipes(options.recipes, options.imagenet_weights),
        shares=options.style,
        unscaled=options.unscaled,
        device=options.device,
        min_pictures=options.min_pictures,
        seed=options.seed,
    )
    return Evaluation(
        pictures=len(library.paths),
        label=options.label,
        excluded=options.exclude_same,
        min_pictures=options.min_pictures,
        machine=machine(),
        rows=list(rows),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m artsimilarity.lab.evaluation")
    add = parser.add_argument
    add("directory", type=Path, help="where the pictures are")
    add("--labels", type=Path, required=True, metavar="CSV", help="their paths and labels")
    add("--path-column", default="path", metavar="COLUMN", help="column of the paths (path)")
    add("--label", default="artist", metavar="COLUMN", help="column of the label (artist)")
    add("--exclude-same", metavar="COLUMN", help="leave out neighbours with the query's value here")
    add("--recipes", default="art", help="names, 'ablation' or dotted paths, by commas (art)")
    add("--style", type=_shares, default=[0.75], help="shares of style, by commas (0.75)")
    add("--unscaled", action="store_true", help="measure Euclidean distances unscaled as well")
    add("--imagenet-weights", type=Path, metavar="FILE", help="use it for torchvision's weights")
    add("--min-pictures", type=int, default=5, help="pictures that make a label's queries (5)")
    add("--seed", type=int, default=0, help="of the bootstrap and of the sheet's queries (0)")
    add("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    add("--markdown", type=Path, metavar="FILE", help="write the table")
    add("--html", type=Path, metavar="FILE", help="write a sheet of queries and neighbours")
    add("--html-queries", type=int, default=12, help="queries on the sheet (12)")
    return parser


def _shares(text: str) -> list[float]:
    shares = [float(share) for share in text.split(",")]
    if not all(0 <= share <= 1 for share in shares):
        raise argparse.ArgumentTypeError(f"shares lie between 0 and 1, not {text!r}")
    return shares


def _share_name(share: float) -> str:
    return {1.0: "style", 0.0: "colour"}.get(share, f"{share:g} style + {1 - share:g} colour")


def _dimensions(recipe: Recipe, share: float) -> int:
    return {1.0: recipe.style_dimensions, 0.0: recipe.colour_dimensions}.get(
        share, recipe.dimensions
    )


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


def _read(path: Path, side: int) -> NDArray[np.uint8]:
    try:
        return read_square(path.read_bytes(), side=side)
    except PictureError as error:
        raise EvaluationError(f"{path}: {error} Or leave it out of the labels.") from error


if __name__ == "__main__":
    sys.exit(main())
