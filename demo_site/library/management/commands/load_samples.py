"""Draw the sample pictures and load them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from tqdm import tqdm

from demo_site.library.loading import load
from demo_site.library.models import Artwork


class Command(BaseCommand):
    """``manage.py load_samples``."""

    help = "Draws the sample pictures and loads them. What is loaded already is skipped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw into a temporary folder, and load from there."""
        from demo_site.samples import samples, save_all

        wanted = samples()
        if Artwork.objects.exclude(technique="").count() >= len(wanted):
            self.stdout.write(_("The samples were there already."))
            return
        loaded = 0
        with (
            tempfile.TemporaryDirectory() as folder,
            tqdm(total=len(wanted), desc=_("Drawing"), unit=_("picture"), disable=None) as bar,
        ):
            paths = {
                path.stem: path
                for path in save_all(Path(folder), progress=lambda *_args: bar.update())
            }
            for sample in wanted:
                artwork = load(
                    paths[sample.slug],
                    title=sample.title,
                    artist=sample.artist,
                    year=sample.year,
                    technique=sample.technique,
                    palette=sample.palette,
                    credit=_("Drawn by this demo, for any use"),
                    licence="https://creativecommons.org/publicdomain/zero/1.0/",
                )
                loaded += artwork is not None
        self.stdout.write(_("%(loaded)d samples loaded.") % {"loaded": loaded})
