"""The label under which our own tables speak of a host's model."""

from __future__ import annotations

from django.db.models import Model


def model_label(model: type[Model]) -> str:
    """Return ``app.Model``; a proxy has the label of the model whose rows it shows."""
    return (model._meta.concrete_model or model)._meta.label
