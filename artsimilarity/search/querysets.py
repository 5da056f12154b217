"""``similar_to()`` on querysets, and the manager that leaves vectors in the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from django.db import models

from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.fields import VECTORS
from artsimilarity.search.examples import Example, WeightedPicture, parse_examples
from artsimilarity.search.ordering import check_style, order_by_similarity
from artsimilarity.search.query_vector import QueryVector, stored_vector, vector_of_examples

_M = TypeVar("_M", bound=models.Model)
_Q = TypeVar("_Q", bound=models.QuerySet[Any])


class SimilarityQuerySet(EmbeddingQuerySet[_M]):
    """The queryset of :class:`~artsimilarity.models.SimilarityMixin`; hosts may inherit from it."""

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
    """Do the same for any queryset, such as one of pictures that have a companion.

    ``similar_to(Photo.objects.filter(is_public=True), photo)[:8]``
    """
    query = vector_of_pictures(Library.searched(pictures), _listed(examples), _listed(unlike))
    if query is None:
        check_style(style)
        return pictures.none()
    ordered: Any = order_by_similarity(pictures, query, style=style)
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
