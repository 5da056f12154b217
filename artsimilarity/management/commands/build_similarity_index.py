"""Build the index of the vectors, or build it anew, while the site goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections
from django.utils.translation import gettext as _

from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.management import library_choice
from artsimilarity.management.progress import percent_bar
from artsimilarity.schema.indexes import Graph


class Command(BaseCommand):
    """``manage.py build_similarity_index [--rebuild] [--maintenance-work-mem SIZE]``."""

    help = (
        "Builds the HNSW index of a picture model where it is missing, invalid, of another recipe "
        "than the one that is served, or has other parameters than HNSW_M and "
        "HNSW_EF_CONSTRUCTION; with --rebuild in any case. Does the same with the index of the "
        "colours where COLOUR_INDEX wants one, and drops it where it does not. Searches and "
        "uploads go on meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        library_choice.add_arguments(parser)
        parser.add_argument("--rebuild", action="store_true", help="also if nothing is wrong")
        parser.add_argument(
            "--maintenance-work-mem",
            metavar="SIZE",
            help="memory for the build, such as 2GB; default: what the graph needs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, with a bar that follows the server's own progress."""
        library = library_choice.choose(options)
        indexes = VectorIndex.serving(library).with_others()
        if Graph.COLOUR not in {index.graph for index in indexes}:
            self._drop_unwanted(library)
        left = [index for index in indexes if options["rebuild"] or not index.is_built()]
        for index in left:
            self._build(index, options["maintenance_work_mem"] or index.memory())
        if not left:
            self.stdout.write(_("The index is as it should be. --rebuild builds it anew."))

    def _drop_unwanted(self, library: Library) -> None:
        index = replace(VectorIndex.serving(library), graph=Graph.COLOUR)
        if index.exists():
            index.drop()
            self.stdout.write(
                _("The index of the colours is dropped: ARTSIMILARITY['COLOUR_INDEX'] is off.")
            )

    def _build(self, index: VectorIndex, memory: str) -> None:
        words = (
            _("Building the index of %(rows)d vectors with maintenance_work_mem %(memory)s.")
            if index.graph is Graph.BOTH
            else _(
                "Building the index of the colours of %(rows)d vectors with maintenance_work_mem "
                "%(memory)s."
            )
        )
        self.stdout.write(words % {"rows": index.count(), "memory": memory})
        with percent_bar() as on_progress:
            try:
                index.build(memory=memory, on_progress=on_progress)
            except Error as error:
                raise CommandError(
                    _(
                        "The index could not be built: %(error)s The present one, if any, is still "
                        "in use; run the command again, perhaps with a smaller "
                        "--maintenance-work-mem."
                    )
                    % {"error": error}
                ) from error
            except KeyboardInterrupt:
                connections[index.library.using].close()
                raise CommandError(
                    _(
                        "Stopped. The present index, if any, is still in use; the next run removes "
                        "what this one has left."
                    ),
                    returncode=130,
                ) from None
        self.stdout.write(_("The index is built and in use."))
