"""What an administrator can do to a whole library, and when each makes sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from artsimilarity.embedding import rollout
from artsimilarity.embedding.broker import publish
from artsimilarity.embedding.queue import CANCEL_TASK, ENQUEUE_TASK, PROMOTE_TASK
from artsimilarity.library import Library
from artsimilarity.monitoring.status import LibraryStatus
from artsimilarity.schema.states import RolloutState


@dataclass(frozen=True)
class LibraryAction:
    """A button of the library page.

    Attributes:
        name: its part of the address.
        label: what the button says.
        explanation: what the confirmation page says that it does.
        count: how many pictures it concerns; 0 where it makes no sense now.
        perform: does it, to a library; returns whether the broker took the task.
        works: whether workers embed these pictures, so that a time can be told.
        refuses: whether ``perform`` itself says why it cannot be done, with a ``RolloutError``.
    """

    name: str
    label: str | Promise
    explanation: str | Promise
    count: Callable[[LibraryStatus], int]
    perform: Callable[[Library], bool]
    works: bool = True
    refuses: bool = False


def available(status: LibraryStatus) -> list[LibraryAction]:
    """Return the actions that make sense in this state of the library."""
    return [action for action in ACTIONS.values() if action.count(status)]


def _enqueue(which: str) -> Callable[[Library], bool]:
    return lambda library: publish(ENQUEUE_TASK, library.name, which, library.using)


def _roll_out(library: Library) -> bool:
    rollout.start(library)
    return publish(ENQUEUE_TASK, library.name, "pending", library.using)


def _promote(library: Library) -> bool:
    return publish(PROMOTE_TASK, library.name, library.using)


def _cancel(library: Library) -> bool:
    return publish(CANCEL_TASK, library.name, library.using)


def _with_picture(status: LibraryStatus) -> int:
    return status.total - status.without_picture


def _to_roll_out(status: LibraryStatus) -> int:
    if not status.candidate or status.by_recipe.get(status.candidate):
        return 0
    if status.rollout is None:
        return _with_picture(status)
    filling = status.rollout.state == RolloutState.FILLING
    return status.rollout.left + status.rollout.failed if filling else 0


def _to_promote(status: LibraryStatus) -> int:
    if status.rollout is None:
        return 0
    if status.rollout.state == RolloutState.PROMOTING:
        return status.rollout.filled or 1
    if status.rollout.left or status.pending or status.rollout.failed > status.rollout.filled:
        return 0
    return status.rollout.filled


def _to_cancel(status: LibraryStatus) -> int:
    filling = status.rollout is not None and status.rollout.state == RolloutState.FILLING
    return _with_picture(status) if filling else 0


ACTIONS = {
    action.name: action
    for action in (
        LibraryAction(
            "pending",
            _("Embed what is missing"),
            _("Sends the pictures that wait to the workers."),
            lambda status: status.pending,
            _enqueue("pending"),
        ),
        LibraryAction(
            "failed",
            _("Retry failed"),
            _("Sends the pictures that failed to the workers once more."),
            lambda status: status.failed,
            _enqueue("failed"),
        ),
        LibraryAction(
            "all",
            _("Re-embed everything"),
            _(
                "Sends every picture to the workers. Until a picture has its new vector, searches "
                "go on with the old one."
            ),
            _with_picture,
            _enqueue("all"),
        ),
        LibraryAction(
            "rollout",
            _("Roll out a new recipe"),
            _(
                "Embeds every picture under the recipe that the settings name, beside the present "
                "one. Visitors notice nothing. It can be cancelled."
            ),
            _to_roll_out,
            _roll_out,
            refuses=True,
        ),
        LibraryAction(
            "promote",
            _("Put the new recipe into service"),
            _(
                "Builds the index of the new vectors, and serves them from one moment to the next. "
                "The old ones are kept, so that their recipe can be rolled out again."
            ),
            _to_promote,
            _promote,
            works=False,
        ),
        LibraryAction(
            "cancel",
            _("Cancel the roll-out"),
            _("Throws the new vectors away; nothing of the roll-out remains."),
            _to_cancel,
            _cancel,
            works=False,
        ),
    )
}
