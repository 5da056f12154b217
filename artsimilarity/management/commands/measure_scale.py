"""Measure how alike random pictures of a library are, for the percentiles beside its neighbours."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import router
from django.utils.translation import gettext as _

from artsimilarity import scale
from artsimilarity.management.model_choice import choose_model


class Command(BaseCommand):
    """``manage.py measure_scale``."""

    help = (
        "Measures how alike random pictures of the library are, so that neighbours can be "
        "described in words. The sweep does so once a day; this does it now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--model", help="app.Model; needed only if several have an embedding")
        parser.add_argument(
            "--database", help="alias of the database; the one that the model is written to"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, and say on how much."""
        model = choose_model(options["model"])
        using = options["database"] or router.db_for_write(model)
        measured = scale.measure(model, using=using)
        if measured is None:
            self.stdout.write(
                _(
                    "Fewer than %(least)d pictures that anybody may see are embedded: too few to "
                    "measure."
                )
                % {"least": scale.LEAST_PICTURES}
            )
            return
        self.stdout.write(
            _("Measured on %(pairs)d pairs of %(pictures)d pictures.")
            % {"pairs": measured.pairs, "pictures": measured.pictures}
        )
