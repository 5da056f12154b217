"""The Celery task that makes a map, and what keeps one up with its library after each sweep."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from celery import Task, shared_task
from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from artsimilarity.atlas import making, placing, sheets
from artsimilarity.conf import get_settings
from artsimilarity.embedding import worker
from artsimilarity.embedding.broker import publish
from artsimilarity.library import Library, map_age
from artsimilarity.schema.tables import PictureMap

logger = logging.getLogger(__name__)

MAKE_TASK: Final = "artsimilarity.make_map"

_LONGEST_SECONDS = 6 * 3600
# Of one sweep: what takes longer would keep workers from pictures that wait to be embedded.
_PLACED_AT_ONCE = 500
_LOOKED_AT_FOR_SHEETS = 2_000


def send(library: Library) -> bool:
    """Have a worker make the map of a library; returns whether the broker took it."""
    return publish(MAKE_TASK, library.name, library.using, insist=True)


@shared_task(
    bind=True,
    name=MAKE_TASK,
    ignore_result=True,
    acks_late=False,  # it may take longer than a broker waits for a task to be given back
    time_limit=_LONGEST_SECONDS,
)
def make_map(self: Task, model: str, using: str) -> None:  # type: ignore[type-arg]
    """Make the map of a library; ``PictureMap.progress`` says how far it has come."""
    library = Library(apps.get_model(model), using)
    tenths = 0

    def log(share: float) -> None:
        nonlocal tenths
        if int(10 * share) > tenths:
            tenths = int(10 * share)
            logger.info("The map of %s: %d %%.", library.name, 10 * tenths)

    making.make_map(library, threads=worker.threads(self.app), progress=log)


def keep_up(sender: type[models.Model], using: str, **kwargs: Any) -> None:
    """Place new pictures, forget those that are gone, and mend the sheets: after each sweep.

    Where the settings allow it, another map is asked for once this one is outdated.
    """
    library = Library(sender, using)
    if not making.is_made(library):
        return
    placing.forget_lost(library)
    placed = placing.place_new(library, most=_PLACED_AT_ONCE)
    made = sheets.refresh_sheets(library, most=_LOOKED_AT_FOR_SHEETS)
    if placed or made:
        logger.info("The map of %s: %d placed, %d sheets made.", library.name, placed, made)
    _remake(library)


def _remake(library: Library) -> None:
    """Have a worker make an outdated map anew, if the library is small enough for the settings."""
    most = get_settings().REMAKE_MAP_UP_TO
    if not most or not map_age.problems_of(library):
        return
    if library.visible(None).using(library.using).count() > most:
        return
    # One asks, however many sweep; what a worker did not finish in its time is asked for again.
    stale = Now() - timedelta(seconds=_LONGEST_SECONDS)
    known = PictureMap.objects.using(library.using).filter(model_label=library.label)
    free = known.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=stale))
    if not free.update(asked_at=Now()):
        return
    if send(library):
        logger.info("The map of %s is outdated: a worker makes it anew.", library.name)
    else:
        known.update(asked_at=None)
