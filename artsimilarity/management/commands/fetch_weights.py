"""Get the ImageNet weights that some recipes need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from artsimilarity.conf import get_settings
from artsimilarity.encoder.fetch import IMAGENET_URL, FetchError, fetch_imagenet
from artsimilarity.encoder.recipe import ARTICLE, CHANNELS, IMAGENET
from artsimilarity.encoder.weight_files import weights_directory


class Command(BaseCommand):
    """``manage.py fetch_weights [--from FILE]``."""

    help = (
        "Downloads torchvision's ImageNet weights of VGG-19 (548 MB), checks them, and keeps the "
        "layers that the recipe uses. The default recipe needs none of this: its weights are part "
        "of the package."
    )
    # A recipe whose weights are missing fails the system check that would run first.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--layer", choices=CHANNELS, help="deepest layer to keep")
        parser.add_argument("--directory", type=Path, help="where to keep them")
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--from",
            dest="source",
            type=Path,
            metavar="FILE",
            help="take this copy of the download, or of a kept file, instead of downloading",
        )
        source.add_argument("--url", default=IMAGENET_URL, help="download from a mirror")
        parser.add_argument("--force", action="store_true", help="also if they are kept already")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch what the configured recipe needs, or ARTICLE where it needs nothing."""
        configured = get_settings().recipe
        recipe = configured if configured.weights == IMAGENET else ARTICLE
        try:
            kept = fetch_imagenet(
                options["directory"] or weights_directory(),
                layer=options["layer"] or recipe.deepest_layer,
                sha256=recipe.weights_sha256,
                source=options["source"],
                url=options["url"],
                force=options["force"],
                progress=options["verbosity"] > 0,
            )
        except FetchError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_("The weights are in %(file)s.") % {"file": kept})
