"""Brings in a new recipe, or new weights, while visitors go on finding neighbours.

A roll-out *fills* ``embedding_next`` for the whole library while ``embedding`` is served. It is
then *promoted*: the new vectors move over in short transactions. Every query filters on the recipe
of its query vector, so vectors of two recipes are never compared. Both steps may be interrupted at
any point and taken up again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from artsimilarity.conf import get_settings
from artsimilarity.embedding.queue import enqueue
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.schema.columns import BLANK, NO_NEXT_VECTOR, NO_VECTOR, UNTRIED
from artsimilarity.schema.fields import EmbeddingField
from artsimilarity.schema.states import EmbeddingStatus, RolloutState
from artsimilarity.schema.tables import Rollout
from artsimilarity.search import score_calibration

# Rows moved in one transaction: few enough that their locks are held well below a second.
_BATCH = 100


class RolloutError(Exception):
    """A step of a roll-out cannot be taken; the message says what to do first."""


def start(library: Library) -> Rollout:
    """Begin to roll out ``ARTSIMILARITY["NEXT_RECIPE"]``, or go on with it.

    From now on new pictures get both vectors; :func:`fill` sends the library's to the workers.

    Raises:
        RolloutError: there is no next recipe, its vectors do not fit the column, another roll-out
            is under way, or the library is not all under the present recipe.
    """
    candidate = _candidate()
    serving = get_settings().recipe
    rollout = library.rollout()
    if rollout and rollout.fingerprint == candidate.fingerprint:
        return rollout
    if rollout and rollout.state != RolloutState.PROMOTED:
        raise RolloutError(
            _(
                "The recipe %(recipe)s is being rolled out. Finish it (“embed_artworks "
                "--promote”) or cancel it (“embed_artworks --cancel”) first."
            )
            % {"recipe": rollout.fingerprint}
        )
    if candidate.fingerprint == serving.fingerprint:
        raise RolloutError(_("NEXT_RECIPE and RECIPE are the same recipe: nothing is to be done."))
    _require_same_dimensions(library, candidate)
    if others := library.rows.served_otherwise(serving.fingerprint).count():
        raise RolloutError(
            _(
                "%(count)d pictures have vectors of another recipe than ARTSIMILARITY['RECIPE']. "
                "Name the recipe that is in service there, or run “embed_artworks”, first."
            )
            % {"count": others}
        )
    if rollout:
        rollout.delete()
    clear_next(library)
    return Rollout.objects.using(library.using).create(
        model_label=library.label, fingerprint=candidate.fingerprint
    )


def fill(library: Library) -> int:
    """Send the pictures that lack the new vector to the workers; returns how many were sent."""
    return enqueue(library.pictures)


def left_to_fill(library: Library) -> int:
    """Return how many pictures still lack the new vector and may get it."""
    return library.rows.to_do(library.recipes()).count()


def promote(library: Library, *, on_progress: Callable[[int], object] | None = None) -> int:
    """Serve the new recipe: move every new vector over, in short transactions.

    Pictures that could not be embedded under the new recipe are marked failed in the end, with
    the reason that was recorded then.

    Args:
        library: whose roll-out is promoted.
        on_progress: called with the number of rows moved since its last call.

    Returns:
        The number of rows moved by this call.

    Raises:
        RolloutError: no roll-out is under way, or pictures still lack the new vector.
    """
    rollout = library.rollout()
    if rollout is None or rollout.state == RolloutState.PROMOTED:
        raise RolloutError(_("No roll-out is under way. “embed_artworks --rollout” begins one."))
    if rollout.state == RolloutState.FILLING:
        if left := left_to_fill(library):
            raise RolloutError(
                _(
                    "%(count)d pictures are not embedded under the new recipe yet. Let a worker "
                    "finish them (“embed_artworks --rollout” sends them again)."
                )
                % {"count": left}
            )
        _set_state(library, rollout, RolloutState.PROMOTING)
    moved = _move(library, rollout.fingerprint, on_progress)
    _settle_leftovers(library, rollout.fingerprint)
    _set_state(library, rollout, RolloutState.PROMOTED)
    score_calibration.refresh(library, rollout.fingerprint)
    return moved


def resume_promotion(library: Library) -> int:
    """Take up a promotion that was interrupted; returns the number of rows moved."""
    rollout = library.rollout()
    if rollout is None or rollout.state != RolloutState.PROMOTING:
        return 0
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
    clear_next(library)


def repair(library: Library) -> int:
    """Mend what a worker wrote that had read the roll-out's state just before it changed.

    Returns:
        The number of rows mended; called by the sweep.
    """
    rollout = library.rollout()
    if rollout is None:
        return clear_next(library)
    if rollout.state == RolloutState.PROMOTED:
        return _move(library, rollout.fingerprint, None)
    return 0


def clear_next(library: Library) -> int:
    """Empty ``embedding_next``, and forget what failed while it was filled."""
    total = 0
    rows = library.rows
    ready = rows.filter(embedding_status=EmbeddingStatus.READY).exclude(embedding_error="")
    forgotten = {"embedding_error": "", "embedding_attempts": 0}
    for left, columns in ((rows.exclude(embedding_next_recipe=""), {}), (ready, forgotten)):
        while pks := list(left.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
            total += rows.filter(pk__in=pks).update(**NO_NEXT_VECTOR, **columns)
    return total


def _candidate() -> Recipe:
    try:
        candidate = get_settings().next_recipe
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


def _require_same_dimensions(library: Library, candidate: Recipe) -> None:
    field = library.holder._meta.get_field("embedding")
    if not isinstance(field, EmbeddingField) or field.dimensions == candidate.dimensions:
        return
    raise RolloutError(
        _(
            "The recipe %(recipe)s makes %(new)d dimensions, and the column holds %(old)s, so it "
            "cannot be rolled out beside the present one. Make it the RECIPE, run "
            "“makemigrations”, and before the operations that it wrote put "
            'migrations.RunSQL("""%(sql)s"""); '
            "then “migrate” and “embed_artworks --pending”. Until that is done there are no "
            "neighbours."
        )
        % {
            "recipe": candidate.fingerprint,
            "new": candidate.dimensions,
            "old": field.dimensions,
            "sql": _blanking_sql(library),
        }
    )


def _blanking_sql(library: Library) -> str:
    """Return the statement that blanks every row, for a migration."""
    table, _key = library.table()
    with connections[library.using].cursor() as cursor:
        columns = ", ".join(
            cursor.mogrify(f"{name} = %s", [value]) for name, value in BLANK.items()
        )
    return f"UPDATE {table} SET {columns}"  # noqa: S608 -- shown, and made of our own constants


def _move(library: Library, fingerprint: str, on_progress: Callable[[int], object] | None) -> int:
    rows = library.rows.filter(embedding_next_recipe=fingerprint)
    total = rows.count()
    # Batches of even size: a last one of a single row would be without neighbours for a moment.
    size = math.ceil(total / math.ceil(total / _BATCH)) if total else _BATCH
    moved = 0
    while True:
        with transaction.atomic(using=library.using):
            locked = rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
            pks = list(locked.values_list("pk", flat=True)[:size])
            library.rows.filter(pk__in=pks).update(
                embedding=F("embedding_next"),
                embedding_recipe=F("embedding_next_recipe"),
                **NO_NEXT_VECTOR,
            )
        moved += len(pks)
        if on_progress:
            on_progress(len(pks))
        if not pks:
            if not rows.exists():
                return moved
            time.sleep(0.1)  # what is left is locked by somebody who is saving it


def _settle_leftovers(library: Library, fingerprint: str) -> None:
    """Deal with rows that have no vector of the new recipe, so that none of the old one stays."""
    left = library.rows.served_otherwise(fingerprint)
    tried = left.exclude(embedding_error="")
    tried.update(**NO_VECTOR, embedding_status=EmbeddingStatus.FAILED)
    left.update(**NO_VECTOR, **UNTRIED)


def _set_state(library: Library, rollout: Rollout, state: RolloutState) -> None:
    columns: dict[str, Any] = {"state": state}
    if state == RolloutState.PROMOTED:
        columns["promoted_at"] = timezone.now()
    Rollout.objects.using(library.using).filter(pk=rollout.pk).update(**columns)
