"""One run of the benchmark, from an empty table to a report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artsimilarity.conf import get_settings
from artsimilarity.lab.hardware import load_average
from artsimilarity.lab.progress import progress_bar
from artsimilarity.lab.search_speed.baselines import (
    App,
    Baseline,
    Exact,
    Faiss,
    Plain,
    Query,
    has_faiss,
)
from artsimilarity.lab.search_speed.baselines import K as PAGE
from artsimilarity.lab.search_speed.machine import read_machine
from artsimilarity.lab.search_speed.measure import Cell, Clients, Result, clients, measure
from artsimilarity.lab.search_speed.report import Report
from artsimilarity.lab.search_speed.scratch import (
    BUCKETS,
    Scratch,
    build_index,
    fill,
    indexes_of,
    scratch_tables,
)
from artsimilarity.lab.search_speed.truth import Truth
from artsimilarity.lab.search_speed.variants import count_variants, measure_variants
from artsimilarity.lab.search_speed.vectors import Centres, draw_library, draw_series, find_centres
from artsimilarity.lab.search_speed.writes import Writes, measure_while_writing
from artsimilarity.library import Library
from artsimilarity.search import recall

STYLES = (0.0, 0.25, 0.5, 0.75, 1.0)
KEEP_PERCENT = (100.0, 10.0, 1.0, 0.1)
CLIENTS = (1, 8)

# An exact scan takes so long that fewer of them must do, and its recall needs no sample.
_EXACT_SHARE, _MOST_EXACT = 5, 30
_VARIANTS_SHARE = 2
# Pictures that are copied, in turn, while others search.
_ORIGINALS = 200
_VARIANTS_FILTERED_SHARE = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure.

    Attributes:
        rows: pictures in each scratch table.
        series: near-identical pictures of each that is drawn; 1 for none.
        queries: searches in each cell; for the exact scan a fifth of that, and no more than 30.
        using: alias of the database.
        seed: of everything that is drawn.
        memory: ``maintenance_work_mem`` of the index builds; None takes what the graph needs.
        keep: leave the scratch tables in the end.
        replace: drop tables that an earlier run has left.
        variants: also measure variants of the settings.
        writes_per_second: pictures that come and go while one client searches; 0 for none.
    """

    rows: int
    queries: int
    series: int = 1
    using: str = "default"
    seed: int = 0
    memory: str | None = None
    keep: bool = False
    replace: bool = False
    variants: bool = False
    writes_per_second: float = 10.0


def run(options: Options) -> Report:
    """Fill, build, ask, and drop the scratch tables again whatever happens.

    Raises:
        CommandError: the scratch tables are there already.
        django.db.Error: the database refused something.
    """
    started = time.monotonic()
    random = np.random.default_rng(options.seed)
    with scratch_tables(options.using, keep=options.keep, replace=options.replace) as scratch:
        centres = find_centres(options.using, random)
        report = _begin(options, centres.origin)
        library = _draw(centres, options, random)
        buckets = random.integers(BUCKETS, size=options.rows, dtype=np.int32)
        _fill_and_build(report, scratch, library, buckets, options)
        report.candidates = _choose_candidates(scratch, options.using)
        app = App(scratch, options.using)
        baselines = [app, *_baselines(report, scratch, library, options.using)]
        report.baselines = {one.name: one.description for one in baselines}

        count = min(options.queries, options.rows)
        pks = [int(row) + 1 for row in random.choice(options.rows, count, replace=False)]
        others = random.integers(1, options.rows + 1, size=count).tolist()
        truth = Truth(get_settings().recipe, library, buckets, pks, PAGE)
        cells = list(_cells(scratch, truth, pks, others, options.using))
        report.plans = list(_plans(app, cells))
        report.results = list(_results(baselines, cells, truth, options.using))
        if options.writes_per_second:
            spare = sorted(set(range(1, options.rows + 1)).difference(pks)) or pks
            originals = [spare[place] for place in random.permutation(len(spare))[:_ORIGINALS]]
            report.writes = _while_writing(app, scratch, cells, truth, originals, options)
        if options.variants:
            few = [cell.first(_variants_count(cell.keep_percent, count)) for cell in cells]
            with progress_bar("Variants", count_variants(few), "variant") as bar:
                report.variants = list(measure_variants(app, few, truth, options.using, bar.update))
    report.load_average.append(load_average())
    report.seconds = time.monotonic() - started
    return report


def _draw(centres: Centres, options: Options, random: np.random.Generator) -> NDArray[np.float16]:
    with progress_bar("Drawing", options.rows, "row") as bar:
        if options.series > 1:
            return draw_series(centres, options.rows, options.series, random, bar.update)
        return draw_library(centres, options.rows, random, bar.update)


def _while_writing(
    app: App,
    scratch: Scratch,
    cells: Sequence[Cell],
    truth: Truth,
    originals: Sequence[int],
    options: Options,
) -> Writes:
    with (
        progress_bar("Searching while pictures come and go", len(cells), "cell") as bar,
        clients(1, options.using) as some,
    ):
        return measure_while_writing(
            scratch.pictures,
            app.ask,
            cells,
            some,
            truth,
            per_second=options.writes_per_second,
            originals=originals,
            using=options.using,
            advance=bar.update,
        )


def _begin(options: Options, centres: str) -> Report:
    settings = get_settings()
    return Report(
        rows=options.rows,
        seed=options.seed,
        centres=centres,
        series=options.series,
        machine=read_machine(options.using),
        load_average=[load_average()],
        settings={
            name: getattr(settings, name)
            for name in vars(settings)
            if name.startswith(("EF_", "HNSW_")) or name == "COLOUR_INDEX"
        },
    )


def _fill_and_build(
    report: Report,
    scratch: Scratch,
    library: NDArray[np.float16],
    buckets: NDArray[np.int32],
    options: Options,
) -> None:
    with progress_bar("Copying", 2 * options.rows, "row") as bar:
        report.fill_seconds = fill(scratch, library, buckets, options.using, bar.update)
    for name, model, index in indexes_of(scratch):
        with progress_bar(f"Index of {name}", options.rows, "row") as bar:
            report.built[name] = build_index(
                model, index, options.rows, options.using, options.memory, bar.update
            )


def _choose_candidates(scratch: Scratch, using: str) -> dict[float, int]:
    """Measure recall as a worker does, which chooses how many candidates a search takes."""
    with progress_bar("Recall as workers measure it", 1, "measurement") as bar:
        try:
            measured = recall.measure(Library(scratch.pictures, using))
        except recall.RecallNotMeasuredError:  # so few rows that no worker would measure them
            return {}
        bar.update()
    return dict(zip(measured.styles, measured.candidates, strict=True))


def _baselines(
    report: Report, scratch: Scratch, library: NDArray[np.float16], using: str
) -> Iterator[Baseline]:
    yield Exact(scratch, using)
    yield Plain(scratch, using)
    if has_faiss():
        with progress_bar("Index of faiss", len(library), "row") as bar:
            faiss = Faiss(library, bar.update)
        report.faiss_build_seconds = faiss.build_seconds
        yield faiss


def _cells(
    scratch: Scratch, truth: Truth, pks: list[int], others: list[int], using: str
) -> Iterator[Cell]:
    """The searches of every balance and filter, once their answers are known."""
    rows = scratch.pictures.objects.using(using)
    pictures = rows.in_bulk({*pks, *others})
    limits = {keep: round(keep * BUCKETS / 100) for keep in KEEP_PERCENT}

    def queries(pks: list[int], style: float, limit: int) -> list[Query]:
        return [
            Query(
                picture=pictures[pk],
                vector=truth.query_vector(pk, style),
                style=style,
                limit=limit,
            )
            for pk in pks
        ]

    with progress_bar("Right answers", len(STYLES), "balance") as bar:
        for style in STYLES:
            truth.prepare(style, list(limits.values()))
            for keep, limit in limits.items():
                yield Cell(
                    keep_percent=keep,
                    queries=queries(pks, style, limit),
                    before=queries(others, style, limit),
                )
            bar.update()


def _plans(app: App, cells: Sequence[Cell]) -> Iterator[dict[str, Any]]:
    for cell in cells:
        plan = app.plan(cell.queries[0])
        yield {"style": cell.style, "keep_percent": cell.keep_percent, "plan": plan}


def _results(
    baselines: Sequence[Baseline], cells: Sequence[Cell], truth: Truth, using: str
) -> Iterator[Result]:
    """Search in every way in every cell: cell by cell, so that a disturbance hits all alike."""
    pairs = [
        (cell, one)
        for cell in cells
        for one in baselines
        if cell.keep_percent == 100 or one.filters
    ]
    with progress_bar("Searching", len(CLIENTS) * len(pairs), "measurement") as bar:
        for count in CLIENTS:
            with clients(count, using) as some:
                for cell, one in pairs:
                    asked = cell.first(_share(one, len(cell.queries), some))
                    if count == 1 and not isinstance(one, Exact):
                        _warm_up(one, asked)
                    yield measure(one.name, one.ask, asked, some, truth)
                    bar.update()


def _warm_up(one: Baseline, cell: Cell) -> None:
    """Search for other pictures first: other ways to search have had the server's memory since."""
    for query in cell.before:
        one.ask(query)


def _variants_count(keep: float, count: int) -> int:
    return max(1, count // (_VARIANTS_SHARE if keep == 100 else _VARIANTS_FILTERED_SHARE))


def _share(one: Baseline, queries: int, some: Clients) -> int:
    """How many of the searches there is time for."""
    if not isinstance(one, Exact):
        return queries
    return max(min(queries // _EXACT_SHARE, _MOST_EXACT), min(some.count, queries))
