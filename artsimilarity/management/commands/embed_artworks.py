"""Embed a library's pictures, through the workers or in this process."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from artsimilarity.conf import get_settings
from artsimilarity.embedding import pipeline, rollout
from artsimilarity.embedding.queue import send
from artsimilarity.embedding.sweep import StorageAwayError, verify
from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.management import library_choice
from artsimilarity.management.progress import percent_bar
from artsimilarity.monitoring.status import as_dict, library_status
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.search import score_calibration

_POLL_SECONDS = 0.5
_SLICE = 10_000
_PATIENCE_SECONDS = 30
_LABELS = {
    "model": gettext_lazy("model"),
    "total": gettext_lazy("total"),
    "ready": gettext_lazy("ready"),
    "pending": gettext_lazy("pending"),
    "to_embed": gettext_lazy("to embed"),
    "served": gettext_lazy("served"),
    "failed": gettext_lazy("failed"),
    "without_picture": gettext_lazy("without picture"),
    "by_recipe": gettext_lazy("by recipe"),
    "candidate": gettext_lazy("candidate"),
    "rollout": gettext_lazy("rollout"),
    "queue_length": gettext_lazy("queue length"),
    "worker_seen": gettext_lazy("worker seen"),
    "waiting_since": gettext_lazy("waiting since"),
    "recall": gettext_lazy("recall"),
    "problems": gettext_lazy("problems"),
    "rate": gettext_lazy("rate"),
    "seconds_left": gettext_lazy("seconds left"),
    "errors": gettext_lazy("errors"),
}


class Command(BaseCommand):
    """``manage.py embed_artworks [--pending | --failed | --rollout | ... | pk ...] [--sync]``."""

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
        which.add_argument(
            "--stale",
            action="store_true",
            help="only pictures whose vector another recipe has made, as before an upgrade",
        )
        which.add_argument(
            "--verify",
            action="store_true",
            help="compare every file with what was embedded, and embed what was replaced",
        )
        which.add_argument(
            "--rollout",
            action="store_true",
            help="embed the library under ARTSIMILARITY['NEXT_RECIPE'] beside the present recipe",
        )
        which.add_argument(
            "--promote", action="store_true", help="put the recipe that was rolled out into service"
        )
        which.add_argument(
            "--cancel", action="store_true", help="give up the roll-out; nothing of it remains"
        )
        which.add_argument(
            "--forget-previous",
            action="store_true",
            help="drop the vectors that a finished roll-out has left of the recipe before",
        )
        which.add_argument("--status", action="store_true", help="print how far the library is")
        parser.add_argument("--json", action="store_true", help="print the status as JSON")
        library_choice.add_arguments(parser)
        parser.add_argument("--sync", action="store_true", help="embed here, without a worker")
        parser.add_argument(
            "--no-wait", action="store_true", help="send the tasks and do not watch them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Choose the rows, make them pending, and see them through."""
        library = library_choice.choose(options)
        if options["status"] or options["json"]:
            self._print_status(library, as_json=options["json"])
            return
        try:
            if self._handle_rollout(library, options):
                return
        except rollout.RolloutError as error:
            raise CommandError(str(error)) from error
        if options["verify"]:
            self._verify(library)
        library.add_rows()
        wanted = self._choose(library, options)
        # A snapshot: what is uploaded meanwhile is the signals' business, not this run's.
        pks = list(wanted.with_picture().order_by("pk").values_list("pk", flat=True))
        if not pks:
            self.stdout.write(_("Nothing to embed."))
            return
        if not (options["pending"] or options["verify"] or options["rollout"]):
            wanted.mark_pending()
        again = "--rollout" if options["rollout"] else "--failed"
        try:
            if options["sync"]:
                self._embed(library, pks, again=again)
            else:
                self._send(library, pks, wait=not options["no_wait"], again=again)
        except KeyboardInterrupt:
            raise CommandError(
                _(
                    "Stopped; pictures that are not embedded yet stay pending. "
                    "“manage.py embed_artworks --pending” goes on from here."
                ),
                returncode=130,
            ) from None
        score_calibration.refresh(library)

    def _handle_rollout(self, library: Library, options: dict[str, Any]) -> bool:
        """Take the step of a roll-out that is asked for; returns whether that was all."""
        if options["promote"]:
            self._promote(library)
        elif options["cancel"]:
            rollout.cancel(library)
            self.stdout.write(_("The roll-out is cancelled; nothing of it remains."))
        elif options["forget_previous"]:
            count = rollout.forget_previous(library)
            self.stdout.write(_("%(count)d vectors of the old recipe are gone.") % {"count": count})
        else:
            if options["rollout"]:
                rollout.start(library)
            return False
        return True

    def _choose(self, library: Library, options: dict[str, Any]) -> EmbeddingQuerySet[Any]:
        if options["pks"]:
            return self._choose_pks(library, options["pks"])
        if options["pending"] or options["verify"]:
            return library.rows.pending()
        if options["rollout"]:
            return library.rows.to_do(library.recipes())
        if options["stale"]:
            return library.rows.served_otherwise(library.recipes().serving.fingerprint)
        if options["failed"]:
            return library.rows.filter(embedding_status=EmbeddingStatus.FAILED)
        return library.rows.all()

    def _choose_pks(self, library: Library, pks: list[str]) -> EmbeddingQuerySet[Any]:
        try:
            rows = library.rows.filter(pk__in=pks)
            found = {str(pk) for pk in rows.values_list("pk", flat=True)}
        except (ValidationError, ValueError) as error:
            raise CommandError(_("Not a primary key: %(error)s") % {"error": error}) from error
        missing = [pk for pk in pks if pk not in found]
        if missing:
            raise CommandError(
                _("No %(model)s has the primary key %(pks)s.")
                % {"model": library.model.__name__, "pks": ", ".join(missing)}
            )
        return rows

    def _embed(self, library: Library, pks: list[Any], *, again: str) -> None:
        """Embed in this process, trying again what may pass."""
        settings = get_settings()
        embedded = failed = rounds = 0
        with self._bar(len(pks)) as bar:
            while pks:
                if rounds:
                    time.sleep(settings.RETRY_BACKOFF * 2 ** (rounds - 1))
                retry: list[Any] = []
                for start in range(0, len(pks), settings.CHUNK_SIZE):
                    chunk = pks[start : start + settings.CHUNK_SIZE]
                    result = pipeline.embed(library, chunk, on_progress=bar.update)
                    embedded += len(result.embedded)
                    failed += len(result.failed)
                    retry += result.retry
                    bar.update(-len(result.retry))
                pks = retry
                rounds += 1
        self._report(embedded, failed, again=again)

    def _send(self, library: Library, pks: list[Any], *, wait: bool, again: str) -> None:
        """Send to the workers, and watch the database until they are done."""
        sent = send(library, pks)
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
        self._watch(library, pks)
        failed = _count(
            pks, lambda some: library.rows.filter(pk__in=some).exclude(embedding_error="")
        )
        self._report(len(pks) - failed, failed, again=again)

    def _watch(self, library: Library, pks: list[Any]) -> None:
        """Wait until workers have seen to all of them; says so if nothing happens for long."""
        since = time.monotonic()
        with self._bar(len(pks)) as bar:
            while left := self._left(library, pks):
                done = len(pks) - left
                if done > bar.n:
                    since = time.monotonic()
                elif time.monotonic() - since > _PATIENCE_SECONDS:
                    since = time.monotonic()
                    tqdm.write(
                        _(
                            "Nothing has happened for %(seconds)d seconds. Does a worker serve "
                            "the queue, and what does its log say? "
                            "celery -A <project> worker -Q %(queue)s"
                        )
                        % {"seconds": _PATIENCE_SECONDS, "queue": get_settings().QUEUE},
                        file=sys.stderr,
                    )
                bar.update(done - bar.n)
                time.sleep(_POLL_SECONDS)
            bar.update(len(pks) - bar.n)

    def _left(self, library: Library, pks: list[Any]) -> int:
        recipes = library.recipes()
        return _count(pks, lambda some: library.rows.filter(pk__in=some).to_do(recipes))

    def _verify(self, library: Library) -> None:
        """Find files that were replaced behind Django's back."""
        with self._bar(library.rows.ready().count()) as bar:
            try:
                changed = verify(library, on_progress=bar.update)
            except StorageAwayError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(
            _("%(count)d files are not the ones that were embedded.") % {"count": len(changed)}
        )

    def _promote(self, library: Library) -> None:
        latest = library.rollout()
        with percent_bar() as on_progress:
            served = rollout.promote(library, on_progress=on_progress)
        self.stdout.write(
            _(
                "The new recipe is in service for %(served)d pictures. Now make "
                "ARTSIMILARITY['NEXT_RECIPE'] the RECIPE (%(recipe)s) and restart. The vectors of "
                "the old one are kept until “embed_artworks --forget-previous”."
            )
            % {"served": served, "recipe": latest.fingerprint if latest else ""}
        )

    def _print_status(self, library: Library, *, as_json: bool) -> None:
        status = as_dict(library_status(library))
        if as_json:
            self.stdout.write(json.dumps(status, indent=2))
            return
        for name, value in status.items():
            label = _LABELS[name]
            if isinstance(value, dict):
                self.stdout.write(f"{label}:")
                for key, one in value.items():
                    self.stdout.write(f"  {key}: {one}")
            elif isinstance(value, list):
                self.stdout.write(f"{label}: {len(value)}")
                for one in value:
                    words = one if isinstance(one, str) else "{pk} {title}: {error}".format(**one)
                    self.stdout.write(f"  {words}")
            else:
                nothing = _("none") if name == "rollout" else _("unknown")
                self.stdout.write(f"{label}: {nothing if value is None else value}")

    def _bar(self, total: int) -> tqdm[Any]:
        # disable=None: no bar where standard error is a log file and not a terminal.
        return tqdm(total=total, unit=_("picture"), dynamic_ncols=True, disable=None)

    def _report(self, embedded: int, failed: int, *, again: str) -> None:
        """Say how many there were; ``again`` is the option that tries again what failed."""
        self.stdout.write(_("%(count)d pictures embedded.") % {"count": embedded})
        if failed:
            self.stdout.write(
                _("%(count)d failed; the admin says why, “%(option)s” tries them again.")
                % {"count": failed, "option": again}
            )


def _count(pks: list[Any], choose: Callable[[list[Any]], QuerySet[Any]]) -> int:
    """Count what ``choose`` finds among this run's pictures, in slices to keep queries short."""
    return sum(choose(pks[start : start + _SLICE]).count() for start in range(0, len(pks), _SLICE))
