"""Pictures come and go while searches go on: is each found, or gone, at once?"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connections

from artsimilarity.lab.search_speed.baselines import K, Query
from artsimilarity.lab.search_speed.measure import Ask, Cell, Clients, Result, measure
from artsimilarity.lab.search_speed.truth import Truth
from artsimilarity.search import more_like_this

# The copies that stay for a while, so that the graph has some more rows than before.
_STAY = 100
_STYLE = 0.5


@dataclass(kw_only=True)
class Writes:
    """What came of writing while others searched.

    Attributes:
        per_second: pictures inserted a second, and as many deleted, as was asked for.
        inserted: pictures that were inserted, each a copy of one that is there.
        found_at_once: of these, those that a search for the original found right after.
        deleted: pictures that were deleted again.
        gone_at_once: of these, those that no such search found any more.
        insert_p50_ms: median time of an insert with its commit, in milliseconds.
        insert_p95_ms: 95th percentile.
        seconds: how long it went on.
        results: the searches of others meanwhile, by one client, in each cell. A copy counts as its
            original there, so that recall is rather too low where there are few rows.
    """

    per_second: float
    inserted: int = 0
    found_at_once: int = 0
    deleted: int = 0
    gone_at_once: int = 0
    insert_p50_ms: float = 0.0
    insert_p95_ms: float = 0.0
    seconds: float = 0.0
    results: list[Result] = field(default_factory=list)


def measure_while_writing(
    model: type[Any],
    ask: Ask,
    cells: Sequence[Cell],
    some: Clients,
    truth: Truth,
    *,
    per_second: float,
    originals: Sequence[int],
    using: str,
    advance: Callable[[int], object],
) -> Writes:
    """Search in every cell while another connection inserts copies of pictures and deletes them.

    Args:
        model: the scratch picture model, whose primary keys count from 1.
        ask: one search.
        cells: the searches.
        some: one client.
        truth: the right answers, of the rows without the copies.
        per_second: how many are inserted a second, more than 0.
        originals: primary keys of pictures that are copied, none of which is searched for.
        using: alias of the database.
        advance: called with 1 after each cell.
    """
    writes = Writes(per_second=per_second)
    copied: dict[int, int] = {}

    def ask_for_originals(query: Query) -> list[int]:
        return list(dict.fromkeys(copied.get(pk, pk) for pk in ask(query)))

    started = time.monotonic()
    with _writing(writes, copied, model, originals, using):
        for cell in cells:
            writes.results.append(measure("app", ask_for_originals, cell, some, truth))
            advance(1)
    writes.seconds = time.monotonic() - started
    return writes


@contextmanager
def _writing(
    writes: Writes,
    copied: dict[int, int],
    model: type[Any],
    originals: Sequence[int],
    using: str,
) -> Iterator[None]:
    """Write for as long as the block lasts; an error of the writer is raised in the end."""
    done = threading.Event()

    def write() -> None:
        try:
            _write(writes, copied, model, originals, using, done)
        finally:
            connections[using].close()

    with ThreadPoolExecutor(1, thread_name_prefix="writer") as pool:
        writer = pool.submit(write)
        try:
            yield
        finally:
            done.set()
        writer.result()


def _write(
    writes: Writes,
    copied: dict[int, int],
    model: type[Any],
    originals: Sequence[int],
    using: str,
    done: threading.Event,
) -> None:
    rows = model.objects.using(using)
    pictures = rows.in_bulk(list(originals))
    table = model._meta.db_table
    columns = ", ".join(one.column for one in model._meta.concrete_fields if not one.primary_key)
    copy = f"INSERT INTO {table} (id, {columns}) SELECT %s, {columns} FROM {table} WHERE id = %s"  # noqa: S608
    first = rows.order_by("-pk").values_list("pk", flat=True)[0] + 1
    staying: deque[tuple[int, Any]] = deque()
    times: list[float] = []
    started = time.monotonic()
    while not done.wait(max(0.0, started + len(times) / writes.per_second - time.monotonic())):
        pk, original = first + len(times), pictures[originals[len(times) % len(originals)]]
        copied[pk] = original.pk
        began = time.perf_counter()
        with connections[using].cursor() as cursor:
            cursor.execute(copy, [pk, original.pk])
        times.append(time.perf_counter() - began)
        writes.found_at_once += pk in _page(rows, original)
        staying.append((pk, original))
        if len(staying) > _STAY:
            _delete_oldest(writes, rows, staying)
    while staying:
        _delete_oldest(writes, rows, staying)
    writes.inserted = len(times)
    if times:
        p50, p95 = np.percentile(np.array(times) * 1000, [50, 95])
        writes.insert_p50_ms, writes.insert_p95_ms = round(float(p50), 2), round(float(p95), 2)


def _delete_oldest(writes: Writes, rows: Any, staying: deque[tuple[int, Any]]) -> None:
    pk, original = staying.popleft()
    rows.filter(pk=pk).delete()
    writes.deleted += 1
    writes.gone_at_once += pk not in _page(rows, original)


def _page(rows: Any, original: Any) -> list[int]:
    found = more_like_this(original, queryset=rows.all(), limit=K, style=_STYLE)
    return [one.pk for one in found]
