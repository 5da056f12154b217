"""Have the worker cut large pictures into tiles that were embedded before it did so by itself."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from demo_site.library.models import Artwork
from demo_site.library.tasks import send
from demo_site.library.tiles import Tiles, is_large


class Command(BaseCommand):
    """``manage.py make_tiles``."""

    help = (
        "Sends large pictures that have no tiles yet to the worker. It cuts by itself what it "
        "embeds; this is for pictures that were embedded before."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Send them, and say how many."""
        sent = 0
        for artwork in Artwork.similarity_queryset(None).order_by("pk").iterator():
            if not is_large(artwork) or Tiles.of(artwork):
                continue
            if not send(artwork):
                raise CommandError(_("The broker does not answer. Try again."))
            sent += 1
        self.stdout.write(_("%(count)d pictures were sent to the worker.") % {"count": sent})
