"""Pictures per second, stages, peak memory and batch sizes are measured. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from artsimilarity.encoder.precision import Precision
from artsimilarity.lab.encoding_speed.baselines import (
    COLOUR,
    CONTENDERS,
    DECODE,
    ENCODE,
    OURS,
    READ,
    Contender,
)
from artsimilarity.lab.encoding_speed.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One contender's speed.

    Attributes:
        pictures_per_second: Median of the rounds.
        rounds: Pictures per second in each round.
        stages_ms: Medians of milliseconds per picture in each stage, in one process's own time.
    """

    pictures_per_second: float
    rounds: Sequence[float]
    stages_ms: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All contenders on the same pictures, in turns.

    Attributes:
        device: Torch device.
        size: Name of the size.
        processes: How many ran at once.
        threads: Threads of torch in each.
        contenders: Speed by kind.
        ratios: Our pictures per second over those of each other kind.
        load_average: Of one minute, before and after; empty where the system tells none.
    """

    device: str
    size: str
    processes: int
    threads: int
    contenders: dict[str, Speed]
    ratios: dict[str, float]
    load_average: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Most memory one contender held in a fresh process, in MiB; None where it cannot be told."""

    device: str
    size: str
    contender: str
    mebibytes: float | None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Our speed at one batch size, with and without a thread that decodes ahead."""

    device: str
    size: str
    batch_size: int
    prefetch: bool
    pictures_per_second: float
    rounds: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """Speed of ``encode_files`` and of ours on the same pictures, in turns, in one process.

    Attributes:
        device: Torch device.
        size: Name of the size.
        precision: In which the network of the stream computed.
        threads: That decoded.
        pictures: In each round; the same files over and over where there are fewer.
        pictures_per_second: Median of the rounds.
        rounds: Pictures per second in each round.
        ours: Median of the rounds of ours.
        load_average: Of one minute, before and after; empty where the system tells none.
    """

    device: str
    size: str
    precision: str
    threads: int
    pictures: int
    pictures_per_second: float
    rounds: Sequence[float]
    ours: float
    load_average: Sequence[float]


def compare(
    size: str, paths: Sequence[Path], *, processes: int, repeat: int, device: str
) -> Comparison:
    """Measures all contenders in turns, so that a disturbance hits all alike.

    Args:
        size: Name of the size.
        paths: The pictures, at least as many as processes.
        processes: How many share them.
        repeat: Rounds that count, after one over a few pictures that does not.
        device: Torch device.

    Returns:
        The speeds.
    """
    loads = load_average()
    with Workers(processes, device) as workers:
        rounds = _rounds(workers, CONTENDERS, paths, repeat)
        colour = median(workers.time_colour(paths) for _ in range(repeat))
        threads = workers.threads
    speeds = {
        contender.kind: _speed(results, len(paths), colour if contender == OURS else None)
        for contender, results in rounds.items()
    }
    ours = speeds[OURS.kind].pictures_per_second
    return Comparison(
        device=device,
        size=size,
        processes=processes,
        threads=threads,
        contenders=speeds,
        ratios={
            kind: ours / speed.pictures_per_second
            for kind, speed in speeds.items()
            if kind != OURS.kind
        },
        load_average=[*loads, *load_average()],
    )


def measure_memory(size: str, paths: Sequence[Path], *, device: str) -> list[Peak]:
    """Measures the peak memory of each contender, each in a process that does nothing else."""
    peaks = []
    for contender in CONTENDERS:
        with Workers(1, device) as workers:
            workers.run(contender, paths)
            peak = workers.peak_memory()
        peaks.append(Peak(device=device, size=size, contender=contender.kind, mebibytes=peak))
    return peaks


def stream(
    size: str, paths: Sequence[Path], *, pictures: int, repeat: int, device: str
) -> list[Streamed]:
    """Measures the stream against ours, on CUDA also in full precision.

    Args:
        size: Name of the size.
        paths: The pictures.
        pictures: In each round, if there are not more; a GPU has done a few before one can look.
        repeat: Rounds that count, after one over a few pictures that does not.
        device: Torch device.

    Returns:
        One result for each precision.
    """
    loads = load_average()
    repeated = (list(paths) * -(-pictures // len(paths)))[: max(pictures, len(paths))]
    kinds: list[Precision] = ["auto", "float32"] if device.startswith("cuda") else ["auto"]
    streams = [Contender(kind="stream", precision=kind) for kind in kinds]
    with Workers(1, device) as workers:
        rounds = _rounds(workers, [OURS, *streams], repeated, repeat)
        precisions = [workers.precision(contender) for contender in streams]
        threads = workers.threads
    rates = {
        contender: [len(repeated) / seconds for seconds, _ in results]
        for contender, results in rounds.items()
    }
    loads += load_average()
    return [
        Streamed(
            device=device,
            size=size,
            precision=precision,
            threads=threads,
            pictures=len(repeated),
            pictures_per_second=median(rates[contender]),
            rounds=rates[contender],
            ours=median(rates[OURS]),
            load_average=loads,
        )
        for contender, precision in zip(streams, precisions, strict=True)
    ]


def sweep(
    size: str, paths: Sequence[Path], *, batch_sizes: Sequence[int], repeat: int, device: str
) -> list[Setting]:
    """Measures our speed at batch sizes, decoding before and beside the network, in turns."""
    contenders = [
        Contender(kind=OURS.kind, batch_size=batch_size, prefetch=prefetch)
        for batch_size in batch_sizes
        for prefetch in (False, True)
    ]
    with Workers(1, device) as workers:
        rounds = _rounds(workers, contenders, paths, repeat)
    settings = []
    for contender, results in rounds.items():
        rates = [len(paths) / seconds for seconds, _ in results]
        settings.append(
            Setting(
                device=device,
                size=size,
                batch_size=contender.batch_size or 0,
                prefetch=contender.prefetch,
                pictures_per_second=median(rates),
                rounds=rates,
            )
        )
    return settings


def load_average() -> list[float]:
    """Load average of one minute; empty where the system tells none."""
    return [os.getloadavg()[0]] if hasattr(os, "getloadavg") else []


_Result = tuple[float, dict[str, float]]


def _rounds(
    workers: Workers, contenders: Sequence[Contender], paths: Sequence[Path], repeat: int
) -> dict[Contender, list[_Result]]:
    for contender in contenders:
        workers.run(contender, paths[: max(workers.count, contender.batch_size or 4)])
    results: dict[Contender, list[_Result]] = {contender: [] for contender in contenders}
    for _ in range(repeat):
        for contender in contenders:
            results[contender].append(workers.run(contender, paths))
    return results


def _speed(results: Sequence[_Result], pictures: int, colour: float | None) -> Speed:
    rates = [pictures / seconds for seconds, _ in results]
    spent = {name: median(stages[name] for _, stages in results) for name in results[0][1]}
    if colour is not None:  # ours makes it in the same call as the rest
        spent[COLOUR] = colour
        spent[ENCODE] -= colour
    names = {READ: "read", DECODE: "decode", ENCODE: "network and Gram", COLOUR: "colour"}
    return Speed(
        pictures_per_second=median(rates),
        rounds=rates,
        stages_ms={names[stage]: 1e3 * spent[stage] / pictures for stage in names},
    )
