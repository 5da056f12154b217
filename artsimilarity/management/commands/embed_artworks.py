"""Embed a library's pictures, through the workers or in this process."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from artsimilarity import dispatch
from artsimilarity.conf import get_settings
from artsimilarity.models import SimilarityMixin, similarity_models
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.status import EmbeddingStatus

_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 30


class Command(BaseCommand):
    """``manage.py embed_artworks [--pending | --failed | pk ...] [--sync]``."""

    help = (
        "Embeds pictures again: all of them, or those that wait, those that failed, or the given "
        "primary keys. Pictures go to the Celery workers; with --sync this process does the work. "
        "Ctrl-C stops it at any time; --pending takes up what was left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("pks", nargs="*", metavar="pk", help="primary keys; none means all")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--pending", action="store_true", help="only pictures that wait")
        which.add_argument("--failed", action="store_true", help="only pictures that failed")
        parser.add_argument("--model", help="app.Model; needed only if several have an embedding")
        parser.add_argument("--database", default="default", help="alias of the database")
        parser.add_argument("--sync", action="store_true", help="embed here, without a worker")
        parser.add_argument(
            "--no-wait", action="store_true", help="send the tasks and do not watch them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Choose the rows, make them pending, and see them through."""
        model = self._model(options["model"])
        everything = SimilarityQuerySet[Any](model, using=options["database"])
        wanted = self._choose(everything, options)
        # A snapshot: what is uploaded meanwhile is the signals' business, not this run's.
        pks = list(wanted.with_picture().order_by("pk").values_list("pk", flat=True))
        if not pks:
            self.stdout.write(_("Nothing to embed."))
            return
        if not options["pending"]:
            dispatch.mark_pending(wanted)
        try:
            if options["sync"]:
                self._embed(everything, pks)
            else:
                self._send(everything, pks, wait=not options["no_wait"])
        except KeyboardInterrupt:
            raise CommandError(
                _(
                    "Stopped; pictures that are not embedded yet stay pending. "
                    "“manage.py embed_artworks --pending” goes on from here."
                ),
                returncode=130,
            ) from None

    def _model(self, label: str | None) -> type[SimilarityMixin]:
        known = {model._meta.label: model for model in similarity_models()}
        if label is None and len(known) == 1:
            return next(iter(known.values()))
        if not known:
            raise CommandError(
                _("No installed model inherits from artsimilarity.models.SimilarityMixin.")
            )
        for name, model in known.items():
            if label is not None and name.lower() == label.lower():
                return model
        raise CommandError(
            _("Name the model with --model: %(models)s.") % {"models": ", ".join(sorted(known))}
        )

    def _choose(
        self, everything: SimilarityQuerySet[Any], options: dict[str, Any]
    ) -> SimilarityQuerySet[Any]:
        if options["pks"]:
            return self._choose_pks(everything, options["pks"])
        if options["pending"]:
            return everything.pending()
        if options["failed"]:
            return everything.filter(embedding_status=EmbeddingStatus.FAILED)
        return everything.all()

    def _choose_pks(
        self, everything: SimilarityQuerySet[Any], pks: list[str]
    ) -> SimilarityQuerySet[Any]:
        try:
            rows = everything.filter(pk__in=pks)
            found = {str(pk) for pk in rows.values_list("pk", flat=True)}
        except (ValidationError, ValueError) as error:
            raise CommandError(_("Not a primary key: %(error)s") % {"error": error}) from error
        missing = [pk for pk in pks if pk not in found]
        if missing:
            raise CommandError(
                _("No %(model)s has the primary key %(pks)s.")
                % {"model": everything.model.__name__, "pks": ", ".join(missing)}
            )
        return rows

    def _embed(self, everything: SimilarityQuerySet[Any], pks: list[Any]) -> None:
        """Embed in this process, trying again what may pass."""
        from artsimilarity import indexing

        settings = get_settings()
        embedded = failed = rounds = 0
        with self._bar(len(pks)) as bar:
            while pks:
                if rounds:
                    time.sleep(settings.RETRY_BACKOFF * 2 ** (rounds - 1))
                retry: list[Any] = []
                for start in range(0, len(pks), settings.CHUNK_SIZE):
                    result = indexing.embed(
                        everything.model,
                        pks[start : start + settings.CHUNK_SIZE],
                        using=everything.db,
                        on_progress=bar.update,
                    )
                    embedded += len(result.embedded)
                    failed += len(result.failed)
                    retry += result.retry
                    bar.update(-len(result.retry))
                pks = retry
                rounds += 1
        self._report(embedded, failed)

    def _send(self, everything: SimilarityQuerySet[Any], pks: list[Any], *, wait: bool) -> None:
        """Send to the workers, and watch the database until they are done."""
        sent = dispatch.send(everything.model, pks, using=everything.db)
        if sent < len(pks):
            raise CommandError(
                _(
                    "The broker took %(sent)d of %(total)d pictures. Start it (see "
                    "CELERY_BROKER_URL) and run “manage.py embed_artworks --pending”, or embed "
                    "without it: “--sync”."
                )
                % {"sent": sent, "total": len(pks)}
            )
        if not wait:
            self.stdout.write(_("%(sent)d pictures sent to the workers.") % {"sent": sent})
            return
        since = time.monotonic()
        with self._bar(len(pks)) as bar:
            while left := _count(everything, pks, EmbeddingStatus.PENDING):
                done = len(pks) - left
                if done > bar.n:
                    since = time.monotonic()
                elif time.monotonic() - since > _PATIENCE_SECONDS:
                    since = time.monotonic()
                    tqdm.write(
                        _(
                            "Nothing has happened for %(seconds)d seconds. Does a worker serve "
                            "the queue? celery -A <project> worker -Q %(queue)s"
                        )
                        % {"seconds": _PATIENCE_SECONDS, "queue": get_settings().QUEUE},
                        file=sys.stderr,
                    )
                bar.update(done - bar.n)
                time.sleep(_POLL_SECONDS)
            bar.update(len(pks) - bar.n)
        ready, failed = (
            _count(everything, pks, status)
            for status in (EmbeddingStatus.READY, EmbeddingStatus.FAILED)
        )
        self._report(ready, failed)

    def _bar(self, total: int) -> tqdm[Any]:
        # disable=None: no bar where standard error is a log file and not a terminal.
        return tqdm(total=total, unit=_("picture"), dynamic_ncols=True, disable=None)

    def _report(self, embedded: int, failed: int) -> None:
        self.stdout.write(_("%(count)d pictures embedded.") % {"count": embedded})
        if failed:
            self.stdout.write(
                _("%(count)d failed; the admin says why, “--failed” tries them again.")
                % {"count": failed}
            )


def _count(everything: SimilarityQuerySet[Any], pks: list[Any], status: EmbeddingStatus) -> int:
    """Count the pictures of this run in a state; in slices, which keeps the queries short."""
    return sum(
        everything.filter(pk__in=pks[start : start + 10_000], embedding_status=status).count()
        for start in range(0, len(pks), 10_000)
    )
