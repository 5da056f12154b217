"""Trains style weights: ``python -m artsimilarity.lab.training DIR --output FILE``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from artsimilarity.encoder.blocks.deep import STATISTICS
from artsimilarity.encoder.encoder import DeviceUnavailable, choose_device
from artsimilarity.encoder.recipe import ART, LIKENESS, Recipe
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.lab.evaluation.evaluate import EvaluationProtocol, evaluate
from artsimilarity.lab.evaluation.library import EvaluationError, Library, read_library
from artsimilarity.lab.evaluation.recipes import find_recipes
from artsimilarity.lab.evaluation.retrieval import Labels
from artsimilarity.lab.evaluation.summary import Evaluation, machine, to_text
from artsimilarity.lab.training.dataset import (
    Collection,
    TrainingError,
    check_enough,
    hold_out,
    read_collection,
)
from artsimilarity.lab.training.deep import (
    FINE_TUNING,
    fine_tune,
    fit_deep_projection,
    projection_path,
    rounded,
    write_deep_weights,
)
from artsimilarity.lab.training.export import (
    extract_descriptors,
    fit_projection,
    fold,
    write_weights,
)
from artsimilarity.lab.training.loop import Examples, Settings, reproducible, train
from artsimilarity.lab.training.losses import UNKNOWN
from artsimilarity.lab.training.network import Embedder
from artsimilarity.lab.training.record import Record, chance, recipe_as_code, to_json

# Style alone, and the balance that the recipe compared with is served at.
_SHARES = (1.0, 0.75)
_DEEP_SHARES = (1.0, 0.9)

_PROJECTION_PICTURES = 2000


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One training as the command line asks for it, found sound before anything takes long."""

    options: argparse.Namespace
    architecture: Recipe
    settings: Settings
    device: torch.device
    compared: list[Recipe]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Of the command line; None takes those of the process.

    Returns:
        Exit status: 0, or 1 after an error that is told on stderr.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.epochs == 0 and not options.deep:
        parser.error("argument --epochs: at least 1, but with --deep")
    try:
        _run(_job(options))
    except torch.OutOfMemoryError:
        print("error: The device's memory is too small: lower --batch-size.", file=sys.stderr)
        return 1
    except (
        TrainingError,
        EvaluationError,
        WeightsError,
        DeviceUnavailable,
        ValueError,
        OSError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _job(options: argparse.Namespace) -> _Job:
    _check_output(options)
    architecture = _deep_architecture(options) if options.deep else _architecture(options)
    pictures = _projection_pictures(options)
    if pictures is not None and pictures <= options.dimensions:
        raise TrainingError(
            f"{options.dimensions} style values take more than {options.dimensions} pictures to "
            f"fit: raise --projection-pictures or lower --dimensions."
        )
    names = ("likeness" if options.deep else "art") if options.compare is None else options.compare
    compared = find_recipes(names, None) if names else []
    for recipe in compared:
        find_weights(recipe)
    # cuBLAS is deterministic only so, and reads this when CUDA is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    chosen = {
        name: getattr(options, name)
        for name in ("epochs", "batch_size", "learning_rate")
        if getattr(options, name) is not None
    }
    return _Job(
        options=options,
        architecture=architecture,
        settings=replace(FINE_TUNING if options.deep else Settings(), seed=options.seed, **chosen),
        device=choose_device(options.device),
        compared=compared,
    )


def _architecture(options: argparse.Namespace) -> Recipe:
    architecture = replace(
        ART,
        name=options.name,
        side=options.size,
        layer=options.layer or ART.layer,
        weights=str(options.output.resolve()),
        reduced_channels=options.reduced_channels or ART.reduced_channels,
        style_dimensions=options.dimensions,
    )
    if options.dimensions > architecture.descriptor_dimensions:
        raise TrainingError(
            f"{architecture.reduced_channels} reduced channels give "
            f"{architecture.descriptor_dimensions} values, fewer than the {options.dimensions} "
            f"asked for: lower --dimensions or raise --reduced-channels."
        )
    return architecture


def _deep_architecture(options: argparse.Namespace) -> Recipe:
    """The recipe whose weights training begins with."""
    if options.layer or options.reduced_channels:
        raise TrainingError(
            "--layer and --reduced-channels are of VGG-19, which --deep leaves as it is: "
            "leave them out."
        )
    if options.dimensions > STATISTICS:
        raise TrainingError(
            f"The deep statistics are {STATISTICS} values, fewer than the {options.dimensions} "
            f"asked for: lower --dimensions."
        )
    return replace(LIKENESS, name=options.name, side=options.size)


def _check_output(options: argparse.Namespace) -> None:
    output = options.output
    if output.suffix != ".safetensors":
        raise TrainingError(f"--output is to end in .safetensors, not {output.name!r}.")
    if not output.parent.is_dir():
        raise TrainingError(f"--output: there is no folder {output.parent}. Make it first.")
    written = [output, output.with_suffix(".json")]
    if options.deep:
        written.append(projection_path(output))
    for path in written:
        # A site may be serving that very file.
        if path.exists():
            raise TrainingError(f"{path} exists already. Name another --output, or move it away.")


def _run(job: _Job) -> None:
    training, held, skipped = _read(job)
    styles = _styles(job.options.directory, job.options.styles) if job.options.styles else {}
    print(_told(training, held, job.device))
    learn = _learn_deeply if job.options.deep else _learn
    recipe, losses = learn(_examples(training, styles), job)
    evaluation = None if held is None else _evaluate(held, recipe, job)
    record = Record(
        recipe=recipe,
        settings=job.settings,
        options=_other_options(job, styles),
        training=training,
        held=held,
        skipped=skipped,
        losses=losses,
        evaluation=evaluation,
    )
    job.options.output.with_suffix(".json").write_text(to_json(record), encoding="utf-8")
    if held is not None and evaluation is not None:
        print(to_text(evaluation))
        print(f"By chance P@1 and P@4 would be {100 * chance(held.artists):.1f}.")
    print(f"\nThe recipe, for a module of your site:\n\n{recipe_as_code(recipe)}")


def _read(job: _Job) -> tuple[Collection, Collection | None, dict[str, str]]:
    """What is trained on, what is held out, and the files skipped, with the reasons."""
    options = job.options
    everything, skipped = read_collection(
        options.directory,
        recipe=job.architecture,
        max_per_artist=options.max_per_artist,
        seed=options.seed,
    )
    for path, reason in skipped.items():
        print(f"skipped {path}: {reason}", file=sys.stderr)
    training, held = hold_out(
        everything, options.held_out, min_pictures=options.min_pictures, seed=options.seed
    )
    check_enough(training, options.dimensions)
    return training, held, skipped


def _learn(examples: Examples, job: _Job) -> tuple[Recipe, list[float]]:
    """Trains, projects and writes; the recipe with the new weights, and the losses."""
    options = job.options
    trained = train(job.architecture, examples, job.settings, job.device)
    network = fold(trained.network)
    descriptors, _ = _descriptors(network, examples, job)
    projection = fit_projection(descriptors, network.head.weight, options.dimensions)
    return write_weights(network, projection, options.output), trained.losses


def _learn_deeply(examples: Examples, job: _Job) -> tuple[Recipe, list[float]]:
    """The same of the deep part."""
    options = job.options
    trained = fine_tune(job.architecture, examples, job.settings, job.device)
    network = rounded(trained.network)
    projection = fit_deep_projection(*_descriptors(network, examples, job), options.dimensions)
    return write_deep_weights(network, projection, options.output), trained.losses


def _projection_pictures(options: argparse.Namespace) -> int | None:
    """The most pictures that the projection is fitted to; None for all."""
    given: int | None = options.projection_pictures
    # Scatter within artists takes all the pictures there are.
    return given or (None if options.deep else _PROJECTION_PICTURES)


def _descriptors(
    network: Embedder, examples: Examples, job: _Job
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the pictures that the projection is fitted to, drawn and in their order; their artists."""
    seed = job.options.seed
    places = np.random.default_rng(seed).permutation(len(examples.pixels))
    drawn = torch.from_numpy(np.sort(places[: _projection_pictures(job.options)]))
    with reproducible(seed, job.device):
        descriptors = extract_descriptors(network, examples.pixels[drawn], job.device)
    return descriptors, examples.artists[drawn]


def _evaluate(held: Collection, recipe: Recipe, job: _Job) -> Evaluation:
    options = job.options
    library = Library(
        directory=options.directory, paths=held.paths, labels=Labels(labels=held.artists)
    )
    protocol = EvaluationProtocol(
        shares=_DEEP_SHARES if options.deep else _SHARES,
        min_pictures=options.min_pictures,
        seed=options.seed,
    )
    rows = evaluate(library, [*job.compared, recipe], protocol, device=str(job.device))
    return Evaluation(
        pictures=len(held.paths),
        label="artist",
        excluded=None,
        min_pictures=options.min_pictures,
        machine=machine(),
        rows=list(rows),
    )


def _other_options(job: _Job, styles: dict[str, str]) -> dict[str, object]:
    """Those that no other part of the record tells."""
    names = ("held_out", "min_pictures", "max_per_artist", "deep")
    return {
        **{name: getattr(job.options, name) for name in names},
        "projection_pictures": _projection_pictures(job.options),
        "styles": len(set(styles.values())),
        "device": str(job.device),
    }


def _styles(directory: Path, table: Path) -> dict[str, str]:
    """Styles by path; pictures of no known style are left out."""
    library = read_library(directory, table, path="path", label="style", exclude_same=None)
    named = zip(library.paths, library.labels.labels.tolist(), strict=True)
    return {path: style for path, style in named if style}


def _examples(training: Collection, styles: dict[str, str]) -> Examples:
    artists = np.unique(training.artists, return_inverse=True)[1]
    places = {style: place for place, style in enumerate(sorted(set(styles.values())))}
    labels = [places.get(styles.get(path, ""), UNKNOWN) for path in training.paths]
    return Examples(
        pixels=torch.from_numpy(training.pixels),
        artists=torch.from_numpy(artists),
        styles=torch.tensor(labels) if styles else None,
    )


def _told(training: Collection, held: Collection | None, device: torch.device) -> str:
    told = (
        f"Training on {len(training.paths)} pictures by {len(np.unique(training.artists))} artists"
        f" ({device})"
    )
    if held is None:
        return f"{told}; none held out, so nothing will be evaluated."
    return f"{told}; {len(held.paths)} by {len(np.unique(held.artists))} others held out."


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m artsimilarity.lab.training",
        description="Trains style weights on pictures by artist and measures them on artists held "
        "out. Writes the weights and, beside them, a JSON file of all settings and scores.",
    )
    add = parser.add_argument

    def either(gram: object, deep: object) -> str:
        return f"({gram}; {deep} with --deep)"

    add("directory", type=Path, help="folder with a sub-folder of pictures for each artist")
    add("--output", type=Path, required=True, metavar="FILE", help="the .safetensors to write")
    add(
        "--deep",
        action="store_true",
        help="fine-tune EfficientNet-Lite0, the deep part of LIKENESS, from the bundled weights, "
        "instead of training ART's network from scratch",
    )
    add("--name", default="own", help="of the new recipe (own)")
    add(
        "--epochs",
        type=_whole,
        help=f"{either(default.epochs, FINE_TUNING.epochs)}; with --deep 0 only projects anew",
    )
    add("--batch-size", type=_count, help=either(default.batch_size, FINE_TUNING.batch_size))
    add("--learning-rate", type=float, help=f"greatest ({default.learning_rate})")
    add("--seed", type=int, default=default.seed, help="of all that is drawn (0)")
    add("--held-out", type=_share, default=0.1, help="share of the artists; 0 for none (0.1)")
    add("--min-pictures", type=_count, default=5, help="of an artist who may be held out (5)")
    add("--max-per-artist", type=_count, default=140, help="pictures of one artist (140)")
    add("--styles", type=Path, metavar="CSV", help="columns path and style, to learn styles too")
    add("--compare", help=f"recipes to evaluate beside it, by names {either('art', 'likeness')}")
    add("--device", default="auto", help="auto, cpu or cuda (auto)")
    add("--size", type=_count, default=ART.side, help=f"side of the square ({ART.side})")
    add("--layer", help=f"ReLU layer of VGG-19 ({ART.layer})")
    add("--reduced-channels", type=_count, help=f"({ART.reduced_channels})")
    add("--dimensions", type=_count, default=256, help="style values that it learns (256)")
    add(
        "--projection-pictures",
        type=_count,
        help=f"that it is fitted to {either(_PROJECTION_PICTURES, 'all')}",
    )
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"not negative, but {number}")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {number}")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"from 0 to below 1, not {text}")
    return share


if __name__ == "__main__":
    sys.exit(main())
