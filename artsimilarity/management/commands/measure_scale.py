"""Measure how alike random pictures of a library are, for the percentiles beside its neighbours."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from artsimilarity import scale
from artsimilarity.management import model_choice


class Command(BaseCommand):
    """``manage.py measure_scale``."""

    help = (
        "Measures how alike random pictures of the library are, so that neighbours can be "
        "described in words. The sweep does so once a day; this does it now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        model_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, and say on how much."""
        model, using = model_choice.choose(options)
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
