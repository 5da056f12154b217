"""How far a library is embedded, and how fast it goes on: for the admin, the command, a monitor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now, TruncSecond

from artsimilarity.conf import get_settings
from artsimilarity.embedding import rollout
from artsimilarity.embedding.broker import queue_length
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library, map_age, recall_history, waiting
from artsimilarity.library.recall_history import RecallHistory
from artsimilarity.library.rows import has_picture, is_pending, is_settled
from artsimilarity.monitoring.workers import worker_answers
from artsimilarity.schema import reasons
from artsimilarity.schema.fields import VECTORS
from artsimilarity.schema.states import EmbeddingStatus, RolloutState
from artsimilarity.schema.tables import RecallMeasurement

_RATE_SECONDS = 60
# Fewer pictures, or within a shorter time, are too little to tell a rate from.
_LEAST_PICTURES = 10
_LEAST_SECONDS = 5
_ERRORS = 10


@dataclass(frozen=True, kw_only=True)
class RolloutStatus:
    """How far a roll-out has come.

    Attributes:
        fingerprint: of the recipe that is rolled out.
        state: the step that it is at.
        filled: pictures that have the new vector.
        left: pictures that wait for it.
        failed: pictures that could not get it; beginning the roll-out again tries them again.
    """

    fingerprint: str
    state: RolloutState
    filled: int
    left: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class RecallStatus:
    """How many of the ten nearest pictures the index finds, as it was measured last.

    Attributes:
        measured_at: when, in ISO format; None if no try has come to a result yet.
        pictures: on how many.
        by_style: recall by balance, 0..1; the balance is a text, as JSON has keys.
        at_least: what ``ARTSIMILARITY["RECALL_AT_LEAST"]`` asks for; 0 if nothing is measured any
            more.
        trend: the lowest recall of each measurement under the same recipe, oldest first.
        failed: whether the latest try came to no result: its time was too short.
    """

    measured_at: str | None
    pictures: int
    by_style: dict[str, float]
    at_least: float
    trend: list[float]
    failed: bool


@dataclass(frozen=True, kw_only=True)
class PictureError:
    """A picture that failed, and why.

    Attributes:
        pk: its primary key.
        title: what its ``str()`` says.
        error: why, in words of the active language.
        code: the same for programs; empty where an earlier release failed.
    """

    pk: str
    title: str
    error: str
    code: str


@dataclass(frozen=True, kw_only=True)
class LibraryStatus:
    """The state of one picture model.

    Attributes:
        model: its label.
        total: rows, with or without a picture.
        ready: rows whose present picture is embedded.
        pending: rows that wait for a worker.
        to_embed: the same, and in a roll-out those that lack only the new recipe's vector.
        served: rows that visitors find by, whatever is to be done about them.
        failed: rows whose present picture could not be embedded.
        without_picture: rows that have none.
        by_recipe: rows that are served, by fingerprint of their recipe.
        candidate: fingerprint of the recipe that the settings would have in the place of the one in
            service; empty if they are content. A ``["NEXT_RECIPE"]`` that was put into service
            stays the candidate as long as it is named.
        rollout: the roll-out that is under way, if any.
        queue_length: tasks that wait; None if the broker does not answer.
        worker_seen: whether a worker answered; None if nobody was asked.
        waiting_since: some pictures have waited for a worker since then, at least; in ISO format,
            None if none waits.
        recall: how good the index is; None if nobody has tried to measure it.
        problems: what is wrong with waiting, recall and the map, and what to do, in words for an
            administrator.
        rate: pictures embedded a second, from the first to the last of the past minute; None if
            these are fewer than ten, or less than five seconds apart.
        seconds_left: until ``to_embed`` are done at that rate; None if it is not known, or nothing
            is to be done. Of a promotion no time is told: nothing is embedded in it.
        errors: those that failed, latest first, ten at most.
    """

    model: str
    total: int
    ready: int
    pending: int
    to_embed: int
    served: int
    failed: int
    without_picture: int
    by_recipe: dict[str, int]
    candidate: str
    rollout: RolloutStatus | None
    queue_length: int | None
    worker_seen: bool | None
    waiting_since: str | None
    recall: RecallStatus | None
    problems: list[str]
    rate: float | None
    seconds_left: float | None
    errors: list[PictureError]


def library_status(library: Library, *, workers: bool = True) -> LibraryStatus:
    """Return the state of a library.

    Args:
        library: to look at.
        workers: ask broker and workers too, which takes up to a second.
    """
    groups = _count(library)
    unseen = library.without_row().count()
    total, pending = _sum(groups, "total") + unseen, _sum(groups, "pending") + unseen
    recipes = library.recipes()
    progress = _rollout_status(library, recipes.next)
    filling = progress is not None and progress.state == RolloutState.FILLING
    to_embed = pending + (progress.left if progress and filling else 0)
    tasks = queue_length() if workers else None
    known = waiting.read(library)
    measured = recall_history.read(library)
    rate = _rate(groups)
    candidate = rollout.candidate_for(recipes.serving)
    return LibraryStatus(
        model=library.name,
        total=total,
        ready=_sum(groups, "ready"),
        pending=pending,
        to_embed=to_embed,
        served=_sum(groups, "served"),
        failed=_sum(groups, "failed"),
        without_picture=total - unseen - _sum(groups, "with_picture"),
        by_recipe={
            group["embedding_recipe"]: group["served"] for group in groups if group["served"]
        },
        candidate=candidate.fingerprint if candidate else "",
        rollout=progress,
        queue_length=tasks,
        worker_seen=worker_answers(tasks) if workers else None,
        waiting_since=known.since.isoformat() if known.since else None,
        recall=_recall_status(measured),
        problems=[
            *waiting.problems_of(library, known),
            *recall_history.problems_of(library, measured),
            *map_age.problems_of(library),
        ],
        rate=round(rate, 2) if rate else None,
        seconds_left=round(to_embed / rate, 1) if to_embed and rate else None,
        errors=[
            _picture_error(picture)
            for picture in library.rows.failed().defer(*VECTORS).order_by("-pk")[:_ERRORS]
        ],
    )


def as_dict(status: LibraryStatus) -> dict[str, Any]:
    """Return the status as plain values, for JSON."""
    return asdict(status)


def _count(library: Library) -> list[dict[str, Any]]:
    """Count rows by their recipe and what is in them, in one pass over the table."""
    holder = library.holder
    recent = Q(embedded_at__gte=Now() - timedelta(seconds=_RATE_SECONDS))
    return list(
        library.rows.order_by()
        .values("embedding_recipe")
        .annotate(
            total=Count("pk"),
            served=Count("pk", filter=Q(embedding__isnull=False)),
            pending=Count("pk", filter=is_pending(holder)),
            ready=Count("pk", filter=is_settled(holder, EmbeddingStatus.READY)),
            failed=Count("pk", filter=is_settled(holder, EmbeddingStatus.FAILED)),
            with_picture=Count("pk", filter=has_picture(holder)),
            recent=Count("pk", filter=recent),
            moments=Count(TruncSecond("embedded_at"), distinct=True, filter=recent),
            first=Min("embedded_at", filter=recent),
            last=Max("embedded_at", filter=recent),
        )
        .order_by("embedding_recipe")
    )


def _picture_error(picture: Any) -> PictureError:
    reason = reasons.read(picture.embedding_error)
    return PictureError(
        pk=str(picture.pk),
        title=str(picture),
        error=picture.embedding_reason,
        code=reason.code if reason else "",
    )


def _sum(groups: list[dict[str, Any]], name: str) -> int:
    return sum(group[name] for group in groups)


def _rate(groups: list[dict[str, Any]]) -> float | None:
    """Pictures a second while there was work; None if too few were embedded to tell."""
    pictures, moments = _sum(groups, "recent"), _sum(groups, "moments")
    if pictures < _LEAST_PICTURES:
        return None
    first = min(group["first"] for group in groups if group["first"])
    last = max(group["last"] for group in groups if group["last"])
    seconds: float = (last - first).total_seconds()
    if seconds < _LEAST_SECONDS:
        return None
    # Pictures come in batches, and the first batch was worked on before the span began.
    return (pictures - pictures / moments) / seconds


def _rollout_status(library: Library, candidate: Recipe | None) -> RolloutStatus | None:
    latest = library.rollout()
    if latest is None or latest.state == RolloutState.PROMOTED:
        return None
    rows, state = library.rows, RolloutState(latest.state)
    left = rows.unfilled(candidate.fingerprint).count() if candidate else 0
    filled = rows.filter(embedding_next_recipe=latest.fingerprint).count()
    failed = rows.given_up(latest.fingerprint).count()
    return RolloutStatus(
        fingerprint=latest.fingerprint, state=state, filled=filled, left=left, failed=failed
    )


def _recall_status(known: RecallHistory) -> RecallStatus | None:
    measurements, failed = known.trend, known.has_failed
    if not measurements and not failed:
        return None
    last = measurements[-1] if measurements else RecallMeasurement()
    by_style = zip(last.styles or (), last.recalls, strict=True)
    return RecallStatus(
        measured_at=last.began_at.isoformat() if last.began_at else None,
        pictures=last.pictures,
        by_style={f"{style:g}": round(recall, 3) for style, recall in by_style},
        at_least=get_settings().RECALL_AT_LEAST,
        trend=[round(one.lowest, 3) for one in measurements],
        failed=failed,
    )
