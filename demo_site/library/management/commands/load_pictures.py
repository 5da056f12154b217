"""Load pictures from folders and CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from demo_site.library.loading import load
from demo_site.library.sources import SourceError, find_sources


class Command(BaseCommand):
    """``manage.py load_pictures PLACE ...``."""

    help = (
        "Loads pictures into the library. A folder is walked, with artists from the names of its "
        "folders; a CSV has the columns path, title, artist and year, and perhaps technique, "
        "credit and licence. What is loaded already is skipped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("places", nargs="+", type=Path, metavar="DIR_OR_CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look through all places first, so that a mistyped one is found before work begins."""
        try:
            sources = [source for place in options["places"] for source in find_sources(place)]
        except SourceError as error:
            raise CommandError(str(error)) from error
        loaded = 0
        for source in tqdm(sources, desc=_("Loading"), unit=_("picture"), disable=None):
            try:
                artwork = load(**vars(source))
            except OSError as error:
                raise CommandError(f"{source.path} cannot be loaded: {error}") from error
            loaded += artwork is not None
        self.stdout.write(
            _("%(loaded)d pictures loaded, %(skipped)d were there already.")
            % {"loaded": loaded, "skipped": len(sources) - loaded}
        )
