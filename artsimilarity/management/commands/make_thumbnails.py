"""Have workers make the thumbnails of pictures that were embedded before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.embedding import queue
from artsimilarity.management import library_choice


class Command(BaseCommand):
    """``manage.py make_thumbnails``."""

    help = (
        "Sends all embedded pictures to the workers, which make what thumbnails are lacking. "
        "Workers do so by themselves for every picture that they embed; this is for those that "
        "were embedded before, and for a new place or adapter of thumbnails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        library_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Send them, and say how many."""
        library = library_choice.choose(options)
        if not queue.workers_make_thumbnails(library):
            raise CommandError(
                _(
                    "Workers make no thumbnails of %(model)s: ARTSIMILARITY['WORKER_THUMBNAILS'] "
                    "is False, or the model has similarity_thumbnail(), which knows itself."
                )
                % {"model": library.name}
            )
        wanted, sent = library.rows.ready().count(), queue.send_all_for_thumbnails(library)
        if sent < wanted:
            raise CommandError(
                _("The broker took %(sent)d of %(wanted)d pictures and no more. Try again.")
                % {"sent": sent, "wanted": wanted}
            )
        self.stdout.write(_("%(count)d pictures were sent to the workers.") % {"count": sent})
