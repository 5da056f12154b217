"""``similar_to()`` on querysets, and the manager that leaves vectors in the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.query import ModelIterable
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND

from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.fields import VECTORS
from artsimilarity.schema.sql import Gate
from artsimilarity.search.examples import Example, WeightedPicture, parse_examples
from artsimilarity.search.nearest import nearest
from artsimilarity.search.ordering import ORDER_OF_INDEX, check_style, order_by_similarity
from artsimilarity.search.query_vector import QueryVector, stored_vector, vector_of_examples

_M = TypeVar("_M", bound=models.Model)
_Q = TypeVar("_Q", bound=models.QuerySet[Any])


@dataclass(frozen=True, kw_only=True)
class _Sought:
    """What ``similar_to()`` made of a queryset, so that a page of it can be looked for anew.

    Attributes:
        query: what pictures are compared with.
        style: weight of the style block, 0..1.
        gate: the first of the conditions that were added for it.
        conditions: how many they are.
        annotations: names of what was annotated for it.
    """

    query: QueryVector
    style: float
    gate: Gate
    conditions: int
    annotations: frozenset[str]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself, as a copied queryset has the same gate: Django clones its conditions."""
        return self


class SimilarityQuerySet(EmbeddingQuerySet[_M]):
    """The queryset of :class:`~artsimilarity.models.SimilarityMixin`; hosts may inherit from it."""

    _sought: _Sought | None = None

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._sought = self._sought
        return clone

    def _fetch_all(self) -> None:
        """Read a page of what ``similar_to()`` ordered as ``more_like_this()`` does."""
        sought = self._sought
        if self._result_cache is None and sought is not None and self._is_page(sought):
            self._result_cache = self._nearest(sought)
            self._prefetch_done = True  # with its rows
        super()._fetch_all()

    def _is_page(self, sought: _Sought) -> bool:
        """Whether it is a slice of whole pictures, still in the order of their similarity."""
        query = self.query
        return (
            query.high_mark is not None
            and _place(sought.gate, query) >= 0
            and not query.is_empty()
            and query.order_by == (ORDER_OF_INDEX,)
            and not query.combinator
            and not query.select_for_update
            and issubclass(self._iterable_class, ModelIterable)
        )

    def _nearest(self, sought: _Sought) -> list[_M]:
        """How to search depends on the filters, and those may have come after ``similar_to()``."""
        filtered: Any = self.using(self.db)  # a router may choose another one each time
        filtered._sought = None
        query = filtered.query
        start, stop = query.low_mark, query.high_mark
        query.clear_limits()
        query.clear_ordering(force=True)
        first = _place(sought.gate, query)
        del query.where.children[first : first + sought.conditions]
        for name in sought.annotations:
            query.annotations.pop(name, None)
        query.set_annotation_mask(set(query.annotation_select) - sought.annotations)
        return nearest(filtered, sought.query, limit=stop, style=sought.style)[start:]

    def similar_to(
        self,
        examples: models.Model | Iterable[Example],
        style: float | None = None,
        *,
        unlike: models.Model | Iterable[Example] = (),
    ) -> Self:
        """Return these pictures, nearest to the examples first; slice it to the number you show.

        ``Artwork.objects.similar_to(artwork)[:8]``; or ``similar_to([a, b, c], unlike=[d])`` for
        pictures like the middle of several, away from others. ``similar_to([(a, 2), b])`` lets one
        count twice as much. The vector of a single example is read inside the query; several are
        read at once, when this is called.

        A slice is read as :func:`~artsimilarity.search.more_like_this` reads its page: the way to
        search is chosen by how many rows all filters keep, later ones included, and a page that the
        index leaves short is filled.

        Args:
            examples: a saved picture, or some, each alone or as a pair with its weight.
            style: see :func:`~artsimilarity.search.ordering.order_by_similarity`, also for
                annotations.
            unlike: pictures to move away from, with weights if need be.

        Raises:
            ValueError: ``style`` lies outside 0..1, a picture is not saved, there is none, or a
                weight is not above 0.
            TypeError: a picture is of another model, or no picture.
        """
        return similar_to(self, examples, style, unlike=unlike)


def similar_to(
    pictures: _Q,
    examples: models.Model | Iterable[Example],
    style: float | None = None,
    *,
    unlike: models.Model | Iterable[Example] = (),
) -> _Q:
    """Order any queryset as :meth:`SimilarityQuerySet.similar_to` does.

    For querysets of another class, such as those of pictures that have a companion:
    ``similar_to(Photo.objects.filter(is_public=True), photo)[:8]``
    """
    query = vector_of_pictures(Library.searched(pictures), _listed(examples), _listed(unlike))
    if query is None:
        check_style(style)
        return pictures.none()
    style = check_style(style)
    ordered: Any = order_by_similarity(pictures, query, style=style)
    if isinstance(ordered, SimilarityQuerySet):
        known, added = pictures.query, ordered.query
        conditions: list[Any] = list(added.where.children[len(known.where.children) :])
        ordered._sought = _Sought(
            query=query,
            style=style,
            gate=conditions[0],
            conditions=len(conditions),
            annotations=frozenset(added.annotations) - frozenset(known.annotations),
        )
    found: _Q = ordered
    return found


def vector_of_pictures(
    library: Library, liked: list[WeightedPicture], unlike: list[WeightedPicture]
) -> QueryVector | None:
    """Return what a search for pictures like some, and unlike others, compares with.

    Returns:
        None if no example has a vector.

    Raises:
        ValueError: a picture is not saved, or there is none.
        TypeError: a picture is of another model than the library's.
    """
    if not liked:
        raise ValueError("similar_to() needs at least one picture.")
    model = library.model._meta.concrete_model or library.model
    for picture, _weight in (*liked, *unlike):
        if not isinstance(picture, model):
            raise TypeError(
                f"similar_to() on {library.model.__name__} needs a {library.model.__name__}, "
                f"not a {type(picture).__name__}."
            )
        if picture.pk is None:
            raise ValueError("similar_to() needs a saved picture: this one has no primary key yet.")
    if len(liked) == 1 and not unlike:
        return stored_vector(library, liked[0].picture)
    towards, away = ([(one.picture.pk, one.weight) for one in side] for side in (liked, unlike))
    return vector_of_examples(library, towards, away)


def _place(gate: Gate, query: Query) -> int:
    """Where a condition stands among those that must all hold; -1 if it is none of them."""
    children: Any = query.where.children if query.where.connector == AND else []
    # By identity: equality of conditions is costly, and another search may have an equal one.
    return next((place for place, child in enumerate(children) if child is gate), -1)


def _listed(pictures: models.Model | Iterable[Example]) -> list[WeightedPicture]:
    return parse_examples([pictures] if isinstance(pictures, models.Model) else pictures)


_FromQuerySet = models.Manager.from_queryset(SimilarityQuerySet)


class SimilarityManager(_FromQuerySet[_M]):
    """Leaves the vectors in the database: an ordinary page never loads them."""

    def get_queryset(self) -> SimilarityQuerySet[_M]:
        """All rows, without their vectors; ``defer(None)`` loads them."""
        rows: Any = super().get_queryset()  # the stubs forget the queryset's class
        deferred: SimilarityQuerySet[_M] = rows.defer(*VECTORS)
        return deferred
