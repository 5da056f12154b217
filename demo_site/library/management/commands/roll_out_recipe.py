"""Begin to change a library over to the recipe in the settings, if it is under another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from artsimilarity.embedding import rollout
from artsimilarity.library import Library
from demo_site.library.models import Artwork


class Command(BaseCommand):
    """``manage.py roll_out_recipe``, for a folder of data that an earlier checkout has left."""

    help = "Sends the pictures to the workers if a new recipe is to be rolled out."

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin a roll-out, or go on with it; ``watch_embedding`` ends it."""
        library = Library.of(Artwork)
        if rollout.candidate_for(library.recipes().serving):
            rollout.start(library)
            rollout.fill(library)
