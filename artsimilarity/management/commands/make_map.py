"""Make the map of a library: all its pictures in the plane by likeness."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.atlas import making, tasks
from artsimilarity.atlas.errors import LayoutError
from artsimilarity.management import library_choice
from artsimilarity.management.progress import percent_bar


class Command(BaseCommand):
    """``manage.py make_map``."""

    help = (
        "Lays out all pictures of the library in the plane, by brushwork and by colours, for "
        "{% similarity_map %}. It needs the extra “map”. Workers place pictures that come later; "
        "make the map anew once many have."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        library_choice.add_arguments(parser)
        parser.add_argument(
            "--send", action="store_true", help="let a worker make it, and do not wait for it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and say of how many pictures."""
        library = library_choice.choose(options)
        if options["send"]:
            if not tasks.send(library):
                raise CommandError(_("The broker did not take the task. Is it running?"))
            self.stdout.write(_("A worker makes the map; its log says how far it has come."))
            return
        began = time.monotonic()
        try:
            with percent_bar(_("Map")) as move:
                made = making.make_map(library, progress=move)
        except LayoutError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            _("Laid out %(pictures)d pictures that anybody may see, in %(seconds).1f s.")
            % {"pictures": made.pictures, "seconds": time.monotonic() - began}
        )
