"""Whether the app can do its work: for a monitor, and in detail for members of staff."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from artsimilarity.checks import check_databases
from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import queue_length
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.library import Library, libraries, recall_history, waiting
from artsimilarity.monitoring.workers import has_just_worked, worker_answers

logger = logging.getLogger(__name__)

_CACHE_KEY = "artsimilarity.health"
_LOCK_KEY = "artsimilarity.health.lock"
# However often a stranger asks, the servers are asked no more often than this.
_CACHE_SECONDS = 10
# Who finds a check under way gets the last answer, if it is no older than this.
_LAST_SECONDS = 300
# A check that takes longer has died with its process.
_LOCK_SECONDS = 30
# How long the very first visitors wait for the check that is under way, and how often they look.
_FIRST_SECONDS, _LOOK_SECONDS = 5.0, 0.1
# How long a broker that answers otherwise, and a worker, have for their answers.
_BROKER_SECONDS = 1.0
_WORKER_SECONDS = 3.0
# Something that fails by these alone is degraded: the site works, and pictures wait or are missed.
_DEGRADED = frozenset({"waiting", "recall"})


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 if all is well, else 503; which check fails, and why, only members of staff see.

    The database answers, pgvector is there and new enough, each model's index is there and valid,
    a worker serves the queue, searches by picture do not wait in vain, and the recipe's weights can
    be found. Where all that fails is that pictures wait for too long, or that workers measured too
    low a recall of the index, the word is ``degraded``; nothing is measured here.

    One check is made at a time, in all processes that share Django's default cache; whoever asks
    meanwhile gets the answer of the last.
    """
    problems = _known_problems()
    status = "ok"
    if problems:
        status = "degraded" if problems.keys() <= _DEGRADED else "failing"
    answer: dict[str, object] = {"status": status}
    user = getattr(request, "user", None)
    if user is not None and user.is_active and user.is_staff:
        answer["problems"] = problems
    response = JsonResponse(answer, status=503 if problems else 200)
    response["Cache-Control"] = "no-store"
    return response


def _known_problems() -> dict[str, str]:
    """Return what fails: as found just now, by another's check, or by our own."""
    deadline = time.monotonic() + _FIRST_SECONDS
    while True:
        asked_at, problems = _last_answer()
        # What seems to come from the future was asked by a machine whose clock is fast.
        if problems is not None and 0 <= time.time() - asked_at < _CACHE_SECONDS:
            return problems
        if cache.add(_LOCK_KEY, 1, _LOCK_SECONDS):
            break
        if problems is not None:
            return problems
        if time.monotonic() > deadline:
            return {"check": _("A check is under way and has not come to an end. Ask again.")}
        time.sleep(_LOOK_SECONDS)
    try:
        # What all share is said in the site's language.
        with translation.override(settings.LANGUAGE_CODE):
            problems = find_problems()
        cache.set(_CACHE_KEY, (time.time(), problems), _LAST_SECONDS)
    finally:
        cache.delete(_LOCK_KEY)
    for check, problem in problems.items():
        logger.error("Health check %s: %s", check, problem, extra={"check": check})
    return problems


def _last_answer() -> tuple[float, dict[str, str] | None]:
    kept: Any = cache.get(_CACHE_KEY)
    return kept or (0.0, None)


def find_problems() -> dict[str, str]:
    """Return what fails, by check, in words for an administrator."""
    found = {name: check() for name, check in _CHECKS.items()}
    return {name: problem for name, problem in found.items() if problem}


def _check_database() -> str:
    try:
        messages = check_databases(sorted({library.using for library in libraries()}))
    except DatabaseError as error:
        return _("The database does not answer: %(error)s") % {"error": error}
    serious = [message for message in messages if message.level >= checks.WARNING]
    return " ".join(f"{message.msg} {message.hint}" for message in serious)


def _check_worker() -> str:
    tasks = queue_length(answer_seconds=_BROKER_SECONDS)
    if tasks is None:
        return _("The broker does not answer. Start it, or correct CELERY_BROKER_URL.")
    if worker_answers(tasks, patience=_WORKER_SECONDS):
        return ""
    if any(has_just_worked(library) for library in _in_reach()):
        return ""
    text = _("No worker serves the queue '%(queue)s': celery -A <project> worker -Q %(queue)s")
    return text % {"queue": get_settings().QUEUE}


def _check_searches() -> str:
    """Sites that offer no search by picture need no worker for it: it is missed once one waits."""
    queue = get_settings().SEARCH_QUEUE
    tasks = queue_length(queue, answer_seconds=_BROKER_SECONDS)
    if not tasks or worker_answers(tasks, queue, patience=_WORKER_SECONDS):
        return ""
    return _(
        "Searches by picture wait, and no worker serves the queue '%(queue)s': "
        "celery -A <project> worker -Q %(usual)s,%(queue)s"
    ) % {"queue": queue, "usual": get_settings().QUEUE}


def _check_waiting() -> str:
    problems = (waiting.problems_of(*known) for known in _in_reach().items())
    return " ".join(chain.from_iterable(problems))


def _check_recall() -> str:
    problems = []
    for library in libraries():
        with suppress(DatabaseError, InterfaceError):  # which another check says
            problems += recall_history.problems_of(library)
    return " ".join(problems)


def _in_reach() -> dict[Library, waiting.Waiting]:
    """The libraries whose tables can be asked; what is wrong with the others, a check says."""
    found = {}
    for library in libraries():
        with suppress(DatabaseError, InterfaceError):
            found[library] = waiting.read(library)
    return found


def _check_weights() -> str:
    try:
        find_weights(get_settings().recipe)
    except WeightsError as error:
        return str(error)
    return ""


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _check_database,
    "worker": _check_worker,
    "searches": _check_searches,
    "waiting": _check_waiting,
    "recall": _check_recall,
    "weights": _check_weights,
}
