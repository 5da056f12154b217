"""Brings in a new recipe, or new weights, while visitors go on finding neighbours.

A roll-out *fills* ``embedding_next`` for the whole library while ``embedding`` is served. It is
then *promoted*: the new vectors get an index of their own, and the two columns change names, in one
transaction that moves no row. The vectors of before stay in ``embedding_next``, so that rolling out
the old recipe again takes no more than embedding what is new since. Every query filters on the
recipe of its query vector, so vectors of two recipes are never compared. Each step may be
interrupted at any point and taken up again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable

from artsimilarity.conf import get_settings
from artsimilarity.embedding.queue import enqueue
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.schema.columns import NO_NEXT_VECTOR, NO_VECTOR, UNTRIED
from artsimilarity.schema.indexes import Graph, index_name
from artsimilarity.schema.states import EmbeddingStatus, RolloutState
from artsimilarity.schema.tables import Rollout
from artsimilarity.search import score_calibration

# Rows emptied in one transaction: few enough that their locks are held well below a second.
_BATCH = 100
# How long the change of places waits for the table at a time, and keeps others waiting behind it.
_LOCK_TIMEOUT = "300ms"
_TRIES = 30
# Name of an index while two of them change theirs; nobody else sees it.
_IN_BETWEEN = "artsimilarity_in_between"
# What failed while a vector of the next recipe was made is no matter of the vector in service.
_FORGOTTEN: dict[str, Any] = {"embedding_error": "", "embedding_attempts": 0}


class RolloutError(Exception):
    """A step of a roll-out cannot be taken; the message says what to do first."""


def start(library: Library) -> Rollout:
    """Begin to roll out ``ARTSIMILARITY["NEXT_RECIPE"]``, or go on with it.

    Where that is empty, and the library is under another recipe than ``["RECIPE"]``, as after an
    upgrade, it is this that is rolled out. From now on new pictures get both vectors; :func:`fill`
    sends the library's to the workers. Going on with it, pictures that could not be embedded are
    tried again.

    Raises:
        RolloutError: there is no next recipe, another roll-out is under way, or the library is not
            all under the present recipe.
    """
    serving = library.recipes().serving
    candidate = _candidate(serving)
    rollout = library.rollout()
    if rollout and rollout.fingerprint == candidate.fingerprint:
        if rollout.state == RolloutState.FILLING:
            library.rows.given_up(candidate.fingerprint).update(**_FORGOTTEN)
        return rollout
    _require_none_under_way(rollout)
    if candidate.fingerprint == serving.fingerprint:
        raise RolloutError(
            _("The recipe %(recipe)s is in service already: nothing is to be done.")
            % {"recipe": candidate.fingerprint}
        )
    if others := library.rows.served_otherwise(serving.fingerprint).count():
        raise RolloutError(
            _(
                "%(count)d pictures have vectors of another recipe than %(recipe)s, which the "
                "library is under. Run “embed_artworks --stale” first."
            )
            % {"count": others, "recipe": serving.fingerprint}
        )
    if rollout:
        rollout.delete()
    forget_next(library, but=candidate.fingerprint)
    return Rollout.objects.using(library.using).create(
        model_label=library.label, fingerprint=candidate.fingerprint
    )


def fill(library: Library) -> int:
    """Send the pictures that lack the new vector to the workers; returns how many were sent."""
    return enqueue(library.pictures)


def left_to_fill(library: Library) -> int:
    """Return how many pictures still lack the new vector and may get it."""
    return library.rows.to_do(library.recipes()).count()


def promote(
    library: Library, *, on_progress: Callable[[float], object] = lambda _share: None
) -> int:
    """Serve the new recipe: build its index, and let the two columns change places.

    Searches and saves go on. The change of places keeps them waiting for a moment, once nobody
    reads the table for longer than that.

    Pictures that could not be embedded under the new recipe are marked failed in the end, with
    the reason that was recorded then.

    Args:
        library: whose roll-out is promoted.
        on_progress: called with the share of its indexes that is built, 0..1.

    Returns:
        The number of pictures that are served under the new recipe.

    Raises:
        RolloutError: no roll-out is under way, it is cancelled meanwhile, pictures still lack the
            new vector, most of them could not get it, an index is being built already, or others
            keep the table locked.
        django.db.Error: the server refused to build the index, for lack of disk or memory.
    """
    rollout = library.rollout()
    if rollout is None or rollout.state == RolloutState.PROMOTED:
        raise _none_under_way()
    begun = rollout.state == RolloutState.PROMOTING
    if not begun and (left := left_to_fill(library)):
        raise RolloutError(
            _(
                "%(count)d pictures are not embedded under the new recipe yet. Let a worker "
                "finish them (“embed_artworks --rollout” sends them again)."
            )
            % {"count": left}
        )
    if not begun:
        _require_most_filled(library, rollout)
    index = _index_of(library, rollout)
    if index.is_being_built():
        raise RolloutError(
            _("An index of %(table)s is being built already. Let that finish first.")
            % {"table": library.table()[0]}
        )
    # Another process may have put it into service or cancelled it since it was read.
    if _set_state(library, rollout, RolloutState.PROMOTING):
        _build(index.with_others(), on_progress)
    _exchange(library, rollout)
    _settle_leftovers(library, rollout.fingerprint)
    score_calibration.refresh(library, rollout.fingerprint)
    return library.rows.served(rollout.fingerprint).count()


def resume_promotion(library: Library) -> int:
    """Take up a promotion that was interrupted; returns the number of pictures served by it."""
    rollout = library.rollout()
    if rollout is None or rollout.state != RolloutState.PROMOTING:
        return 0
    if _index_of(library, rollout).is_being_built():
        return 0  # it goes on elsewhere
    return promote(library)


def cancel(library: Library) -> None:
    """Give up a roll-out that is still filling; nothing of it remains.

    Raises:
        RolloutError: there is none, or it is being promoted already.
    """
    rollout = library.rollout()
    if rollout is None or rollout.state == RolloutState.PROMOTED:
        raise RolloutError(_("No roll-out is under way, so there is none to cancel."))
    if rollout.state == RolloutState.PROMOTING:
        raise RolloutError(
            _(
                "The new recipe is being put into service already. Let “embed_artworks --promote” "
                "finish; the old recipe can then be rolled out in its turn."
            )
        )
    rollout.delete()
    forget_next(library)


def forget_previous(library: Library) -> int:
    """Empty the column and drop the index that a finished roll-out has left of the old recipe.

    Returns:
        The number of vectors that are gone.

    Raises:
        RolloutError: a roll-out is under way, whose vectors these are.
    """
    _require_none_under_way(library.rollout())
    return forget_next(library)


def repair(library: Library) -> int:
    """Mend what a worker wrote that had read the roll-out's state just before it changed.

    Returns:
        The number of rows mended; called by the sweep.
    """
    return 0 if library.rollout() else forget_next(library)


def forget_next(library: Library, but: str = "") -> int:
    """Empty ``embedding_next``, and forget what failed while it was filled.

    Args:
        library: whose column it is.
        but: fingerprint of a recipe whose vectors are kept, with their index.
    """
    total = 0
    rows = library.rows
    if not but or not rows.filter(embedding_next_recipe=but).exists():
        for graph in Graph:
            VectorIndex(library=library, recipe="", column="embedding_next", graph=graph).drop()
    others = rows.exclude(embedding_next_recipe__in=["", but])
    ready = rows.filter(embedding_status=EmbeddingStatus.READY).exclude(embedding_error="")
    for left, columns in ((others, NO_NEXT_VECTOR), (ready, _FORGOTTEN)):
        while pks := list(left.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
            total += rows.filter(pk__in=pks).update(**columns)
    return total


def candidate_for(serving: Recipe) -> Recipe | None:
    """Return the recipe that the settings would have in the place of the one in service, if any.

    Raises:
        ImproperlyConfigured: they name one that cannot be imported.
    """
    settings = get_settings()
    candidate, configured = settings.next_recipe, settings.recipe
    if candidate is None and configured.fingerprint != serving.fingerprint:
        candidate = configured
    return candidate


def _candidate(serving: Recipe) -> Recipe:
    try:
        candidate = candidate_for(serving)
    except ImproperlyConfigured as error:
        raise RolloutError(str(error)) from error
    if candidate is None:
        raise RolloutError(
            _(
                "Name the new recipe in ARTSIMILARITY['NEXT_RECIPE'], by its dotted path, and "
                "restart workers and web processes."
            )
        )
    return candidate


def _require_none_under_way(latest: Rollout | None) -> None:
    if latest is None or latest.state == RolloutState.PROMOTED:
        return
    raise RolloutError(
        _(
            "The recipe %(recipe)s is being rolled out. Finish it (“embed_artworks --promote”) or "
            "cancel it (“embed_artworks --cancel”) first."
        )
        % {"recipe": latest.fingerprint}
    )


def _require_most_filled(library: Library, rollout: Rollout) -> None:
    """Refuse to fail most of a library: its disk was not there, rather than its files are gone."""
    lost = library.rows.given_up(rollout.fingerprint).count()
    filled = library.rows.ready().filter(embedding_next_recipe=rollout.fingerprint).count()
    if lost <= filled:
        return
    raise RolloutError(
        _(
            "%(count)d of %(total)d pictures could not be embedded under the new recipe, and would "
            "not be found any more. See whether the pictures' storage answers, and whether their "
            "files are there; then let “embed_artworks --rollout” try them again."
        )
        % {"count": lost, "total": lost + filled}
    )


def _none_under_way() -> RolloutError:
    return RolloutError(_("No roll-out is under way. “embed_artworks --rollout” begins one."))


def _index_of(library: Library, rollout: Rollout) -> VectorIndex:
    """The index of the vectors that are rolled out."""
    return VectorIndex(library=library, recipe=rollout.fingerprint, column="embedding_next")


def _build(indexes: Sequence[VectorIndex], on_progress: Callable[[float], object]) -> None:
    """Build those that are not built yet, and report how far all of them have come."""
    left = [index for index in indexes if not index.is_built()]
    for done, index in enumerate(left):

        def note(share: float, done: int = done) -> None:
            on_progress((done + share) / len(left))

        index.build(on_progress=note)


def _exchange(library: Library, rollout: Rollout) -> None:
    """Let the two columns and their indexes change names, and the new recipe be in service.

    All that goes on in the table meanwhile would wait behind us, so we do not wait for long at a
    time: whoever holds the table is let pass, and others with them. If another process has put the
    recipe into service since, as a sweep may, nothing is left to do.

    Raises:
        RolloutError: it was cancelled, or others keep the table locked.
    """
    states = Rollout.objects.using(library.using).values_list("state", flat=True)
    for attempt in range(_TRIES):
        try:
            with transaction.atomic(using=library.using):
                state = states.select_for_update().filter(pk=rollout.pk).first()
                if state is None:
                    raise _none_under_way()
                if state == RolloutState.PROMOTING:
                    _change_names(library)
                    _set_state(library, rollout, RolloutState.PROMOTED)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            time.sleep(min(0.1 * 2**attempt, 5))
        else:
            return
    raise RolloutError(
        _(
            "The new recipe could not be put into service: others kept the table %(table)s locked "
            "all the time. See pg_stat_activity for a transaction that has been open for long, let "
            "it end, and run “embed_artworks --promote” again."
        )
        % {"table": library.table()[0]}
    )


def _change_names(library: Library) -> None:
    connection = connections[library.using]
    quote = connection.ops.quote_name
    table, _key = library.table()
    pairs = [("embedding", "embedding_next"), ("embedding_recipe", "embedding_next_recipe")]
    model = library.holder.similarity_table()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        for one, other in pairs:
            for old, new in ((one, f"{one}_old"), (other, one), (f"{one}_old", other)):
                cursor.execute(f"ALTER TABLE {table} RENAME COLUMN {quote(old)} TO {quote(new)}")
        renamed = "ALTER INDEX IF EXISTS {} RENAME TO {}"  # the one that served may be missing
        for graph in Graph:
            served, coming = (index_name(model, column, graph) for column in pairs[0])
            for old, new in ((served, _IN_BETWEEN), (coming, served), (_IN_BETWEEN, coming)):
                cursor.execute(renamed.format(quote(old), quote(new)))
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def _settle_leftovers(library: Library, fingerprint: str) -> None:
    """Deal with rows that have no vector of the new recipe, so that none of the old one stays."""
    ready = library.rows.filter(embedding_status=EmbeddingStatus.READY)
    left = ready.exclude(embedding_recipe=fingerprint)
    tried = left.exclude(embedding_error="")
    tried.update(**NO_VECTOR, embedding_status=EmbeddingStatus.FAILED)
    left.update(**NO_VECTOR, **UNTRIED)


def _set_state(library: Library, rollout: Rollout, state: RolloutState) -> bool:
    """Whether it was still under way: what is in service already stays so."""
    columns: dict[str, Any] = {"state": state}
    if state == RolloutState.PROMOTED:
        columns["promoted_at"] = timezone.now()
    same = Rollout.objects.using(library.using).filter(pk=rollout.pk)
    return bool(same.exclude(state=RolloutState.PROMOTED).update(**columns))
