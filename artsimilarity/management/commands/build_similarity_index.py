"""Build the index of the vectors, or build it anew, while the site goes on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections
from django.utils.translation import gettext as _

from artsimilarity.library.index_build import VectorIndex
from artsimilarity.management import library_choice
from artsimilarity.management.progress import percent_bar


class Command(BaseCommand):
    """``manage.py build_similarity_index [--rebuild] [--maintenance-work-mem SIZE]``."""

    help = (
        "Builds the HNSW index of a picture model where it is missing, invalid, of another recipe "
        "than the one that is served, or has other parameters than HNSW_M and "
        "HNSW_EF_CONSTRUCTION; with --rebuild in any case. Searches and uploads go on meanwhile."
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
        index = VectorIndex.serving(library)
        if not options["rebuild"] and index.is_built():
            self.stdout.write(_("The index is as it should be. --rebuild builds it anew."))
            return
        memory = options["maintenance_work_mem"] or index.memory()
        self.stdout.write(
            _("Building the index of %(rows)d vectors with maintenance_work_mem %(memory)s.")
            % {"rows": index.count(), "memory": memory}
        )
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
                connections[library.using].close()
                raise CommandError(
                    _(
                        "Stopped. The present index, if any, is still in use; the next run removes "
                        "what this one has left."
                    ),
                    returncode=130,
                ) from None
        self.stdout.write(_("The index is built and in use."))
