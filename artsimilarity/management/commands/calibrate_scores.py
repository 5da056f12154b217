"""Measure how alike random pictures of a library are, for the percentiles beside its neighbours."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.management import library_choice
from artsimilarity.search import score_calibration


class Command(BaseCommand):
    """``manage.py calibrate_scores``."""

    help = (
        "Measures how alike random pictures of the library are, so that neighbours can be "
        "described in words. The sweep does so once a day; this does it now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        library_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, and say on how much."""
        measured = score_calibration.calibrate(library_choice.choose(options))
        if measured is None:
            self.stdout.write(
                _(
                    "Fewer than %(least)d pictures that anybody may see are embedded: too few to "
                    "measure."
                )
                % {"least": score_calibration.LEAST_PICTURES}
            )
            return
        self.stdout.write(
            _("Measured on %(pairs)d pairs of %(pictures)d pictures.")
            % {"pairs": measured.pairs, "pictures": measured.pictures}
        )
