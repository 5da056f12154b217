"""Pictures per second, stages, peak memory and batch sizes are measured. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from artsimilarity.encoder.precision import Precision
from artsimilarity.lab.encoding_speed.baselines import (
    BASELINES,
    COLOUR,
    DECODE,
    ENCODE,
    OURS,
    READ,
    WITH_ART,
    Baseline,
)
from artsimilarity.lab.encoding_speed.workers import Workers
from artsimilarity.lab.hardware import load_average
from artsimilarity.lab.progress import progress_bar

Loads = tuple[float | None, float | None]
"""Load average of one minute, before and after; None where the system tells none."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What is the same for all that is measured in turns.

    Attributes:
        device: Torch device.
        size: Name of the pictures' size.
        paths: The pictures.
        repeat: Rounds that count, after one over a few pictures that does not.
    """

    device: str
    size: str
    paths: Sequence[Path]
    repeat: int

    def __str__(self) -> str:
        return f"{self.device}, {self.size}"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The speed of one way.

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
    """Ours and the baselines on the same pictures, in turns.

    Attributes:
        device: Torch device.
        size: Name of the size.
        processes: How many ran at once.
        threads: Threads of torch in each.
        baselines: Speed by kind, ours first.
        ratios: Our pictures per second over those of each other kind.
        load_average: Of one minute, before and after.
    """

    device: str
    size: str
    processes: int
    threads: int
    baselines: dict[str, Speed]
    ratios: dict[str, float]
    load_average: Loads


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Most memory one way held in a fresh process, in MiB; None where it cannot be told."""

    device: str
    size: str
    baseline: str
    mebibytes: float | None


@dataclass(frozen=True, kw_only=True)
class BatchSpeed:
    """Our speed at one batch size, with and without a thread that decodes ahead."""

    device: str
    size: str
    batch_size: int
    prefetch: bool
    pictures_per_second: float
    rounds: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """Speed of ``encode_files`` and of ours on the same pictures, in turns.

    Attributes:
        device: Torch device.
        size: Name of the size.
        processes: How many ran at once, sharing the device and the pictures.
        precision: In which the network of the stream computed.
        threads: That decoded in each process.
        pictures: In each round; the same files over and over where there are fewer.
        pictures_per_second: Median of the rounds.
        rounds: Pictures per second in each round.
        ours: Median of the rounds of ours.
        load_average: Of one minute, before and after.
    """

    device: str
    size: str
    processes: int
    precision: str
    threads: int
    pictures: int
    pictures_per_second: float
    rounds: Sequence[float]
    ours: float
    load_average: Loads


def compare(conditions: Conditions, processes: int) -> Comparison:
    """Measures ours and the baselines in turns, so that a disturbance hits all alike.

    Args:
        conditions: With at least as many pictures as processes.
        processes: How many share the pictures.

    Returns:
        The speeds.
    """
    before = load_average()
    with Workers(processes, conditions.device) as workers:
        rounds = _rounds(f"{conditions}, processes: {processes}", workers, BASELINES, conditions)
        colour = {
            baseline: median(
                workers.time_colour(baseline, conditions.paths) for _ in range(conditions.repeat)
            )
            for baseline in (OURS, WITH_ART)
        }
        threads = workers.threads
    count = len(conditions.paths)
    speeds = {
        baseline.kind: _speed(results, count, colour.get(baseline))
        for baseline, results in rounds.items()
    }
    ours = speeds[OURS.kind].pictures_per_second
    return Comparison(
        device=conditions.device,
        size=conditions.size,
        processes=processes,
        threads=threads,
        baselines=speeds,
        ratios={
            kind: ours / speed.pictures_per_second
            for kind, speed in speeds.items()
            if kind != OURS.kind
        },
        load_average=(before, load_average()),
    )


def measure_memory(conditions: Conditions) -> list[Peak]:
    """Measures the peak memory of each way, each in a process that does nothing else."""
    peaks = []
    with progress_bar(f"{conditions}, memory", len(BASELINES), "way") as bar:
        for baseline in BASELINES:
            with Workers(1, conditions.device) as workers:
                workers.run(baseline, conditions.paths)
                peak = workers.peak_memory()
            peaks.append(
                Peak(
                    device=conditions.device,
                    size=conditions.size,
                    baseline=baseline.kind,
                    mebibytes=peak,
                )
            )
            bar.update()
    return peaks


def measure_stream(conditions: Conditions, processes: int, pictures: int) -> list[Streamed]:
    """Measures the stream against ours, on CUDA also in full precision.

    Args:
        conditions: Whose pictures are taken over and over where there are too few.
        processes: How many at once, all on the one device.
        pictures: In each round, at least; a GPU has done a few before one can look.

    Returns:
        One result for each precision.
    """
    before = load_average()
    paths, device = conditions.paths, conditions.device
    repeated = (list(paths) * -(-pictures // len(paths)))[: max(pictures, len(paths))]
    kinds: list[Precision] = ["auto", "float32"] if device.startswith("cuda") else ["auto"]
    streams = [Baseline(kind="stream", precision=kind) for kind in kinds]
    with Workers(processes, device) as workers:
        longer = replace(conditions, paths=repeated)
        name = f"{conditions}, stream, processes: {processes}"
        rounds = _rounds(name, workers, [OURS, *streams], longer)
        precisions = [workers.precision(baseline) for baseline in streams]
        threads = workers.threads
    loads = (before, load_average())
    rates = {baseline: _rates(results, len(repeated)) for baseline, results in rounds.items()}
    return [
        Streamed(
            device=device,
            size=conditions.size,
            processes=processes,
            precision=precision,
            threads=threads,
            pictures=len(repeated),
            pictures_per_second=median(rates[baseline]),
            rounds=rates[baseline],
            ours=median(rates[OURS]),
            load_average=loads,
        )
        for baseline, precision in zip(streams, precisions, strict=True)
    ]


def measure_batch_sizes(conditions: Conditions, batch_sizes: Sequence[int]) -> list[BatchSpeed]:
    """Measures our speed at batch sizes, decoding before and beside the network, in turns."""
    variants = [
        Baseline(kind=OURS.kind, batch_size=batch_size, prefetch=prefetch)
        for batch_size in batch_sizes
        for prefetch in (False, True)
    ]
    with Workers(1, conditions.device) as workers:
        rounds = _rounds(f"{conditions}, batch sizes", workers, variants, conditions)
    speeds = []
    for variant, results in rounds.items():
        rates = _rates(results, len(conditions.paths))
        speeds.append(
            BatchSpeed(
                device=conditions.device,
                size=conditions.size,
                batch_size=variant.batch_size or 0,
                prefetch=variant.prefetch,
                pictures_per_second=median(rates),
                rounds=rates,
            )
        )
    return speeds


_Result = tuple[float, dict[str, float]]


def _rounds(
    description: str, workers: Workers, baselines: Sequence[Baseline], conditions: Conditions
) -> dict[Baseline, list[_Result]]:
    paths, repeat = conditions.paths, conditions.repeat
    results: dict[Baseline, list[_Result]] = {baseline: [] for baseline in baselines}
    with progress_bar(description, (1 + repeat) * len(baselines), "round") as bar:
        for baseline in baselines:
            workers.run(baseline, paths[: max(workers.count, baseline.batch_size or 4)])
            bar.update()
        for _ in range(repeat):
            for baseline in baselines:
                results[baseline].append(workers.run(baseline, paths))
                bar.update()
    return results


def _rates(results: Sequence[_Result], pictures: int) -> list[float]:
    return [pictures / seconds for seconds, _ in results]


def _speed(results: Sequence[_Result], pictures: int, colour: float | None) -> Speed:
    rates = _rates(results, pictures)
    spent = {name: median(stages[name] for _, stages in results) for name in results[0][1]}
    if colour is not None:  # the encoder makes it in the same call as the rest
        spent[COLOUR] = colour
        spent[ENCODE] -= colour
    names = {READ: "read", DECODE: "decode", ENCODE: "network and Gram", COLOUR: "colour"}
    return Speed(
        pictures_per_second=median(rates),
        rounds=rates,
        stages_ms={names[stage]: 1e3 * spent[stage] / pictures for stage in names},
    )
