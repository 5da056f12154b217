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
from tqdm import tqdm

from artsimilarity import dispatch, rollout, scale, sweep
from artsimilarity.conf import get_settings
from artsimilarity.management import model_choice
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import current_plan
from artsimilarity.statistics import as_dict, library_status
from artsimilarity.status import EmbeddingStatus

_POLL_SECONDS = 0.5
_SLICE = 10_000
_PATIENCE_SECONDS = 30


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
        which.add_argument("--status", action="store_true", help="print how far the library is")
        parser.add_argument("--json", action="store_true", help="print the status as JSON")
        model_choice.add_arguments(parser)
        parser.add_argument("--sync", action="store_true", help="embed here, without a worker")
        parser.add_argument(
            "--no-wait", action="store_true", help="send the tasks and do not watch them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Choose the rows, make them pending, and see them through."""
        model, database = model_choice.choose(options)
        everything = SimilarityQuerySet[Any](model, using=database)
        if options["status"] or options["json"]:
            self._print_status(everything, as_json=options["json"])
            return
        try:
            if options["promote"]:
                self._promote(everything)
                return
            if options["cancel"]:
                rollout.cancel(model, using=everything.db)
                self.stdout.write(_("The roll-out is cancelled; nothing of it remains."))
                return
            if options["rollout"]:
                rollout.start(model, using=everything.db)
        except rollout.RolloutError as error:
            raise CommandError(str(error)) from error
        if options["verify"]:
            self._verify(everything)
        wanted = self._choose(everything, options)
        # A snapshot: what is uploaded meanwhile is the signals' business, not this run's.
        pks = list(wanted.with_picture().order_by("pk").values_list("pk", flat=True))
        if not pks:
            self.stdout.write(_("Nothing to embed."))
            return
        if not (options["pending"] or options["verify"] or options["rollout"]):
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
        scale.refresh(model, using=everything.db)

    def _choose(
        self, everything: SimilarityQuerySet[Any], options: dict[str, Any]
    ) -> SimilarityQuerySet[Any]:
        if options["pks"]:
            return self._choose_pks(everything, options["pks"])
        if options["pending"] or options["verify"]:
            return everything.pending()
        if options["rollout"]:
            return everything.to_do(current_plan(everything.model, everything.db))
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
            while left := self._left(everything, pks):
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
        failed = _count(
            pks, lambda some: everything.filter(pk__in=some).exclude(embedding_error="")
        )
        self._report(len(pks) - failed, failed)

    def _left(self, everything: SimilarityQuerySet[Any], pks: list[Any]) -> int:
        plan = current_plan(everything.model, everything.db)
        return _count(pks, lambda some: everything.filter(pk__in=some).to_do(plan))

    def _verify(self, everything: SimilarityQuerySet[Any]) -> None:
        """Find files that were replaced behind Django's back."""
        with self._bar(everything.ready().count()) as bar:
            changed = sweep.verify(everything.model, using=everything.db, on_progress=bar.update)
        self.stdout.write(
            _("%(count)d files are not the ones that were embedded.") % {"count": len(changed)}
        )

    def _promote(self, everything: SimilarityQuerySet[Any]) -> None:
        latest = rollout.current(everything.model, using=everything.db)
        total = everything.exclude(embedding_next_recipe="").count()
        with self._bar(total) as bar:
            moved = rollout.promote(everything.model, using=everything.db, on_progress=bar.update)
        self.stdout.write(
            _(
                "%(moved)d pictures moved over: the new recipe is in service. Now make "
                "ARTSIMILARITY['NEXT_RECIPE'] the RECIPE (%(recipe)s) and restart."
            )
            % {"moved": moved, "recipe": latest.fingerprint if latest else ""}
        )

    def _print_status(self, everything: SimilarityQuerySet[Any], *, as_json: bool) -> None:
        status = as_dict(library_status(everything.model, using=everything.db))
        if as_json:
            self.stdout.write(json.dumps(status, indent=2))
            return
        for name, value in status.items():
            label = name.replace("_", " ")
            if isinstance(value, dict):
                self.stdout.write(f"{label}:")
                for key, one in value.items():
                    self.stdout.write(f"  {key}: {one}")
            elif isinstance(value, list):
                self.stdout.write(f"{label}: {len(value)}")
                for one in value:
                    self.stdout.write(f"  {one['pk']} {one['title']}: {one['error']}")
            else:
                self.stdout.write(f"{label}: {_('unknown') if value is None else value}")

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


def _count(pks: list[Any], choose: Callable[[list[Any]], QuerySet[Any]]) -> int:
    """Count what ``choose`` finds among this run's pictures, in slices to keep queries short."""
    return sum(choose(pks[start : start + _SLICE]).count() for start in range(0, len(pks), _SLICE))
