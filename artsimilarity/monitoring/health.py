"""Whether the app can do its work: for a monitor, and in detail for members of staff."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core import checks
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from artsimilarity.checks import check_databases
from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import queue_length
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.library import libraries
from artsimilarity.monitoring.workers import worker_answers

logger = logging.getLogger(__name__)

_CACHE_KEY = "artsimilarity.health"
# However often a stranger asks, the servers are asked no more often than this.
_CACHE_SECONDS = 10


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 if all is well, else 503; which check fails, and why, only members of staff see.

    The database answers, pgvector is there and new enough, each model's index is there and valid,
    a worker serves the queue, searches by picture do not wait in vain, and the recipe's weights can
    be found.
    """
    problems: dict[str, str] | None = cache.get(_CACHE_KEY)
    if problems is None:
        problems = find_problems()
        cache.set(_CACHE_KEY, problems, _CACHE_SECONDS)
        for check, problem in problems.items():
            logger.error("Health check %s: %s", check, problem, extra={"check": check})
    answer: dict[str, object] = {"status": "failing" if problems else "ok"}
    user = getattr(request, "user", None)
    if user is not None and user.is_active and user.is_staff:
        answer["problems"] = problems
    response = JsonResponse(answer, status=503 if problems else 200)
    response["Cache-Control"] = "no-store"
    return response


def find_problems() -> dict[str, str]:
    """Return what fails, by check, in words for an administrator."""
    found = {name: check() for name, check in _CHECKS.items()}
    return {name: problem for name, problem in found.items() if problem}


def _check_database() -> str:
    try:
        messages = check_databases(sorted({library.using for library in libraries()}))
    except DatabaseError as error:
        return f"The database does not answer: {error}"
    serious = [message for message in messages if message.level >= checks.WARNING]
    return " ".join(f"{message.msg} {message.hint}" for message in serious)


def _check_worker() -> str:
    waiting = queue_length()
    if waiting is None:
        return "The broker does not answer. Start it, or correct CELERY_BROKER_URL."
    if worker_answers(waiting):
        return ""
    return (
        f"No worker serves the queue {get_settings().QUEUE!r}: "
        f"celery -A <project> worker -Q {get_settings().QUEUE}"
    )


def _check_searches() -> str:
    """Sites that offer no search by picture need no worker for it: it is missed once one waits."""
    queue = get_settings().SEARCH_QUEUE
    waiting = queue_length(queue)
    if not waiting or worker_answers(waiting, queue):
        return ""
    return (
        f"Searches by picture wait, and no worker serves the queue {queue!r}: "
        f"celery -A <project> worker -Q {get_settings().QUEUE},{queue}"
    )


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
    "weights": _check_weights,
}
