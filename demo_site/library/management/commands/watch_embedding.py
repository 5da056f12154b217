"""Watch the workers until every picture is embedded, and say what came of it."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from artsimilarity.embedding import rollout
from artsimilarity.library import Library
from artsimilarity.schema.states import RolloutState
from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork

NEIGHBOURS = 8
_POLL_SECONDS = 0.3


class Command(BaseCommand):
    """``manage.py watch_embedding [--neighbours]``."""

    help = (
        "Shows the progress of the workers until no picture waits, puts a recipe that was rolled "
        "out into service, and shows the result."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--neighbours",
            action="store_true",
            help="also ask for every picture's neighbours and count those that have eight",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Count what waits, again and again; the workers do the rest."""
        library = Library.of(Artwork)
        total = Artwork.objects.with_picture().count()
        with tqdm(total=total, desc=_("Embedding"), unit=_("picture"), disable=None) as bar:
            while waiting := rollout.left_to_fill(library):
                bar.update(total - waiting - bar.n)
                time.sleep(_POLL_SECONDS)
            bar.update(total - bar.n)
        latest = library.rollout()
        if latest and latest.state != RolloutState.PROMOTED:
            rollout.promote(library)
            self.stdout.write(_("The new recipe is in service."))
        ready, failed = Artwork.objects.ready().count(), Artwork.objects.failed().count()
        summary = _("%(total)d pictures, %(ready)d ready, %(failed)d failed") % {
            "total": total,
            "ready": ready,
            "failed": failed,
        }
        if options["neighbours"]:
            full = sum(
                len(more_like_this(artwork, limit=NEIGHBOURS)) == NEIGHBOURS
                for artwork in Artwork.objects.ready().iterator()
            )
            summary += _(", %(full)d with %(count)d neighbours") % {
                "full": full,
                "count": NEIGHBOURS,
            }
        self.stdout.write(f"{summary}.")
        if failed:
            self.stdout.write(_("The admin says why: choose “failed” in its list of artworks."))
