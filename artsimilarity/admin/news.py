"""What an administrator is told after a button was pressed: what is, not what was wished."""

from __future__ import annotations

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from artsimilarity.conf import get_settings

News = tuple[int, str]
"""A level of ``django.contrib.messages``, and the words."""


def of_queue(*, tasks: int | None, worker_seen: bool | None, pending: int) -> News:
    """Say what becomes of a task that the broker has just taken.

    Args:
        tasks: that wait in the queue, as far as the broker says.
        worker_seen: whether a worker answers.
        pending: pictures that wait to be embedded.
    """
    queue = get_settings().QUEUE
    numbers = " ".join(
        [
            ngettext("%(count)d task is in the queue.", "%(count)d tasks are in the queue.", tasks)
            % {"count": tasks}
            if tasks is not None
            else _("The broker does not say how many tasks are in the queue."),
            ngettext("%(count)d picture waits.", "%(count)d pictures wait.", pending)
            % {"count": pending},
        ]
    )
    if worker_seen:
        return messages.SUCCESS, _("A worker answers. %(numbers)s") % {"numbers": numbers}
    words = _(
        "No worker answers: nothing happens until one runs, “celery -A <project> worker -Q "
        "%(queue)s”. %(numbers)s Pressing the button again changes nothing."
    )
    return messages.WARNING, words % {"queue": queue, "numbers": numbers}


def of_broker() -> News:
    """Say that the broker took nothing."""
    return (
        messages.ERROR,
        _("The broker does not answer. Start it (see CELERY_BROKER_URL) and try again."),
    )


def of_pictures(*, sent: int, wanted: int) -> list[News]:
    """Say how many pictures were sent to the workers, and what becomes of the others."""
    news = []
    if sent or not wanted:
        words = ngettext(
            "%(count)d picture was sent to the queue.",
            "%(count)d pictures were sent to the queue.",
            sent,
        )
        news.append((messages.SUCCESS if wanted else messages.WARNING, words % {"count": sent}))
    if sent < wanted:
        words = _(
            "The broker does not answer. The pictures that it did not take wait for the next sweep "
            "of a worker, or for “manage.py embed_artworks --pending”."
        )
        news.append((messages.WARNING, words))
    return news
