"""The manager that a model with an embedding gets, also where another base brings one along."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from django.db import models
from django.db.models.signals import class_prepared

from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.fields import VECTORS
from artsimilarity.search.querysets import SimilarityManager, SimilarityQuerySet


def combine_managers(sender: type[models.Model], **kwargs: Any) -> None:
    """Let ``objects`` be what every base wants it to be, where the class itself says nothing.

    Of ``class CustomImage(SimilarityMixin, AbstractImage)`` the first base would silently replace
    the second one's manager, and with it the methods that other code calls.
    """
    options = sender._meta
    if not issubclass(sender, EmbeddingColumns) or options.abstract or options.proxy:
        return
    if sender.similarity_picture_field or any(m.name == "objects" for m in options.local_managers):
        return
    inherited = [
        manager
        for base in sender.mro()[1:]
        if hasattr(base, "_meta")
        for manager in base._meta.local_managers
        if manager.name == "objects"
    ]
    others = [one for one in inherited if not isinstance(one, _Marked | SimilarityManager)]
    if not others or len(others) == len(inherited):
        return
    default = sender._default_manager.name
    combined(others[0]).contribute_to_class(sender, "objects")
    if options.default_manager_name is None and default != "objects":
        options.default_manager_name = default  # a manager of the class itself would come first
    options._expire_cache()  # type: ignore[attr-defined] # the stubs lack it


class _Marked:
    """Tells managers that were combined already."""


def combined(manager: models.Manager[Any]) -> models.Manager[Any]:
    """Return a manager that does what ``manager`` does, and what ours does."""
    made = copy.copy(manager)
    made.__class__ = _combined_manager(type(manager))  # type: ignore[arg-type] # a class can be hashed
    made._set_creation_counter()  # type: ignore[attr-defined]
    return made


@cache  # one class for each class of a host's managers
def _combined_manager(manager: type[models.Manager[Any]]) -> type[Any]:
    queryset = getattr(manager, "_queryset_class", models.QuerySet)
    base: Any = manager.from_queryset(_combined_queryset(queryset))

    class CombinedManager(_Marked, base):  # type: ignore[misc]
        """Both managers in one."""

        def get_queryset(self) -> Any:
            """The other manager's rows, without their vectors and with our methods."""
            rows = super().get_queryset()
            if not isinstance(rows, SimilarityQuerySet):  # it makes querysets in a way of its own
                rows = rows._chain()
                rows.__class__ = _combined_queryset(type(rows))  # type: ignore[arg-type]
            return rows.defer(*VECTORS)

    CombinedManager.__name__ = f"Similarity{manager.__name__}"
    return CombinedManager


@cache  # one class for each class of a host's querysets
def _combined_queryset(queryset: type[models.QuerySet[Any]]) -> type[models.QuerySet[Any]]:
    if issubclass(queryset, SimilarityQuerySet):
        return queryset
    return type(f"Similarity{queryset.__name__}", (SimilarityQuerySet, queryset), {})


class_prepared.connect(combine_managers, dispatch_uid="artsimilarity.managers")
