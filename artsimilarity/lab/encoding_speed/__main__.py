"""Speed and memory on the pictures of a folder: ``python -m artsimilarity.lab.encoding_speed``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from artsimilarity.lab.encoding_speed.measurement import (
    BatchSpeed,
    Comparison,
    Conditions,
    Peak,
    Streamed,
    compare,
    measure_batch_sizes,
    measure_memory,
    measure_stream,
)
from artsimilarity.lab.encoding_speed.pictures import (
    choose_pictures,
    make_pictures,
    mean_kilobytes,
    mean_megapixels,
)
from artsimilarity.lab.encoding_speed.results import Measurements, Size, to_json, to_text
from artsimilarity.lab.hardware import load_average, machine_and_versions

_AS_IS: Final = "as-is"
_PARTS: Final = ("speed", "stream", "memory", "batch-sizes")
_MEMORY_PICTURES: Final = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Of the command line; None takes those of the process.

    Returns:
        Exit status: 0, or 1 after an error that is told on stderr.
    """
    options = _parser().parse_args(arguments)
    choice = choose_pictures(options.directory, options.pictures)
    if len(choice.paths) < max(options.processes):
        print(
            f"error: {options.directory} holds {len(choice.paths)} readable pictures; at least "
            f"one for each process is needed. Name another folder or fewer --processes.",
            file=sys.stderr,
        )
        return 1
    with TemporaryDirectory() as folder:
        sizes = _sizes(choice.paths, options.sizes, Path(folder))
        measured = _measure(options, sizes, choice.skipped)
    print(to_text(measured))
    if options.json:
        options.json.write_text(to_json(measured), encoding="utf-8")
    return 0


def machine() -> dict[str, str]:
    """What the figures were measured with: processor, cores, versions, load average."""
    return {
        **machine_and_versions("torch", "torchvision", "pillow", "numpy"),
        "load average": str(load_average()),
    }


def _measure(options: argparse.Namespace, sizes: Mapping[str, Size], skipped: int) -> Measurements:
    speed: list[Comparison] = []
    streamed: list[Streamed] = []
    memory: list[Peak] = []
    batch_sizes: list[BatchSpeed] = []
    about = machine()
    for device in options.device or _devices():
        for name, size in sizes.items():
            conditions = Conditions(
                device=device, size=name, paths=size.paths, repeat=options.repeat
            )
            if "speed" in options.parts:
                speed += [compare(conditions, processes) for processes in options.processes]
            if "stream" in options.parts:
                for processes in options.processes:
                    streamed += measure_stream(conditions, processes, options.stream_pictures)
            if "memory" in options.parts:
                few = replace(conditions, paths=size.paths[:_MEMORY_PICTURES])
                memory += measure_memory(few)
            if "batch-sizes" in options.parts:
                batch_sizes += measure_batch_sizes(conditions, options.batch_sizes)
    return Measurements(
        skipped=skipped,
        machine=about,
        sizes=sizes,
        speed=speed,
        stream=streamed,
        memory=memory,
        batch_sizes=batch_sizes,
    )


def _sizes(paths: Sequence[Path], names: Sequence[str], folder: Path) -> dict[str, Size]:
    sizes = {}
    for name in names:
        files = paths
        if name != _AS_IS:
            (folder / name).mkdir()
            files = make_pictures(paths, float(name), folder / name)
        sizes[name] = Size(
            paths=files, megapixels=mean_megapixels(files), kilobytes=mean_kilobytes(files)
        )
    return sizes


def _devices() -> list[str]:
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m artsimilarity.lab.encoding_speed")
    add = parser.add_argument
    add("directory", type=Path, help="where the pictures are")
    add("--pictures", type=_number, default=60, help="how many are drawn (60)")
    add("--repeat", type=_number, default=3, help="rounds, of which the median counts (3)")
    add("--processes", type=_numbers, default=[1, 2], help="how many at once, by commas (1,2)")
    add("--device", type=_names, help="by commas (cpu, and cuda where there is one)")
    add(
        "--sizes",
        type=_size_names,
        default=[_AS_IS, "0.2", "2", "25"],
        help="'as-is' or megapixels, by commas (as-is,0.2,2,25)",
    )
    add("--batch-sizes", type=_numbers, default=[1, 2, 4, 8, 16], help="to try (1,2,4,8,16)")
    add(
        "--stream-pictures",
        type=_number,
        default=60,
        help="at least so many in a round of the stream, over and over; 10000 for a GPU (60)",
    )
    add("--parts", type=_part_names, default=_PARTS, help=f"of {','.join(_PARTS)} (all)")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    return parser


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1 is needed, not {text}")
    return number


def _numbers(text: str) -> list[int]:
    return [_number(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def _size_names(text: str) -> list[str]:
    names = text.split(",")
    if not all(name == _AS_IS or 0 < float(name) <= 170 for name in names):
        raise argparse.ArgumentTypeError(f"sizes are 'as-is' or 0 to 170 megapixels, not {text!r}")
    return names


def _part_names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(_PARTS):
        raise argparse.ArgumentTypeError(f"parts are {', '.join(_PARTS)}, not {text!r}")
    return names


if __name__ == "__main__":
    sys.exit(main())
