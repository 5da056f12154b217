"""Fresh processes that run baselines and tell how long it took and how much memory. Spawned."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self

from artsimilarity.lab.encoding_speed.baselines import Baseline
from artsimilarity.lab.hardware import cores


class Workers:
    """Some processes, each with its share of the cores for torch; a context manager.

    Args:
        processes: How many.
        device: A torch device.

    Attributes:
        count: How many.
        threads: Threads of torch in each.
    """

    def __init__(self, processes: int, device: str) -> None:
        self.count: Final = processes
        self.threads: Final = max(1, cores() // processes)
        context = multiprocessing.get_context("spawn")
        self._pipes: Final[list[Any]] = []
        self._processes: Final[list[Any]] = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, device, self.threads), daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()

    def run(self, baseline: Baseline, paths: Sequence[Path]) -> tuple[float, dict[str, float]]:
        """Runs a baseline over files, shared out among the processes.

        Args:
            baseline: Which; a process prepares it at its first run, which is not to be counted.
            paths: The files, at least as many as processes.

        Returns:
            Seconds from the start to the end of the last process, and seconds in each stage, all
            processes together.

        Raises:
            RuntimeError: A process failed; it printed why.
        """
        start = perf_counter()
        answers = self._ask("run", baseline, paths)
        seconds = perf_counter() - start
        stages: dict[str, float] = {}
        for answer in answers:
            for name, spent in answer.items():
                stages[name] = stages.get(name, 0.0) + spent
        return seconds, stages

    def time_colour(self, baseline: Baseline, paths: Sequence[Path]) -> float:
        """Seconds of the colour histograms of ours over files, all processes together."""
        return float(sum(self._ask("colour", baseline, paths)))

    def precision(self, baseline: Baseline) -> str:
        """Precision in which a baseline computes; the processes prepare it if they have not."""
        return str(self._ask("precision", baseline, [Path()])[0])

    def peak_memory(self) -> float | None:
        """Most memory that the first process ever held, in MiB; None where it cannot be told."""
        peak: float | None = self._ask("memory", None, [Path()])[0]
        return peak

    def _ask(self, what: str, baseline: Baseline | None, paths: Sequence[Path]) -> list[Any]:
        asked = self._pipes[: len(paths)]
        try:
            for place, pipe in enumerate(asked):
                pipe.send((what, baseline, list(paths[place :: len(asked)])))
            return [pipe.recv() for pipe in asked]
        except (EOFError, BrokenPipeError) as error:
            raise RuntimeError(
                "A process of the benchmark failed; its own message stands above."
            ) from error


def _serve(pipe: Connection[Any, Any], device: str, threads: int) -> None:
    import torch

    from artsimilarity.lab.encoding_speed.baselines import Runner, Stopwatch, prepare, time_colour

    torch.set_num_threads(threads)
    runners: dict[Baseline, Runner] = {}
    while True:
        try:
            what, baseline, paths = pipe.recv()
        except EOFError:
            return
        if what == "memory":
            pipe.send(_peak_memory())
        elif what == "colour":
            pipe.send(time_colour(baseline.recipe, paths))
        else:
            if baseline not in runners:
                runners[baseline] = prepare(baseline, device)
            if what == "precision":
                pipe.send(runners[baseline].precision)
                continue
            watch = Stopwatch()
            runners[baseline](paths, watch)
            pipe.send(watch.seconds)


def _peak_memory() -> float | None:
    # On Linux ru_maxrss begins with the peak of the parent; VmHWM is of this process alone.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / 1024 if sys.platform == "darwin" else peak / 1024
