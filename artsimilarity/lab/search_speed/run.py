"""One run of the benchmark, from an empty table to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsimilarity.conf import get_settings
from artsimilarity.lab.search_speed import machine
from artsimilarity.lab.search_speed.baselines import (
    App,
    Contender,
    Exact,
    Faiss,
    Plain,
    Query,
    has_faiss,
)
from artsimilarity.lab.search_speed.baselines import K as PAGE
from artsimilarity.lab.search_speed.measure import Clients, clients, measure
from artsimilarity.lab.search_speed.report import Report
from artsimilarity.lab.search_speed.scratch import (
    BUCKETS,
    Scratch,
    build_index,
    fill,
    scratch_tables,
)
from artsimilarity.lab.search_speed.truth import Truth
from artsimilarity.lab.search_speed.variants import sweep, variants
from artsimilarity.lab.search_speed.vectors import draw_library, find_centres
from artsimilarity.search import more_like_this

STYLES = (0.0, 0.25, 0.5, 0.75, 1.0)
KEEP_PERCENT = (100.0, 10.0, 1.0, 0.1)
CLIENTS = (1, 8)

# An exact scan takes so long that fewer of them must do.
_EXACT_SHARE = 5
_SWEEP_SHARE = 2
_SWEEP_FILTERED_SHARE = 4

Progress = Callable[[str, int, str], AbstractContextManager[Callable[[int], object]]]
"""Opens a progress bar: description, total and unit."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure.

    Attributes:
        rows: pictures in each scratch table.
        queries: searches in each cell; a fifth of that for the exact scan.
        using: alias of the database.
        seed: of everything that is drawn.
        memory: ``maintenance_work_mem`` of the index builds; None takes what the graph needs.
        keep: leave the scratch tables in the end.
        replace: drop tables that an earlier run has left.
        sweep: also measure variants of the settings.
    """

    rows: int
    queries: int
    using: str = "default"
    seed: int = 0
    memory: str | None = None
    keep: bool = False
    replace: bool = False
    sweep: bool = False


def run(options: Options, progress: Progress) -> Report:
    """Fill, build, ask, and drop the scratch tables again whatever happens.

    Raises:
        CommandError: the scratch tables are there already.
        django.db.Error: the database refused something.
    """
    started = time.monotonic()
    random = np.random.default_rng(options.seed)
    settings = get_settings()
    with scratch_tables(options.using, keep=options.keep, replace=options.replace) as scratch:
        centres = find_centres(options.using, random)
        report = Report(
            rows=options.rows,
            seed=options.seed,
            centres=centres.origin,
            machine=machine.describe(options.using),
            load_average=[machine.load_average()],
            settings={
                name: getattr(settings, name) for name in vars(settings) if name.startswith("EF_")
            },
        )
        with progress("Drawing", options.rows, "row") as advance:
            library = draw_library(centres, options.rows, random, advance)
        buckets = random.integers(BUCKETS, size=options.rows, dtype=np.int32)
        with progress("Copying", 2 * options.rows, "row") as advance:
            report.fill_seconds = fill(scratch, library, buckets, options.using, advance)
        for name, model in (("app", scratch.pictures), ("plain", scratch.plain)):
            with progress(f"Index of {name}", options.rows, "row") as advance:
                report.built[name] = build_index(
                    model, options.rows, options.using, options.memory, advance
                )
        app = App(scratch, options.using)
        contenders: list[Contender] = [app, Exact(scratch, options.using)]
        contenders.append(Plain(scratch, options.using))
        if has_faiss():
            with progress("Index of faiss", options.rows, "row") as advance:
                faiss = Faiss(library, advance)
            report.faiss_build_seconds = faiss.build_seconds
            contenders.append(faiss)
        report.contenders = {one.name: one.description for one in contenders}

        count = min(options.queries, options.rows)
        pks = [int(row) + 1 for row in random.choice(options.rows, count, replace=False)]
        others = random.integers(1, options.rows + 1, size=count).tolist()
        _warm_up(scratch, others, options.using, progress)
        truth = Truth(settings.recipe, library, buckets, pks, PAGE)
        cells = list(_cells(scratch, truth, pks, options.using, progress))
        _measure(report, app, contenders, cells, truth, options.using, progress)
        if options.sweep:
            few = [(keep, some[: _sweep_count(keep, count)]) for keep, some in cells]
            with progress("Variants", variants(few), "variant") as advance:
                report.sweep = list(sweep(app, few, truth, options.using, advance))
    report.load_average.append(machine.load_average())
    report.seconds = time.monotonic() - started
    return report


def _warm_up(scratch: Scratch, pks: list[int], using: str, progress: Progress) -> None:
    """Search by other pictures first: the pages of a new index have not been read yet."""
    pictures = list(scratch.pictures.objects.using(using).filter(pk__in=pks))
    with progress("Warming up", len(pictures), "picture") as advance:
        for picture in pictures:
            for style in STYLES:
                more_like_this(picture, limit=PAGE, style=style)
            advance(1)


def _cells(
    scratch: Scratch, truth: Truth, pks: list[int], using: str, progress: Progress
) -> Iterator[tuple[float, list[Query]]]:
    """The searches of every balance and filter, once their answers are known."""
    rows = scratch.pictures.objects.using(using)
    pictures = rows.in_bulk(pks)
    limits = {keep: round(keep * BUCKETS / 100) for keep in KEEP_PERCENT}
    with progress("Right answers", len(STYLES), "balance") as advance:
        for style in STYLES:
            truth.prepare(style, list(limits.values()))
            for keep, limit in limits.items():
                yield (
                    keep,
                    [
                        Query(
                            picture=pictures[pk],
                            vector=truth.query_vector(pk, style),
                            style=style,
                            limit=limit,
                        )
                        for pk in pks
                    ],
                )
            advance(1)


def _measure(
    report: Report,
    app: App,
    contenders: list[Contender],
    cells: list[tuple[float, list[Query]]],
    truth: Truth,
    using: str,
    progress: Progress,
) -> None:
    """Ask every contender in every cell: cell by cell, so that a disturbance hits all alike."""
    total = len(CLIENTS) * sum(
        keep == 100 or one.filters for keep, _ in cells for one in contenders
    )
    with progress("Searching", total, "measurement") as advance:
        for count in CLIENTS:
            with clients(count, using) as some:
                for keep, queries in cells:
                    if count == 1:
                        plan = app.plan(queries[0])
                        cell: dict[str, Any] = {"style": queries[0].style, "keep_percent": keep}
                        report.plans.append(cell | {"plan": plan})
                    for one in contenders:
                        if keep == 100 or one.filters:
                            asked = _share(one, queries, some)
                            report.results.append(
                                measure(one.name, one.ask, asked, some, truth, keep)
                            )
                            advance(1)


def _sweep_count(keep: float, count: int) -> int:
    return max(1, count // (_SWEEP_SHARE if keep == 100 else _SWEEP_FILTERED_SHARE))


def _share(one: Contender, queries: list[Query], some: Clients) -> list[Query]:
    if not isinstance(one, Exact):
        return queries
    return queries[: max(len(queries) // _EXACT_SHARE, min(some.count, len(queries)))]
