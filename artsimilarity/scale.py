"""How alike random pictures of a library are: what turns a raw score into a percentile.

A style score of 0.8 is rare in one library and common in another. So the scores of random pairs
are measured now and then, among the pictures that an anonymous visitor may see, and their
quantiles are kept: hidden pictures leave no trace in what is shown.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import BigIntegerField, F, Func, TextField, Value
from django.db.models.functions import Cast
from django.utils import timezone

from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.expressions import Sql
from artsimilarity.labels import model_label
from artsimilarity.planning import table_rows
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import current_plan

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin, SimilarityScale

logger = logging.getLogger(__name__)

LEAST_PICTURES: Final = 20
"""Among fewer, a percentile says nothing."""

MAX_AGE: Final = timedelta(days=1)
"""After this time a scale is measured anew."""

PROBABILITIES: Final = (
    *(percent / 100 for percent in range(100)),
    *(0.99 + thousandth / 1000 for thousandth in range(1, 10)),
    1.0,
)
"""Of the stored quantiles; finer at the upper end, where neighbours are."""

_PICTURES: Final = 2_000
_PAIRS: Final = 10_000
# Chooses the same pictures every time, so that percentiles move only if the library does.
_SEED: Final = 1


def percentile(score: float, quantiles: Sequence[float], pairs: int) -> float:
    """Return how many per cent of random pairs have a lower score; rounded down to hundredths.

    Pairs of the same score count by half, so that where all are equal nothing stands out.

    Args:
        score: of style or of colour.
        quantiles: of the same kind of score, at ``PROBABILITIES``, ascending.
        pairs: how many pairs they were measured on. A score above all of them gets
            ``100 * pairs / (pairs + 1)``, since the next pair might be higher.

    Returns:
        0 to less than 100.
    """
    first, behind = bisect_left(quantiles, score), bisect_right(quantiles, score)
    if first < behind:
        share = (PROBABILITIES[first] + PROBABILITIES[behind - 1]) / 2
    elif first == 0:
        share = 0.0
    elif first == len(quantiles):
        share = 1.0
    else:
        below, above = quantiles[first - 1], quantiles[first]
        lower, upper = PROBABILITIES[first - 1], PROBABILITIES[first]
        share = lower + (upper - lower) * (score - below) / (above - below)
    return math.floor(10_000 * min(share, pairs / (pairs + 1))) / 100


def current_scale(
    model: type[SimilarityMixin], fingerprint: str, using: str
) -> SimilarityScale | None:
    """Return the stored scale of ``model``'s library under a recipe; None if there is none."""
    from artsimilarity.models import SimilarityScale

    scales = SimilarityScale.objects.using(using)
    return scales.filter(model_label=model_label(model), fingerprint=fingerprint).first()


def measure(
    model: type[SimilarityMixin], fingerprint: str | None = None, *, using: str = "default"
) -> SimilarityScale | None:
    """Measure the scale of a library and store it in the place of the last one.

    Up to 2,000 pictures of ``similarity_queryset(None)`` are taken, and up to 10,000 pairs of
    them; all pairs where there are no more than 100 pictures. Of a large table only the pages that
    this takes are read.

    Args:
        model: the host's picture model.
        fingerprint: of the recipe; None takes the one that is served.
        using: database alias.

    Returns:
        The scale; None if there are fewer than ``LEAST_PICTURES``, and then none is stored.
    """
    from artsimilarity.models import SimilarityScale

    fingerprint = fingerprint or current_plan(model, using).serving.fingerprint
    known: dict[str, Any] = {"model_label": model_label(model), "fingerprint": fingerprint}
    scales = SimilarityScale.objects.using(using)
    spread = _measure_spread(model, fingerprint, using)
    if spread is None or spread.pictures < LEAST_PICTURES:
        scales.filter(**known).delete()
        return None
    values = {**asdict(spread), "measured_at": timezone.now()}
    scale, _created = scales.update_or_create(**known, defaults=values)
    logger.info("Measured %d pairs of %s.", scale.pairs, known["model_label"], extra=known)
    return scale


def refresh(
    model: type[SimilarityMixin], fingerprint: str | None = None, *, using: str = "default"
) -> bool:
    """Measure the scale if there is none, if it is a day old, or if a small library has doubled.

    An error is logged and stops nobody: what calls this has more important work.

    Args:
        model: the host's picture model.
        fingerprint: of the recipe; None takes the one that is served.
        using: database alias.

    Returns:
        Whether it was measured.
    """
    try:
        fingerprint = fingerprint or current_plan(model, using).serving.fingerprint
        due = _is_due(model, fingerprint, using)
        if due:
            measure(model, fingerprint, using=using)
    except Exception:  # similarity_queryset() is the host's own, and may need a request
        logger.exception(
            "The similarity scale of %s could not be measured. “manage.py measure_scale” tries "
            "again.",
            model_label(model),
        )
        return False
    return due


def _is_due(model: type[SimilarityMixin], fingerprint: str, using: str) -> bool:
    scale = current_scale(model, fingerprint, using)
    if scale is None or scale.measured_at < timezone.now() - MAX_AGE:
        return True
    if scale.pictures >= _PICTURES:
        return False
    doubled = 2 * scale.pictures
    return _rows(model, fingerprint, using)[:doubled].count() == doubled


@dataclass(frozen=True)
class _Spread:
    pictures: int
    pairs: int
    style_quantiles: list[float]
    colour_quantiles: list[float]


def _measure_spread(model: type[SimilarityMixin], fingerprint: str, using: str) -> _Spread | None:
    """Take a few pages of the table, and more of them if they hold too few visible pictures."""
    rows = _rows(model, fingerprint, using)
    total = table_rows(rows)
    percent = min(100.0, 100 * 2 * _PICTURES / total) if total > 0 else 100.0
    while True:
        spread = _read_spread(rows, fingerprint, percent)
        if percent >= 100 or (spread is not None and spread.pictures >= _PICTURES):
            return spread
        percent = min(100.0, 20 * percent)


def _read_spread(rows: SimilarityQuerySet[Any], fingerprint: str, percent: float) -> _Spread | None:
    connection = connections[rows.db]
    if percent < 100:
        rows = rows.filter(pk__in=_some_pages(rows, percent))
    chosen = (
        rows.annotate(place=_shuffled_place())
        .order_by("place")
        .values("place", vector=F("embedding"))[:_PICTURES]
    )
    try:
        sql, params = chosen.query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:  # the host shows nothing to anybody
        return None
    size, colour_size = block_sizes(fingerprint)
    blocks = ((1, size), (size + 1, colour_size))
    style, colour = (
        f"-(subvector(a.vector, {start}, {length}) <#> subvector(b.vector, {start}, {length}))"
        for start, length in blocks
    )
    quantiles = "percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY"
    with connection.cursor() as cursor:
        # Each picture goes with some of those after it: all of them, where there are few.
        cursor.execute(
            f"WITH picture AS MATERIALIZED (SELECT vector, count(*) OVER () AS total,"  # noqa: S608
            f" row_number() OVER (ORDER BY place) AS place FROM ({sql}) AS chosen),"
            f" pair AS MATERIALIZED (SELECT {style} AS style, {colour} AS colour FROM picture a"
            f" CROSS JOIN LATERAL generate_series(1, ceil(%s::float8 / total)::int) AS step"
            f" JOIN picture b ON b.place = a.place + step)"
            f" SELECT (SELECT count(*) FROM picture), count(*),"
            f" {quantiles} style), {quantiles} colour) FROM pair",
            [*params, _PAIRS, list(PROBABILITIES), list(PROBABILITIES)],
        )
        return _Spread(*cursor.fetchone())


def _rows(model: type[SimilarityMixin], fingerprint: str, using: str) -> SimilarityQuerySet[Any]:
    """The pictures that an anonymous visitor may see and that have a vector of the recipe."""
    visible = model.similarity_queryset(None).using(using)
    rows = SimilarityQuerySet[Any](model, using=using)
    return rows.filter(
        pk__in=visible.order_by().values("pk"),
        embedding__isnull=False,
        embedding_recipe=fingerprint,
    )


def _some_pages(rows: SimilarityQuerySet[Any], percent: float) -> Sql:
    """Primary keys on a random part of the table's pages."""
    options = rows.model._meta.get_field("embedding").model._meta
    quote = connections[rows.db].ops.quote_name
    table, pk = quote(options.db_table), quote(str(options.pk.column))
    return Sql(
        f"(SELECT {pk} FROM {table} TABLESAMPLE SYSTEM (%s) REPEATABLE (%s))",  # noqa: S608
        [percent, _SEED],
    )


def _shuffled_place() -> Func:
    """An order without sense, the same every time, that depends on nothing but the row itself."""
    text = Cast("pk", TextField())
    return Func(text, Value(_SEED), function="hashtextextended", output_field=BigIntegerField())
