"""Queries on a model with an embedding: who is near, and who still needs work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import F, Q

from artsimilarity.conf import get_settings
from artsimilarity.expressions import (
    Gate,
    InnerProduct,
    InnerProductDistance,
    Subvector,
    UnindexedDistance,
)
from artsimilarity.fields import VECTORS
from artsimilarity.status import EmbeddingStatus
from artsimilarity.targets import Target, stored_target, target_of_examples

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin
    from artsimilarity.recipes import Plan

_M = TypeVar("_M", bound=models.Model)

# Below this style the colour block decides, and its many near-ties need more candidates.
_LEANS_ON_COLOUR = 0.1


def order_by_similarity(
    queryset: models.QuerySet[_M],
    target: Target,
    *,
    style: float | None = None,
    candidates: int | None = None,
    exact: bool = False,
) -> models.QuerySet[_M]:
    """Return ``queryset``'s pictures, nearest to ``target`` first, as one lazy query.

    Only vectors of the target's own recipe are compared with it, and its examples are left out. A
    picture without an embedding has no neighbours.

    Args:
        queryset: any queryset of the target's model, not sliced; filters and joins compose. An
            ``order_by`` is replaced.
        target: what to compare with.
        style: weight of the style block, 0..1; the colour block gets the rest. None takes
            ``ARTSIMILARITY["STYLE"]``.
        candidates: ``hnsw.ef_search``; None takes ``ARTSIMILARITY["EF_SEARCH"]`` or
            ``["EF_SEARCH_COLOUR"]``.
        exact: compare with every row instead of asking the index.

    Returns:
        The queryset annotated with ``similarity_style`` and ``similarity_colour`` (cosine of the
        style blocks and Hellinger affinity of the colour blocks, at most 1), ``similarity``, their
        weighted mean, by which it is ordered, and ``similarity_recipe``, the fingerprint of the
        recipe under which they hold.

    Raises:
        ValueError: ``style`` lies outside 0..1.
    """
    style = check_style(style)
    weighted = target.weighted(style)
    distance = UnindexedDistance if exact else InnerProductDistance
    gate: list[Any] = []
    if not exact:
        settings = get_settings()
        if candidates is None:
            candidates = candidates_for(style)
        gate.append(
            Gate(
                {
                    "hnsw.ef_search": str(candidates),
                    "hnsw.iterative_scan": settings.ITERATIVE_SCAN,
                },
                target.source,
            )
        )
    size, colour_size = target.block_sizes
    ordered: models.QuerySet[_M] = (
        queryset.filter(*gate, target.condition, ~Q(pk__in=target.excluded))
        .alias(_distance=distance(target.column, weighted))
        .annotate(
            similarity=InnerProduct(target.column, weighted),
            similarity_style=_block_product(target, 1, size),
            similarity_colour=_block_product(target, size + 1, colour_size),
            similarity_recipe=target.recipe_sql(),
        )
        # Equals in a fixed order, where that costs nothing: as a second key it disables the index.
        .order_by("_distance", *(["pk"] if exact else []))
    )
    return ordered


def check_style(style: float | None) -> float:
    """Return the balance to search with, to four digits: nobody sees less.

    Raises:
        ValueError: it lies outside 0..1.
    """
    style = get_settings().STYLE if style is None else style
    if not 0 <= style <= 1:
        raise ValueError(
            f"style must lie between 0 (colour alone) and 1 (style alone), not {style}."
        )
    return round(style, 4)


def candidates_for(style: float) -> int:
    """Return the ``hnsw.ef_search`` for a balance, where nothing is known of filters."""
    settings = get_settings()
    return settings.EF_SEARCH_COLOUR if style < _LEANS_ON_COLOUR else settings.EF_SEARCH


def _block_product(target: Target, start: int, size: int) -> Any:
    """Inner product of one block (1-based ``start``) of a row's vector and the target's."""
    blocks = [Subvector(side, start, size) for side in (target.column, target.vector)]
    return InnerProduct(*blocks)


def has_picture(model: Any) -> Q:
    """Whether a row of ``model`` holds a picture at all."""
    name = model.similarity_image_field
    return ~(Q(**{name: ""}) | Q(**{f"{name}__isnull": True}))


def is_pending(model: Any) -> Q:
    """Whether a row's present picture is neither embedded nor failed."""
    return has_picture(model) & (Q(embedding_status=EmbeddingStatus.PENDING) | ~_is_current(model))


def is_settled(model: Any, status: EmbeddingStatus) -> Q:
    """Whether that is what became of a row's present picture."""
    return has_picture(model) & _is_current(model) & Q(embedding_status=status)


def _is_current(model: Any) -> Q:
    return Q(embedding_image=F(model.similarity_image_field))


class SimilarityQuerySet(models.QuerySet[_M]):
    """The queryset of :class:`~artsimilarity.models.SimilarityMixin`; hosts may inherit from it."""

    def similar_to(
        self,
        examples: SimilarityMixin | Iterable[SimilarityMixin],
        style: float | None = None,
        *,
        unlike: SimilarityMixin | Iterable[SimilarityMixin] = (),
    ) -> Self:
        """Return these pictures, nearest to the examples first; slice it to the number you show.

        ``Artwork.objects.similar_to(artwork)[:8]``; or ``similar_to([a, b, c], unlike=[d])`` for
        pictures like the middle of several, away from others. The vector of a single example is
        read inside the query; several are read at once, when this is called.

        Args:
            examples: a saved picture, or some.
            style: see :func:`order_by_similarity`, also for annotations.
            unlike: pictures to move away from.

        Raises:
            ValueError: ``style`` lies outside 0..1, a picture is not saved, or there is none.
            TypeError: a picture is of another model.
        """
        target = make_target(self, examples, unlike)
        if target is None:
            check_style(style)
            return self.none()
        return order_by_similarity(self, target, style=style)  # type: ignore[return-value]

    def with_picture(self) -> Self:
        """Return the rows that hold a picture at all."""
        return self.filter(has_picture(self.model))

    def pending(self) -> Self:
        """Return the rows whose present picture is not embedded and has not failed.

        Rows that ``bulk_create()`` or ``update()`` changed behind the signals' back are among
        them: the file that the embedding speaks of is no longer the file in the image field.
        """
        return self.filter(is_pending(self.model))

    def ready(self) -> Self:
        """Return the rows whose present picture is embedded."""
        return self.filter(is_settled(self.model, EmbeddingStatus.READY))

    def unfilled(self, fingerprint: str) -> Self:
        """Return the embedded rows that lack the vector of the recipe being rolled out.

        Without those that were tried often enough: their pictures cannot be embedded any more.
        """
        rows = self.ready().exclude(embedding_next_recipe=fingerprint)
        return rows.filter(embedding_attempts__lt=get_settings().MAX_ATTEMPTS)

    def to_do(self, plan: Plan) -> Self:
        """Return the rows that a worker has to look at under ``plan``."""
        if plan.next is None:
            return self.pending()
        return self.pending() | self.unfilled(plan.next.fingerprint)

    def failed(self) -> Self:
        """Return the rows whose present picture could not be embedded."""
        return self.filter(is_settled(self.model, EmbeddingStatus.FAILED))

    def stale(self) -> Self:
        """Return the embedded rows whose vector comes from another recipe than the one in force."""
        fingerprint = get_settings().recipe.fingerprint
        return self.filter(embedding__isnull=False).exclude(embedding_recipe=fingerprint)


def make_target(
    queryset: models.QuerySet[Any],
    examples: SimilarityMixin | Iterable[SimilarityMixin],
    unlike: SimilarityMixin | Iterable[SimilarityMixin] = (),
) -> Target | None:
    """Return what ``similar_to`` looks for; None if no example has a vector.

    Raises:
        ValueError: a picture is not saved, or there is none.
        TypeError: a picture is of another model than the queryset's.
    """
    liked, disliked = _as_list(examples), _as_list(unlike)
    if not liked:
        raise ValueError("similar_to() needs at least one picture.")
    model = queryset.model._meta.concrete_model or queryset.model
    for picture in (*liked, *disliked):
        if not isinstance(picture, model):
            raise TypeError(
                f"similar_to() on {queryset.model.__name__} needs a {queryset.model.__name__}, "
                f"not a {type(picture).__name__}."
            )
        if picture.pk is None:
            raise ValueError("similar_to() needs a saved picture: this one has no primary key yet.")
    if len(liked) == 1 and not disliked:
        return stored_target(liked[0], queryset.db)
    pks = [picture.pk for picture in liked], [picture.pk for picture in disliked]
    return target_of_examples(model, *pks, queryset.db)


def _as_list(pictures: SimilarityMixin | Iterable[SimilarityMixin]) -> list[SimilarityMixin]:
    return [pictures] if isinstance(pictures, models.Model) else list(pictures)


_FromQuerySet = models.Manager.from_queryset(SimilarityQuerySet)


class SimilarityManager(_FromQuerySet[_M]):
    """Leaves the vectors in the database: an ordinary page never loads them."""

    def get_queryset(self) -> SimilarityQuerySet[_M]:
        """All rows, without their vectors; ``defer(None)`` loads them."""
        rows: Any = super().get_queryset()  # the stubs forget the queryset's class
        deferred: SimilarityQuerySet[_M] = rows.defer(*VECTORS)
        return deferred
