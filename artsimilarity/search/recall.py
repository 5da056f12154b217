"""Measures how many of the ten nearest pictures the index finds, on a small sample, in little time.

A graph of neighbours loses recall unseen: as a library grows, as many rows come and go, or where
its pictures stand in tight groups. So workers compare its pages now and then with all rows. Rows
that visitors may not see are in the index too, and are measured with it; no picture is named.
"""

from __future__ import annotations

import heapq
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from statistics import fmean, stdev
from typing import Any, Final

from django.db import OperationalError, connections, transaction
from django.db.models import BooleanField, Case, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from artsimilarity.conf import get_settings
from artsimilarity.library import Library, recall_history
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.sql import UnindexedDistance
from artsimilarity.schema.tables import RecallMeasurement
from artsimilarity.search.candidates import (
    MOST_CANDIDATES,
    candidates_for,
    candidates_in_force,
)
from artsimilarity.search.missed_way import is_missed
from artsimilarity.search.ordering import SPARE, check_style, order_by_similarity
from artsimilarity.search.query_vector import QueryVector, given_vector
from artsimilarity.search.sampling import samples, shuffled_place

logger = logging.getLogger(__name__)

PAGE: Final = 10
"""Recall is that of so many nearest pictures."""

LEAST_PICTURES: Final = 500
"""Of fewer the index brings hardly less than all."""

# As many pictures are searched for, unless comparing with all rows takes too long.
_PICTURES: Final = 100
# By fewer no candidates are chosen: a single page says next to nothing about a library.
_LEAST_TO_CHOOSE: Final = 5
# In one reading of the table; each picture of it costs an inner product a row and balance.
_AT_ONCE: Final = 10
# As many times the pictures that are needed are on the pages that are read to choose them.
_SPARE: Final = 20
# The same pictures are searched for so many days, so that recall changes only if the index does.
_SAME_DAYS: Final = 7
# No more of the time that is left is planned for: other work comes and goes.
_SAFE_SHARE: Final = 0.8
# Of the time, for comparing; the rest is for choosing candidates by what that found.
_SHARE_TO_COMPARE: Final = 0.7
# Rows fetched between two looks at the clock.
_CHUNK: Final = 2_000
# Where colours alone have a graph of their own, style 0 does not tell what the other one is worth:
# next to it many more candidates are needed than further away, and each has to be known.
_BESIDE_COLOUR: Final = (0.05, 0.25)
# Of the mean of the pages, so many are taken off before it is believed.
_STANDARD_ERRORS: Final = 2
# How many times as many candidates are tried next; and how many times as many are in vain if they
# find no more than this.
_STEP: Final = 1.4
_IN_VAIN: Final = 2
_GAIN: Final = 0.005

# The index is asked even where the planner would rather sort a small table, and one core is enough.
# All rows of a cursor are wanted, not the first of them soon.
_PLANNING = {
    "enable_sort": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "cursor_tuple_fraction": "1",
}


class RecallNotMeasuredError(Exception):
    """Recall could not be measured; the message says why, and what to do."""


class _OutOfTimeError(Exception):
    """The time that a measurement may take is over."""


def measure(library: Library, *, only_if_due: bool = False) -> RecallMeasurement:
    """Measure the recall of a library's index at style 0, ``ARTSIMILARITY["STYLE"]`` and 1.

    Where colours alone have an index of their own, also at 0.05 and 0.25, which the other answers.

    Up to 100 pictures are searched for as a visitor does who filters by nothing, and each page of
    ten is compared with all rows: a neighbour as near as the tenth nearest is right. Takes
    ``["RECALL_SECONDS"]`` at most, or in proportion more from 200,000 pictures on, of one core; and
    fewer pictures where that is too little. Never call it within a web request.

    Where that is less than ``["RECALL_AIM"]``, more candidates are tried until it is reached. From
    the moment that the measurement is saved on, searches take as many; a later one may find that
    fewer will do. Where there is time for fewer than five pictures they stay as they are.

    Args:
        library: that is measured.
        only_if_due: as sweeps do, which come often.

    Returns:
        The measurement, saved.

    Raises:
        RecallNotMeasuredError: there is no index of the recipe in service, or fewer than
            ``LEAST_PICTURES`` in it; another measurement is under way, or none is due; or not even
            one picture could be compared in time.
    """
    seconds = recall_history.seconds_for(library)
    deadline = time.monotonic() + seconds
    compared_by = deadline - (1 - _SHARE_TO_COMPARE) * seconds
    measurement = _plan(library)
    if not recall_history.begin(library, measurement, only_if_due=only_if_due):
        raise RecallNotMeasuredError(
            _("The recall of %(model)s is being measured already, or was just now.")
            % {"model": library.name}
        )
    pages: list[tuple[_Page, ...]] = []
    balances: list[_Balance] = []
    try:
        for some in _measure_pages(library, measurement, deadline, compared_by):
            pages += some
        balances = _balances(measurement, pages)
        if len(pages) >= _LEAST_TO_CHOOSE:
            for balance in balances:
                _choose_candidates(library, balance, deadline)
    except _OutOfTimeError:
        pass  # what was measured by then counts
    finally:
        # A promotion, or an index built anew meanwhile, leaves what was measured about nothing.
        if not recall_history.is_of_present_indexes(library, measurement):
            pages, balances = [], []
        balances = balances or _balances(measurement, pages)
        measurement.candidates = [one.candidates for one in balances] or measurement.candidates
        recalls = [one.recall for one in balances]
        recall_history.end(library, measurement, recalls=recalls, pictures=len(pages))
    if not pages:
        raise RecallNotMeasuredError(
            _(
                "The recall of %(model)s could not be measured within %(seconds)g seconds, or its "
                "index was built anew meanwhile. Try again, allow more time "
                "(ARTSIMILARITY['RECALL_SECONDS'], for each 200,000 pictures), or set "
                "RECALL_AT_LEAST to 0, which ends the measuring."
            )
            % {"model": library.name, "seconds": seconds}
        )
    logger.info(
        "The index of %s finds %s of the ten nearest at styles %s; %d pictures, %.1f s.",
        library.label,
        [round(recall, 3) for recall in measurement.recalls],
        measurement.styles,
        measurement.pictures,
        measurement.seconds,
        extra={"model": library.name, "seconds": measurement.seconds},
    )
    return measurement


def refresh(library: Library) -> RecallMeasurement | None:
    """Measure if it is due, and return the latest measurement there is; for sweeps.

    An error is logged and stops nobody: what calls this has more important work.
    """
    try:
        if get_settings().RECALL_AT_LEAST:
            _measure_if_due(library)
        return recall_history.read(library).latest
    except Exception:  # whatever it is; the next sweep, or that of tomorrow, tries again
        logger.exception(
            "The recall of %s could not be measured. “manage.py measure_recall” tries again.",
            library.label,
        )
        return None


def _measure_if_due(library: Library) -> None:
    try:
        if recall_history.is_due(library, _plan(library)):
            measure(library, only_if_due=True)
    except RecallNotMeasuredError as reason:
        level = logging.WARNING if recall_history.read(library).has_failed else logging.DEBUG
        logger.log(level, "%s", reason, extra={"model": library.name})


def _plan(library: Library) -> RecallMeasurement:
    """What would be measured now, not saved; raises as :func:`measure` does."""
    index = VectorIndex.serving(library)
    file, colour_file = recall_history.index_files(library)
    if file is None:
        raise RecallNotMeasuredError(
            _("%(model)s has no index to measure. Run “manage.py build_similarity_index”.")
            % {"model": library.name}
        )
    if library.rows.served(index.recipe)[:LEAST_PICTURES].count() < LEAST_PICTURES:
        raise RecallNotMeasuredError(
            _("Fewer than %(least)d pictures of %(model)s are embedded: too few to measure.")
            % {"least": LEAST_PICTURES, "model": library.name}
        )
    measurement = RecallMeasurement(
        model_label=library.label,
        fingerprint=index.recipe,
        index_file=file,
        colour_index_file=colour_file,
    )
    beside = _BESIDE_COLOUR if colour_file is not None else ()
    measurement.styles = sorted({0.0, *beside, check_style(None), 1.0})
    measurement.candidates = [_in_force(library, measurement, one) for one in measurement.styles]
    return measurement


def _in_force(library: Library, measurement: RecallMeasurement, style: float) -> int:
    """The candidates of a page of ten."""
    graph = measurement.graph_at(style)
    least = _least(style, graph)
    if graph is Graph.COLOUR:
        latest = recall_history.read(library).latest
        if latest is None or latest.colour_index_file is None:
            return least  # what is in force was measured of the other graph, which needs many more
    sql = candidates_in_force(library, measurement.fingerprint, style, graph=graph, least=least)
    with connections[library.using].cursor() as cursor:
        cursor.execute(f"SELECT {sql.sql}", sql.params)
        (text,) = cursor.fetchone()
    return int(text)


def _least(style: float, graph: Graph) -> int:
    """The fewest candidates that a page of ten is ever found with, by the settings."""
    # It takes the page, the rows to spare, and the picture searched for.
    return max(candidates_for(style, graph), PAGE + SPARE + 1)


@dataclass
class _Page:
    """What the index found.

    Attributes:
        pk: of the picture searched for, which is no answer.
        query: its vector.
        style: the balance.
        graph: by which it is searched.
        distances: of the pictures found, ascending.
        nearest: the ``PAGE`` smallest distances among those that are less than the last of these,
            negative, as a heap.
    """

    pk: Any
    query: QueryVector
    style: float
    graph: Graph
    distances: list[float]
    nearest: list[float]

    def meet(self, pk: Any, distance: float) -> None:
        """Take notice of a row that is nearer than the last one found."""
        if pk == self.pk or distance >= self.distances[-1]:
            return
        if len(self.nearest) < PAGE:
            heapq.heappush(self.nearest, -distance)
        else:
            heapq.heappushpop(self.nearest, -distance)

    def recall(self, distances: Sequence[float] | None = None) -> float:
        """Share of a page that is as near as the tenth nearest of all, once all were met.

        Args:
            distances: of another page for the same picture and balance, that was found later.
        """
        found = self.distances if distances is None else distances
        if len(self.nearest) == PAGE:
            return sum(one <= -self.nearest[0] for one in found) / PAGE
        if len(self.distances) == PAGE:  # nothing that was found is wrong
            return sum(one <= self.distances[-1] for one in found) / PAGE
        return min(1.0, len(found) / (len(self.nearest) or 1))


@dataclass
class _Balance:
    """What was found at one balance.

    Attributes:
        style: weight of the style block, 0..1.
        candidates: that the pages were found with.
        recalls: of each page with these candidates, 0..1.
        pages: of all pictures, as they were found at first.
    """

    style: float
    candidates: int
    recalls: Sequence[float]
    pages: Sequence[_Page]

    @property
    def recall(self) -> float:
        """Mean of the pages, 0..1."""
        return fmean(self.recalls)

    def is_sure(self, aim: float) -> bool:
        """Whether recall is what is aimed at, even if these pictures flatter.

        So few pictures tell recall to a hundredth at best, and the fewest candidates that seem to
        be enough for them are too few for others as often as not.
        """
        error = stdev(self.recalls) / math.sqrt(len(self.recalls))
        return self.recall - _STANDARD_ERRORS * error >= aim

    def take(self, other: _Balance) -> None:
        """Take over the candidates of another, and what was found with them."""
        self.candidates, self.recalls = other.candidates, other.recalls


def _balances(measurement: RecallMeasurement, pages: Sequence[tuple[_Page, ...]]) -> list[_Balance]:
    return [
        _Balance(style, candidates, [page.recall() for page in some], some)
        for style, candidates, some in zip(
            measurement.styles, measurement.candidates, zip(*pages, strict=True), strict=False
        )
    ]


def _choose_candidates(library: Library, balance: _Balance, deadline: float) -> None:
    """Raise the candidates until recall is what is aimed at; or lower them one step if it stays.

    Where twice as many find hardly more, the graph has no way to what is missing: none are added.

    Raises:
        _OutOfTimeError: there is no time for another step; those before it count.
    """
    aim = get_settings().RECALL_AIM
    if balance.is_sure(aim):
        least = _least(balance.style, balance.pages[0].graph)
        fewer = max(least, math.ceil(balance.candidates / _STEP))
        if fewer < balance.candidates:
            tried = _tried(library, balance, fewer, deadline)
            if tried.is_sure(aim):
                balance.take(tried)
        return
    best = replace(balance)
    while not balance.is_sure(aim) and balance.candidates < MOST_CANDIDATES:
        more = min(math.ceil(balance.candidates * _STEP), MOST_CANDIDATES)
        balance.take(_tried(library, balance, more, deadline))
        if balance.recall >= best.recall + _GAIN:
            best = replace(balance)
        elif balance.candidates >= _IN_VAIN * best.candidates:
            if balance.recall < aim or best.recall >= aim:
                balance.take(best)
            return


def _tried(library: Library, balance: _Balance, candidates: int, deadline: float) -> _Balance:
    """The same with other candidates; more of them find again what fewer found."""
    more = candidates > balance.candidates

    def found(page: _Page) -> float:
        asked = _ask_index(library, page.query, page.style, page.graph, candidates, deadline)
        return page.recall(asked.distances)

    recalls = [
        1.0 if more and recall == 1 else found(page)
        for page, recall in zip(balance.pages, balance.recalls, strict=True)
    ]
    return replace(balance, candidates=candidates, recalls=recalls)


def _measure_pages(
    library: Library, measurement: RecallMeasurement, deadline: float, compared_by: float
) -> Iterator[list[tuple[_Page, ...]]]:
    """Measure some pictures at a time, and yield their pages at each balance.

    One first, which tells how many there is time for until ``compared_by``. What is under way then
    may go on until the deadline.
    """
    chosen = _choose(library, measurement, deadline)
    at_once, taken = 1, dict[int, float]()
    while chosen:
        some, chosen = chosen[:at_once], chosen[at_once:]
        began = time.monotonic()
        pages = [
            _ask_index(library, query, style, measurement.graph_at(style), candidates, deadline)
            for query in some
            for style, candidates in zip(measurement.styles, measurement.candidates, strict=True)
        ]
        _compare_with_all(library, pages, deadline)
        balances = len(measurement.styles)
        yield [tuple(pages[start : start + balances]) for start in range(0, len(pages), balances)]
        taken[at_once] = time.monotonic() - began
        at_once = _how_many(taken, compared_by - time.monotonic())
        if at_once < 1:
            return


def _how_many(taken: Mapping[int, float], left: float) -> int:
    """Return how many pictures there is time for in one more reading of the table, 0 for none.

    Args:
        taken: seconds that a reading for so many pictures took; for one at least. A reading costs
            something by itself, and something more for each picture.
        left: seconds that there are.
    """
    one, most = taken[1], max(taken)
    each = max((taken[most] - one) / (most - 1), 1e-6) if most > 1 else one
    reading = max(0.0, one - each)
    return max(0, min(_AT_ONCE, int((_SAFE_SHARE * left - reading) / each)))


def _choose(library: Library, measurement: RecallMeasurement, deadline: float) -> list[QueryVector]:
    """The vectors of some served pictures; the same ones all week."""
    seed = timezone.now().toordinal() // _SAME_DAYS
    served = library.rows.current().served(measurement.fingerprint)
    chosen: list[tuple[Any, Any]] = []
    with _bounded(library.using, deadline):
        for rows in samples(library, served, about=_SPARE * _PICTURES, seed=seed):
            found = rows.order_by(shuffled_place(seed)).values_list("pk", "embedding")
            chosen = list(found[:_PICTURES])
            if len(chosen) == _PICTURES:
                break
    return [
        given_vector(vector, measurement.fingerprint, excluded=[pk], is_picture=True)
        for pk, vector in chosen
    ]


def _ask_index(
    library: Library,
    query: QueryVector,
    style: float,
    graph: Graph,
    candidates: int,
    deadline: float,
) -> _Page:
    """Search as a page does: once more, with all candidates, where it does not come by itself."""
    (pk,) = query.excluded
    with_itself = replace(query, excluded=())

    def search(candidates: int) -> list[tuple[Any, float]]:
        ordered = order_by_similarity(
            library.pictures, with_itself, style=style, candidates=candidates, graph=graph
        )
        with _bounded(library.using, deadline):
            return list(ordered.values_list("pk", "similarity")[: PAGE + SPARE + 1])

    found = search(candidates)
    if is_missed(found, pk):
        found = search(MOST_CANDIDATES)
    distances = sorted(-score for other, score in found if other != pk)[:PAGE]
    return _Page(pk=pk, query=query, style=style, graph=graph, distances=distances, nearest=[])


def _compare_with_all(library: Library, pages: Sequence[_Page], deadline: float) -> None:
    """Find what the index should have found, for several pages by one reading of the table.

    Only rows nearer than the last one of some page leave the database. A page that is short has
    no such bound, so the nearest of all are asked for.
    """
    full = [page for page in pages if len(page.distances) == PAGE]
    for page in pages:
        if len(page.distances) < PAGE:
            exact = order_by_similarity(
                library.pictures, page.query, style=page.style, exact=True
            ).values_list("similarity", flat=True)
            with _bounded(library.using, deadline):
                page.nearest = sorted(exact[:PAGE])
    if not full:
        return
    query = full[0].query
    column, condition = query.column(library), query.condition(library)
    names = [f"_distance_{number}" for number in range(len(full))]
    distances = {
        name: UnindexedDistance(column, page.query.weighted(page.style))
        for name, page in zip(names, full, strict=True)
    }
    nearer: Q = reduce(
        or_,
        (Q(**{f"{name}__lt": one.distances[-1]}) for name, one in zip(names, full, strict=True)),
    )
    # A vector of another recipe may have another size, and must not come before the comparison.
    compared = Case(When(condition, then=nearer), default=False, output_field=BooleanField())
    rows = library.pictures.annotate(**distances).filter(condition, compared)
    found: Any = rows.values_list("pk", *names).iterator(chunk_size=_CHUNK)
    # Closed in any case: what raises below holds on to the server's cursor.
    with _bounded(library.using, deadline), closing(found):
        for number, (pk, *near) in enumerate(found):
            if number % _CHUNK == 0 and time.monotonic() > deadline:
                raise _OutOfTimeError
            for page, distance in zip(full, near, strict=True):
                page.meet(pk, distance)


@contextmanager
def _bounded(using: str, deadline: float) -> Iterator[None]:
    """Read from the database until the deadline at most, with plans of our own.

    Raises:
        _OutOfTimeError: there is no time left, or a statement was ended for lack of it.
    """
    milliseconds = int(1000 * (deadline - time.monotonic()))
    if milliseconds < 1:
        raise _OutOfTimeError
    settings = {**_PLANNING, "statement_timeout": str(milliseconds)}
    try:
        with transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                calls = ", ".join("set_config(%s, %s, true)" for _setting in settings)
                cursor.execute(
                    f"SELECT {calls}", [text for pair in settings.items() for text in pair]
                )
            yield
            # Takes the settings back even within a caller's transaction; nothing was written.
            transaction.set_rollback(True, using=using)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise _OutOfTimeError from error
        raise
