"""Asks, takes the time, and compares with the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import connections

from artsimilarity.lab.search_speed.baselines import Query
from artsimilarity.lab.search_speed.truth import Truth

Ask = Callable[[Query], list[int]]

_WARM_UP = 3
_BARRIER_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Searches of one balance with one filter.

    Attributes:
        keep_percent: share of the rows that the filter keeps, in percent.
        queries: the searches, at least one.
        before: searches for other pictures, that bring the index into memory and are not timed.
    """

    keep_percent: float
    queries: Sequence[Query]
    before: Sequence[Query] = ()

    @property
    def style(self) -> float:
        """Weight of style, 0..1."""
        return self.queries[0].style

    def first(self, count: int) -> Cell:
        """The same with no more than so many searches."""
        return replace(self, queries=self.queries[:count])


@dataclass(frozen=True, kw_only=True)
class Result:
    """One way to search at one balance, with one filter and so many clients.

    Attributes:
        baseline: its name; the app's is "app".
        style: weight of style, 0..1.
        keep_percent: share of the rows that the filter keeps, in percent.
        clients: threads that asked at the same time, each on a connection of its own.
        queries: searches that were timed.
        recall: recall@10, mean over the searches.
        recall_error: its standard error: other pictures would give a recall as far off.
        p50_ms: median time of a search, in milliseconds, as its caller waits for it.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
        per_second: searches a second, all clients together.
        statements: SQL statements a search, mean; None where nobody counted.
        short_pages: searches that returned fewer than they should.
    """

    baseline: str
    style: float
    keep_percent: float
    clients: int
    queries: int
    recall: float
    recall_error: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_second: float
    statements: float | None
    short_pages: int


@dataclass(frozen=True, kw_only=True)
class _Timed:
    seconds: list[float]
    answers: list[list[int]]
    wall: float
    statements: float | None


class Clients:
    """So many clients, each a thread with its own connection, kept from run to run."""

    def __init__(self, count: int, using: str) -> None:
        self.count = count
        self._using = using
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="client")
        self._barrier = threading.Barrier(count)
        self._warm: set[str] = set()

    def run(self, name: str, ask: Ask, queries: Sequence[Query]) -> _Timed:
        """Ask all queries once, after a few that warm up the connections for ``name``."""
        if self.count == 1:
            return self._run_alone(ask, queries)
        if name not in self._warm:
            self._each(lambda: ask(queries[0]))
            self._warm.add(name)
        started = time.perf_counter()
        timed = list(self._pool.map(lambda query: _time(ask, query), queries))
        wall = time.perf_counter() - started
        seconds, answers = zip(*timed, strict=True)
        return _Timed(seconds=list(seconds), answers=list(answers), wall=wall, statements=None)

    def _run_alone(self, ask: Ask, queries: Sequence[Query]) -> _Timed:
        for query in queries[:_WARM_UP]:
            ask(query)
        count = 0

        def counted(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            nonlocal count
            count += 1
            return execute(sql, params, many, context)

        with connections[self._using].execute_wrapper(counted):
            started = time.perf_counter()
            timed = [_time(ask, query) for query in queries]
            wall = time.perf_counter() - started
        seconds, answers = zip(*timed, strict=True)
        return _Timed(
            seconds=list(seconds),
            answers=list(answers),
            wall=wall,
            statements=count / len(queries),
        )

    def _each(self, action: Callable[[], object]) -> None:
        """Do something once in every thread."""

        def wait_and_act(_number: int) -> None:
            self._barrier.wait(_BARRIER_SECONDS)
            action()

        list(self._pool.map(wait_and_act, range(self.count)))

    def close(self) -> None:
        """Close the threads' connections, and the threads."""
        if self.count > 1:
            self._each(connections.close_all)
        self._pool.shutdown()


@contextmanager
def clients(count: int, using: str) -> Iterator[Clients]:
    """So many clients for the ``with`` block."""
    some = Clients(count, using)
    try:
        yield some
    finally:
        some.close()


def measure(name: str, ask: Ask, cell: Cell, some: Clients, truth: Truth) -> Result:
    """Ask all searches of a cell, and return what came of it."""
    queries = cell.queries
    timed = some.run(name, ask, queries)
    pairs = list(zip(queries, timed.answers, strict=True))
    recalls = [truth.recall(q.picture.pk, q.style, q.limit, answer) for q, answer in pairs]
    milliseconds = np.array(timed.seconds) * 1000
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    return Result(
        baseline=name,
        style=cell.style,
        keep_percent=cell.keep_percent,
        clients=some.count,
        queries=len(queries),
        recall=round(float(np.mean(recalls)), 4),
        recall_error=round(float(np.std(recalls) / np.sqrt(len(recalls))), 4),
        p50_ms=round(float(p50), 2),
        p95_ms=round(float(p95), 2),
        p99_ms=round(float(p99), 2),
        per_second=round(len(queries) / timed.wall, 1),
        statements=timed.statements,
        short_pages=sum(len(a) < truth.available(q.picture.pk, q.style, q.limit) for q, a in pairs),
    )


def _time(ask: Ask, query: Query) -> tuple[float, list[int]]:
    started = time.perf_counter()
    answer = ask(query)
    return time.perf_counter() - started, answer
