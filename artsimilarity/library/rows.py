"""Queries on rows that hold embeddings: what became of each, and which still need work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import F, Q

from artsimilarity.conf import get_settings
from artsimilarity.schema.columns import UNTRIED, EmbeddingColumns, blank_for
from artsimilarity.schema.managers import DeferringQuerySet
from artsimilarity.schema.states import EmbeddingStatus

if TYPE_CHECKING:
    from artsimilarity.library.recipes import RecipesInForce

_M = TypeVar("_M", bound=models.Model)

# Keys in one condition: Postgres takes 65,535 parameters.
_SLICE = 5_000


def has_picture(holder: type[EmbeddingColumns]) -> Q:
    """Whether a row's picture has a file at all."""
    name = holder.similarity_image_lookup()
    return ~(Q(**{name: ""}) | Q(**{f"{name}__isnull": True}))


def is_current(holder: type[EmbeddingColumns]) -> Q:
    """Whether a row speaks of the file that its picture holds now."""
    return Q(embedding_image=F(holder.similarity_image_lookup()))


def is_pending(holder: type[EmbeddingColumns]) -> Q:
    """Whether a row's present picture is neither embedded nor failed."""
    waiting = Q(embedding_status=EmbeddingStatus.PENDING) | ~is_current(holder)
    return has_picture(holder) & waiting


def is_settled(holder: type[EmbeddingColumns], status: EmbeddingStatus) -> Q:
    """Whether that is what became of a row's present picture."""
    return has_picture(holder) & is_current(holder) & Q(embedding_status=status)


class EmbeddingQuerySet(DeferringQuerySet[_M]):
    """Rows with the columns of :class:`~artsimilarity.schema.columns.EmbeddingColumns`."""

    def with_picture(self) -> Self:
        """Return the rows whose picture has a file at all."""
        return self.filter(has_picture(self._holder))

    def pending(self) -> Self:
        """Return the rows whose present picture is not embedded and has not failed.

        Rows that ``bulk_create()`` or ``update()`` changed behind the signals' back are among
        them: the file that the embedding speaks of is no longer the file in the image field.
        """
        return self.filter(is_pending(self._holder))

    def ready(self) -> Self:
        """Return the rows whose present picture is embedded."""
        return self.filter(is_settled(self._holder, EmbeddingStatus.READY))

    def failed(self) -> Self:
        """Return the rows whose present picture could not be embedded."""
        return self.filter(is_settled(self._holder, EmbeddingStatus.FAILED))

    def current(self) -> Self:
        """Return the rows that speak of the file that their picture holds now."""
        return self.filter(is_current(self._holder))

    def served(self, fingerprint: str) -> Self:
        """Return the rows whose vector of that recipe is served."""
        return self.filter(embedding__isnull=False, embedding_recipe=fingerprint)

    def served_otherwise(self, fingerprint: str) -> Self:
        """Return the rows that are served by a vector of another recipe than that one."""
        return self.filter(embedding__isnull=False).exclude(embedding_recipe=fingerprint)

    def unfilled(self, fingerprint: str) -> Self:
        """Return the embedded rows that lack the vector of the recipe being rolled out.

        Without those that were tried often enough: their pictures cannot be embedded any more.
        """
        rows = self.ready().exclude(embedding_next_recipe=fingerprint)
        return rows.filter(embedding_attempts__lt=get_settings().MAX_ATTEMPTS)

    def given_up(self, fingerprint: str) -> Self:
        """Return the embedded rows of which that recipe's vector was tried for often enough."""
        rows = self.ready().exclude(embedding_next_recipe=fingerprint)
        return rows.filter(embedding_attempts__gte=get_settings().MAX_ATTEMPTS)

    def to_do(self, recipes: RecipesInForce) -> Self:
        """Return the rows that a worker has to look at under these recipes."""
        if recipes.next is None:
            return self.pending()
        return self.pending() | self.unfilled(recipes.next.fingerprint)

    def reset_replaced(self) -> int:
        """Blank the embeddings of rows whose file was replaced behind the signals' back."""
        image = self._holder.similarity_image_value()
        replaced = self.order_by().with_picture().exclude(is_current(self._holder))
        return replaced.update(**blank_for(image))

    def mark_pending(self) -> int:
        """Make pictures wait for a worker whatever became of them before; they stay served."""
        self.reset_replaced()
        return self.order_by().with_picture().update(**UNTRIED)

    def digests(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the digests of the files that embeddings speak of, by primary key as text."""
        wanted = sorted(keys)
        digests: dict[str, str] = {}
        for start in range(0, len(wanted), _SLICE):
            some = self.filter(pk__in=wanted[start : start + _SLICE]).order_by()
            digests |= {str(pk): text for pk, text in some.values_list("pk", "embedding_digest")}
        return digests

    @property
    def _holder(self) -> type[EmbeddingColumns]:
        holder: Any = self.model
        checked: type[EmbeddingColumns] = holder
        return checked
