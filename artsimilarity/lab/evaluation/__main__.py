"""Quality of recipes on a labelled library: ``python -m artsimilarity.lab.evaluation``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from artsimilarity.encoder.encoder import DeviceUnavailable
from artsimilarity.encoder.weight_files import WeightsError
from artsimilarity.lab.evaluation.contact_sheet import contact_sheet
from artsimilarity.lab.evaluation.evaluate import EvaluationProtocol, evaluate
from artsimilarity.lab.evaluation.library import EvaluationError, Library, read_library
from artsimilarity.lab.evaluation.recipes import find_recipes
from artsimilarity.lab.evaluation.summary import (
    Evaluation,
    machine,
    to_json,
    to_markdown,
    to_text,
)


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
            library, evaluation.rows, queries=options.html_queries, seed=options.seed
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
    protocol = EvaluationProtocol(
        shares=options.style,
        unscaled=options.unscaled,
        min_pictures=options.min_pictures,
        seed=options.seed,
        scans=options.scans,
    )
    recipes = find_recipes(options.recipes, options.imagenet_weights)
    rows = evaluate(library, recipes, protocol, device=options.device)
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
    add(
        "--scans",
        type=Path,
        action="append",
        default=[],
        metavar="DIRECTORY",
        help="the same pictures scanned in another way: as queries, and as half of the library",
    )
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


if __name__ == "__main__":
    sys.exit(main())
