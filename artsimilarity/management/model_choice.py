"""Which model a command is about."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from artsimilarity.models import SimilarityMixin, similarity_models


def choose_model(label: str | None) -> type[SimilarityMixin]:
    """Return the model of that label, or the only one there is.

    Raises:
        CommandError: there is none, or none of that name, or the label is needed.
    """
    known = {model._meta.label: model for model in similarity_models()}
    if label is None and len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise CommandError(
            _("No installed model inherits from artsimilarity.models.SimilarityMixin.")
        )
    for name, model in known.items():
        if label is not None and name.lower() == label.lower():
            return model
    raise CommandError(
        _("Name the model with --model: %(models)s.") % {"models": ", ".join(sorted(known))}
    )
