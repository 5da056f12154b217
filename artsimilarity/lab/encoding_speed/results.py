"""What a run measured, as tables and as JSON. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from artsimilarity.lab.encoding_speed.measurement import (
    BatchSpeed,
    Comparison,
    Loads,
    Peak,
    Streamed,
)

_KINDS: Final = {
    "ours": "read, seen (in the stage decode) and Encoder(LIKENESS).encode, the default recipe",
    "art": "the same under ART, which looks for no area and has no second network",
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
class Measurements:
    """Everything that was measured.

    Attributes:
        skipped: Files that could not be read.
        machine: Processor and versions, by name.
        sizes: By name.
        speed: For every device, size and number of processes.
        stream: For every device, size and precision.
        memory: For every device, size and way.
        batch_sizes: For every device, size, batch size, without and with prefetching.
    """

    skipped: int
    machine: dict[str, str]
    sizes: Mapping[str, Size]
    speed: Sequence[Comparison]
    stream: Sequence[Streamed]
    memory: Sequence[Peak]
    batch_sizes: Sequence[BatchSpeed]


def to_text(measured: Measurements) -> str:
    """The measurements as tables."""
    about = ", ".join(f"{name} {value}" for name, value in measured.machine.items())
    lines = [about, "", *(f"{kind}: {meaning}" for kind, meaning in _KINDS.items()), ""]
    lines.append(f"{measured.skipped} files could not be read and were skipped.")
    for name, size in measured.sizes.items():
        lines.append(
            f"{name}: {len(size.paths)} pictures, on average {size.megapixels:.2f} megapixels "
            f"in {size.kilobytes:,.0f} kB"
        )
    for comparison in measured.speed:
        lines += ["", *_comparison_lines(comparison)]
    lines += _stream_lines(measured.stream)
    lines += _memory_lines(measured.memory)
    lines += _batch_size_lines(measured.batch_sizes)
    return "\n".join(lines)


def to_json(measured: Measurements) -> str:
    """All numbers unrounded."""
    sizes = {
        name: {
            "pictures": len(size.paths),
            "megapixels": size.megapixels,
            "kilobytes": size.kilobytes,
        }
        for name, size in measured.sizes.items()
    }
    content = {
        "machine": measured.machine,
        "baselines": _KINDS,
        "skipped": measured.skipped,
        "sizes": sizes,
        "speed": [asdict(comparison) for comparison in measured.speed],
        "stream": [asdict(one) for one in measured.stream],
        "memory": [asdict(peak) for peak in measured.memory],
        "batch_sizes": [asdict(speed) for speed in measured.batch_sizes],
    }
    return json.dumps(content, indent=2) + "\n"


def _comparison_lines(comparison: Comparison) -> list[str]:
    stages = list(comparison.baselines["ours"].stages_ms)
    lines = [
        f"{comparison.device}, {comparison.size}, {comparison.processes} processes of "
        f"{comparison.threads} threads, load average {_loads(comparison.load_average)}",
        f"{'':10} {'pictures/s':>10} {'slowest':>8} {'fastest':>8} {'ours is':>9}  ms per picture",
    ]
    for kind, speed in comparison.baselines.items():
        ratio = f"{comparison.ratios[kind]:.2f} x" if kind in comparison.ratios else ""
        times = ", ".join(f"{stage} {speed.stages_ms[stage]:.1f}" for stage in stages)
        lines.append(
            f"{kind:10} {speed.pictures_per_second:10.2f} {min(speed.rounds):8.2f} "
            f"{max(speed.rounds):8.2f} {ratio:>9}  {times}"
        )
    return lines


def _stream_lines(streamed: Sequence[Streamed]) -> list[str]:
    lines = []
    if streamed:
        lines += ["", "Stream (encode_files): threads decode ahead of the network"]
    for one in streamed:
        lines.append(
            f"{one.device:5} {one.size:6} {one.precision} {one.processes:3} processes of "
            f"{one.threads} threads, {one.pictures} pictures: {one.pictures_per_second:.2f} "
            f"pictures/s ({min(one.rounds):.2f} to {max(one.rounds):.2f}); ours {one.ours:.2f}; "
            f"load average {_loads(one.load_average)}"
        )
    return lines


def _memory_lines(peaks: Sequence[Peak]) -> list[str]:
    lines = ["", "Peak memory of a fresh process"] if peaks else []
    for peak in peaks:
        value = "not known here" if peak.mebibytes is None else f"{peak.mebibytes:,.0f} MiB"
        lines.append(f"{peak.device:5} {peak.size:6} {peak.baseline:10} {value:>10}")
    return lines


def _batch_size_lines(speeds: Sequence[BatchSpeed]) -> list[str]:
    lines = []
    if speeds:
        lines += ["", "Ours by batch size, one process: decoding before / beside the network"]
    for before, beside in zip(speeds[::2], speeds[1::2], strict=True):
        lines.append(
            f"{before.device:5} {before.size:6} batch {before.batch_size:3} "
            f"{before.pictures_per_second:8.2f} / {beside.pictures_per_second:.2f} pictures/s"
        )
    return lines


def _loads(loads: Loads) -> str:
    return ", ".join("not known" if load is None else f"{load:.2f}" for load in loads)
