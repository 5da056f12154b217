"""What a host's class gets once it is complete, whatever its own ``Meta`` says.

``Meta`` of an abstract model is lost as soon as the host writes a ``Meta`` of its own.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.signals import class_prepared

from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.indexes import add_indexes


def prepare(sender: type[models.Model], **kwargs: Any) -> None:
    """Add our indexes, and follow foreign keys without loading vectors."""
    options = sender._meta
    if not issubclass(sender, EmbeddingColumns) or options.abstract or options.proxy:
        return
    add_indexes(sender)
    if options.base_manager_name is None:
        options.base_manager_name = "similarity_base"
        options._expire_cache()  # type: ignore[attr-defined] # the stubs lack it


class_prepared.connect(prepare, dispatch_uid="artsimilarity.preparation")
