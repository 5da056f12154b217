"""Look for near-duplicates in a whole library."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from artsimilarity.duplicates import detection
from artsimilarity.duplicates.pairs import recorded
from artsimilarity.library import Library
from artsimilarity.management import library_choice


class Command(BaseCommand):
    """``manage.py find_duplicates [--describe] [--after PK]``."""

    help = (
        "Looks for scans of one print in the whole library and records them for the admin's "
        "report. Workers do so for every picture that they embed; this is for pictures that were "
        "embedded before, and after a change of DUPLICATE_SCORE. Ctrl-C stops it at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--describe",
            action="store_true",
            help="first read the files of embedded pictures that have no copy descriptor",
        )
        parser.add_argument("--after", metavar="PK", help="go on behind this primary key")
        library_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Describe if asked to, forget what is stale, and walk through the library."""
        library = library_choice.choose(options)
        if not library.finds_duplicates:
            raise CommandError(
                _(
                    "%(model)s says similarity_finds_duplicates = False. Take that away, and run "
                    "“manage.py makemigrations” and “manage.py migrate”, to look for duplicates."
                )
                % {"model": library.holder.__name__}
            )
        after = self._key(library, options["after"])
        undescribed = detection.undescribed(library).count()
        if options["describe"] and undescribed:
            with self._bar(undescribed, _("describing")) as bar:
                undescribed -= detection.describe_library(library, on_progress=bar.update)
        detection.forget_stale(library)
        self._look(library, after)
        found = recorded(library).count()
        self.stdout.write(_("%(count)d pairs of near-duplicates are recorded.") % {"count": found})
        if undescribed:
            self.stdout.write(
                _(
                    "%(count)d embedded pictures have no copy descriptor: they are flat, or were "
                    "embedded while none was made, which “--describe” mends."
                )
                % {"count": undescribed}
            )

    def _look(self, library: Library, after: Any) -> None:
        total = detection.described(library, after=after).count()
        with self._bar(total, _("looking")) as bar:
            try:
                for pks in detection.walk(library, after=after):
                    detection.look_for_duplicates(library, pks)
                    after = pks[-1]
                    bar.update(len(pks))
            except KeyboardInterrupt:
                again = "" if after is None else f" --after {after}"
                raise CommandError(
                    _("Stopped. “manage.py find_duplicates%(after)s” takes up what is left.")
                    % {"after": again}
                ) from None

    def _key(self, library: Library, text: str | None) -> Any:
        if text is None:
            return None
        try:
            return library.model._meta.pk.to_python(text)
        except ValidationError as error:
            raise CommandError(
                _("“%(key)s” is no primary key of %(model)s.")
                % {"key": text, "model": library.name}
            ) from error

    def _bar(self, total: int, what: str) -> tqdm[Any]:
        # disable=None: no bar where standard error is a log file and not a terminal.
        return tqdm(total=total, desc=what, unit=_("picture"), dynamic_ncols=True, disable=None)
