"""Look for near-duplicates in a whole library."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from artsimilarity import detection
from artsimilarity.duplicates import recorded
from artsimilarity.management import model_choice
from artsimilarity.models import SimilarityMixin


class Command(BaseCommand):
    """``manage.py find_duplicates [--sign] [--after PK]``."""

    help = (
        "Looks for scans of one print in the whole library and records them for the admin's "
        "report. Workers do so for every picture that they embed; this is for pictures that were "
        "embedded before, and after a change of DUPLICATE_SCORE. Ctrl-C stops it at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--sign",
            action="store_true",
            help="first read the files of embedded pictures that have no signature",
        )
        parser.add_argument("--after", metavar="PK", help="go on behind this primary key")
        model_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign if asked to, forget what is stale, and walk through the library."""
        model, using = model_choice.choose(options)
        if not model.similarity_finds_duplicates:
            raise CommandError(
                _(
                    "%(model)s says similarity_finds_duplicates = False. Take that away, and run "
                    "“manage.py makemigrations” and “manage.py migrate”, to look for duplicates."
                )
                % {"model": model.__name__}
            )
        after = self._key(model, options["after"])
        unsigned = detection.unsigned(model, using=using).count()
        if options["sign"] and unsigned:
            with self._bar(unsigned, _("signing")) as bar:
                signed = detection.sign_library(model, using=using, on_progress=bar.update)
            unsigned -= signed
        detection.forget_stale(model, using=using)
        self._look(model, using, after)
        found = recorded(model, using).count()
        self.stdout.write(_("%(count)d pairs of near-duplicates are recorded.") % {"count": found})
        if unsigned:
            self.stdout.write(
                _(
                    "%(count)d embedded pictures have no signature: they are flat, or were "
                    "embedded before there were signatures, which “--sign” mends."
                )
                % {"count": unsigned}
            )

    def _look(self, model: type[SimilarityMixin], using: str, after: Any) -> None:
        total = detection.signed(model, using=using, after=after).count()
        with self._bar(total, _("looking")) as bar:
            try:
                for pks in detection.walk(model, using=using, after=after):
                    detection.look_for_duplicates(model, pks, using=using)
                    after = pks[-1]
                    bar.update(len(pks))
            except KeyboardInterrupt:
                again = "" if after is None else f" --after {after}"
                raise CommandError(
                    _("Stopped. “manage.py find_duplicates%(after)s” takes up what is left.")
                    % {"after": again}
                ) from None

    def _key(self, model: type[SimilarityMixin], text: str | None) -> Any:
        if text is None:
            return None
        try:
            return model._meta.pk.to_python(text)
        except ValidationError as error:
            raise CommandError(
                _("“%(key)s” is no primary key of %(model)s.")
                % {"key": text, "model": model._meta.label}
            ) from error

    def _bar(self, total: int, what: str) -> tqdm[Any]:
        # disable=None: no bar where standard error is a log file and not a terminal.
        return tqdm(total=total, desc=what, unit=_("picture"), dynamic_ncols=True, disable=None)
