"""Which library a command is about."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.library import Library, libraries


def add_arguments(parser: CommandParser) -> None:
    """Declare ``--model`` and ``--database``."""
    parser.add_argument("--model", help="app.Model; needed only if several have an embedding")
    parser.add_argument(
        "--database", help="alias of the database; the one that the model is written to"
    )


def choose(options: dict[str, Any]) -> Library:
    """Return the library that these options name, or the only one there is.

    Raises:
        CommandError: there is none, or none of that name, or ``--model`` is needed.
    """
    library = _choose_by_label(options["model"])
    return Library(library.model, options["database"] or library.using)


def _choose_by_label(label: str | None) -> Library:
    known = {library.name: library for library in libraries()}
    if label is None and len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise CommandError(
            _("No installed model inherits from artsimilarity.models.SimilarityMixin.")
        )
    for name, library in known.items():
        if label is not None and name.lower() == label.lower():
            return library
    raise CommandError(
        _("Name the model with --model: %(models)s.") % {"models": ", ".join(sorted(known))}
    )
