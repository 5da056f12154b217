"""Which model a command is about, and in which database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import router
from django.utils.translation import gettext as _

from artsimilarity.models import SimilarityMixin, similarity_models


def add_arguments(parser: CommandParser) -> None:
    """Declare ``--model`` and ``--database``."""
    parser.add_argument("--model", help="app.Model; needed only if several have an embedding")
    parser.add_argument(
        "--database", help="alias of the database; the one that the model is written to"
    )


def choose(options: dict[str, Any]) -> tuple[type[SimilarityMixin], str]:
    """Return the model and the database alias that these options name.

    Raises:
        CommandError: there is no such model, or ``--model`` is needed.
    """
    model = _choose_model(options["model"])
    return model, options["database"] or router.db_for_write(model)


def _choose_model(label: str | None) -> type[SimilarityMixin]:
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
