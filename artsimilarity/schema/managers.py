"""Managers and querysets that leave the vectors in the database unless they are asked for."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from django.db import models

from artsimilarity.schema.fields import VECTORS

_M = TypeVar("_M", bound=models.Model)

_DEFERRED = (frozenset(VECTORS), True)


class DeferringQuerySet(models.QuerySet[_M]):
    """Knows that its vectors are deferred by default, and that ``only()`` may name them."""

    def only(self, *fields: Any) -> Self:
        """Load these fields alone, vectors too if they are named.

        Django's own ``only()`` takes what was deferred before for what must stay so: a vector that
        is loaded when it is first looked at would never come.
        """
        rows = self.defer(None) if self.query.deferred_loading == _DEFERRED else self
        return super(DeferringQuerySet, rows).only(*fields)


class DeferringManager(models.Manager[_M]):
    """All rows without their vectors: the base manager, by which foreign keys are followed."""

    def get_queryset(self) -> DeferringQuerySet[_M]:
        """All rows; ``defer(None)`` loads the vectors too."""
        rows = DeferringQuerySet[_M](self.model, using=self._db, hints=self._hints)  # type: ignore[attr-defined]
        return rows.defer(*VECTORS)


def vectors(*paths: str) -> tuple[str, ...]:
    """Return what to hand to ``defer()`` where ``select_related()`` leads to pictures.

    ``Page.objects.select_related("image").defer(*vectors("image"))``: a join reads every column of
    the other table, whatever its managers say. Without a path, the vectors of the model itself.
    """
    return tuple(f"{path}__{name}" if path else name for path in paths or ("",) for name in VECTORS)
