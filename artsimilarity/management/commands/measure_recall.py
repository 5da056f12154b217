"""Measure how many of the ten nearest pictures the index finds."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.library import recall_history
from artsimilarity.management import library_choice
from artsimilarity.search import recall


class Command(BaseCommand):
    """``manage.py measure_recall``."""

    help = (
        "Measures how many of the ten nearest pictures the index finds, against a comparison with "
        "all rows. The sweep does so once a day; this does it now, within "
        "ARTSIMILARITY['RECALL_SECONDS'] for each 200,000 pictures."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        library_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, and print what was found and what is wrong with it."""
        library = library_choice.choose(options)
        try:
            measured = recall.measure(library)
        except recall.RecallNotMeasuredError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            _("Recall of the ten nearest, measured on %(pictures)d pictures in %(seconds).1f s:")
            % {"pictures": measured.pictures, "seconds": measured.seconds}
        )
        each = zip(measured.styles, measured.recalls, measured.candidates, strict=True)
        for style, found, candidates in each:
            self.stdout.write(
                _("  style %(style)g: %(recall).3f (%(candidates)d candidates)")
                % {"style": style, "recall": found, "candidates": candidates}
            )
        for problem in [*recall_history.problems_of(library), *recall_history.hints_of(library)]:
            self.stdout.write(problem)
