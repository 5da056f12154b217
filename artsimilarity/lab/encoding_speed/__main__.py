"""Speed and memory on the pictures of a folder: ``python -m artsimilarity.lab.encoding_speed``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from artsimilarity.lab.encoding_speed.measurement import (
    Comparison,
    Peak,
    Setting,
    Streamed,
    compare,
    load_average,
    measure_memory,
    stream,
    sweep,
)
from artsimilarity.lab.encoding_speed.pictures import (
    choose_pictures,
    make_pictures,
    mean_kilobytes,
    mean_megapixels,
)
from artsimilarity.lab.encoding_speed.workers import cores

_AS_IS: Final = "as-is"
_PARTS: Final = ("speed", "stream", "memory", "sweep")
_MEMORY_PICTURES: Final = 8
_KINDS: Final = {
    "ours": "read_square and Encoder(ART).encode",
    "plain": "Pillow full decode, whole vgg19().features (random weights), Gram matrix in numpy",
    "truncated": "the same, network only up to relu3_1",
}


@dataclass(frozen=True, kw_only=True)
class Size:
    """Pictures of one size.

    Attributes:
        paths: The files.
        megapixels: Their mean width times height, in millions.
        kilobytes: Their mean file size, in thousands of bytes.
    """

    paths: Sequence[Path]
    megapixels: float
    kilobytes: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was measured.

    Attributes:
        skipped: Files that could not be read.
        machine: Processor and versions, by name.
        sizes: By name.
        speed: For every device, size and number of processes.
        stream: For every device, size and precision.
        memory: For every device, size and contender.
        sweep: For every device, size, batch size, without and with prefetching.
    """

    skipped: int
    machine: dict[str, Any]
    sizes: Mapping[str, Size]
    speed: Sequence[Comparison]
    stream: Sequence[Streamed]
    memory: Sequence[Peak]
    sweep: Sequence[Setting]


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
        report = _measure(options, sizes, choice.skipped)
    print(to_text(report))
    if options.json:
        options.json.write_text(to_json(report), encoding="utf-8")
    return 0


def machine() -> dict[str, Any]:
    """What the figures were measured with: processor, cores, versions, load average."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": platform.system(),
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "torchvision", "pillow", "numpy")},
        "load average": load_average(),
    }


def to_text(report: Report) -> str:
    """The report as tables."""
    about = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    lines = [about, "", *(f"{kind}: {meaning}" for kind, meaning in _KINDS.items()), ""]
    lines.append(f"{report.skipped} files could not be read and were skipped.")
    for name, size in report.sizes.items():
        lines.append(
            f"{name}: {len(size.paths)} pictures, on average {size.megapixels:.2f} megapixels "
            f"in {size.kilobytes:,.0f} kB"
        )
    for comparison in report.speed:
        lines += ["", *_comparison_lines(comparison)]
    if report.stream:
        lines += ["", "Stream (encode_files): threads decode ahead of the network, one process"]
    for one in report.stream:
        loads = ", ".join(f"{load:.2f}" for load in one.load_average)
        lines.append(
            f"{one.device:5} {one.size:6} {one.precision} {one.threads:3} threads, {one.pictures} "
            f"pictures: {one.pictures_per_second:.2f} pictures/s ({min(one.rounds):.2f} to "
            f"{max(one.rounds):.2f}); ours {one.ours:.2f}; load average {loads or 'not known'}"
        )
    if report.memory:
        lines += ["", "Peak memory of a fresh process"]
    for peak in report.memory:
        value = "not known here" if peak.mebibytes is None else f"{peak.mebibytes:,.0f} MiB"
        lines.append(f"{peak.device:5} {peak.size:6} {peak.contender:10} {value:>10}")
    if report.sweep:
        lines += ["", "Ours by batch size, one process: decoding before / beside the network"]
    for before, beside in zip(report.sweep[::2], report.sweep[1::2], strict=True):
        lines.append(
            f"{before.device:5} {before.size:6} batch {before.batch_size:3} "
            f"{before.pictures_per_second:8.2f} / {beside.pictures_per_second:.2f} pictures/s"
        )
    return "\n".join(lines)


def to_json(report: Report) -> str:
    """All numbers unrounded."""
    sizes = {
        name: {
            "pictures": len(size.paths),
            "megapixels": size.megapixels,
            "kilobytes": size.kilobytes,
        }
        for name, size in report.sizes.items()
    }
    content = {
        "machine": report.machine,
        "contenders": _KINDS,
        "skipped": report.skipped,
        "sizes": sizes,
        "speed": [asdict(comparison) for comparison in report.speed],
        "stream": [asdict(one) for one in report.stream],
        "memory": [asdict(peak) for peak in report.memory],
        "sweep": [asdict(setting) for setting in report.sweep],
    }
    return json.dumps(content, indent=2) + "\n"


def _comparison_lines(comparison: Comparison) -> list[str]:
    loads = ", ".join(f"{load:.2f}" for load in comparison.load_average)
    stages = list(comparison.contenders["ours"].stages_ms)
    lines = [
        f"{comparison.device}, {comparison.size}, {comparison.processes} processes of "
        f"{comparison.threads} threads, load average {loads or 'not known'}",
        f"{'':10} {'pictures/s':>10} {'slowest':>8} {'fastest':>8} {'ours is':>9}  ms per picture",
    ]
    for kind, speed in comparison.contenders.items():
        ratio = f"{comparison.ratios[kind]:.2f} x" if kind in comparison.ratios else ""
        times = ", ".join(f"{stage} {speed.stages_ms[stage]:.1f}" for stage in stages)
        lines.append(
            f"{kind:10} {speed.pictures_per_second:10.2f} {min(speed.rounds):8.2f} "
            f"{max(speed.rounds):8.2f} {ratio:>9}  {times}"
        )
    return lines


def _measure(options: argparse.Namespace, sizes: Mapping[str, Size], skipped: int) -> Report:
    speed, streamed, memory, settings = [], [], [], []
    about = machine()
    for device in options.device or _devices():
        for name, size in sizes.items():
            if "speed" in options.parts:
                speed += [
                    compare(name, size.paths, processes=count, repeat=options.repeat, device=device)
                    for count in options.processes
                ]
            if "stream" in options.parts:
                streamed += stream(
                    name,
                    size.paths,
                    pictures=options.stream_pictures,
                    repeat=options.repeat,
                    device=device,
                )
            if "memory" in options.parts:
                memory += measure_memory(name, size.paths[:_MEMORY_PICTURES], device=device)
            if "sweep" in options.parts:
                settings += sweep(
                    name,
                    size.paths,
                    batch_sizes=options.batch_sizes,
                    repeat=options.repeat,
                    device=device,
                )
    return Report(
        skipped=skipped,
        machine=about,
        sizes=sizes,
        speed=speed,
        stream=streamed,
        memory=memory,
        sweep=settings,
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


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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
