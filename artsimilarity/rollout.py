"""Brings in a new recipe, or new weights, while visitors go on finding neighbours.

A roll-out *fills* ``embedding_next`` for the whole library while ``embedding`` is served. It is
then *promoted*: the new vectors move over in short transactions. Every query filters on the recipe
of its target, so vectors of two recipes are never compared. Both steps may be interrupted at any
point and taken up again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from artsimilarity import dispatch, scale
from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.fields import EmbeddingField
from artsimilarity.labels import model_label
from artsimilarity.models import Rollout, SimilarityMixin
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import current_plan
from artsimilarity.status import EmbeddingStatus, RolloutState

# Rows moved in one transaction: few enough that their locks are held well below a second.
_BATCH = 100


class RolloutError(Exception):
    """A step of a roll-out cannot be taken; the message says what to do first."""


def current(model: type[SimilarityMixin], *, using: str = "default") -> Rollout | None:
    """Return the model's latest roll-out, finished or not."""
    return Rollout.objects.using(using).filter(model_label=model_label(model)).first()


def start(model: type[SimilarityMixin], *, using: str = "default") -> Rollout:
    """Begin to roll out ``ARTSIMILARITY["NEXT_RECIPE"]``, or go on with it.

    From now on new pictures get both vectors; :func:`fill` sends the library's to the workers.

    Raises:
        RolloutError: there is no next recipe, its vectors do not fit the column, another roll-out
            is under way, or the library is not all under the present recipe.
    """
    candidate = _candidate()
    serving = get_settings().recipe
    rollout = current(model, using=using)
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
    _require_same_dimensions(model, candidate)
    stale = _rows(model, using).filter(embedding__isnull=False)
    stale = stale.exclude(embedding_recipe=serving.fingerprint)
    if others := stale.count():
        raise RolloutError(
            _(
                "%(count)d pictures have vectors of another recipe than ARTSIMILARITY['RECIPE']. "
                "Name the recipe that is in service there, or run “embed_artworks”, first."
            )
            % {"count": others}
        )
    if rollout:
        rollout.delete()
    clear_next(model, using=using)
    return Rollout.objects.using(using).create(
        model_label=model_label(model), fingerprint=candidate.fingerprint
    )


def fill(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Send the pictures that lack the new vector to the workers; returns how many were sent."""
    return dispatch.enqueue(_rows(model, using))


def left_to_fill(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Return how many pictures still lack the new vector and may get it."""
    return _rows(model, using).to_do(current_plan(model, using)).count()


def promote(
    model: type[SimilarityMixin],
    *,
    using: str = "default",
    on_progress: Callable[[int], object] | None = None,
) -> int:
    """Serve the new recipe: move every new vector over, in short transactions.

    Pictures that could not be embedded under the new recipe are marked failed in the end, with
    the reason that was recorded then.

    Args:
        model: the host's picture model.
        using: database alias.
        on_progress: called with the number of rows moved since its last call.

    Returns:
        The number of rows moved by this call.

    Raises:
        RolloutError: no roll-out is under way, or pictures still lack the new vector.
    """
    rollout = current(model, using=using)
    if rollout is None or rollout.state == RolloutState.PROMOTED:
        raise RolloutError(_("No roll-out is under way. “embed_artworks --rollout” begins one."))
    if rollout.state == RolloutState.FILLING:
        if left := left_to_fill(model, using=using):
            raise RolloutError(
                _(
                    "%(count)d pictures are not embedded under the new recipe yet. Let a worker "
                    "finish them (“embed_artworks --rollout” sends them again)."
                )
                % {"count": left}
            )
        _set_state(rollout, RolloutState.PROMOTING, using)
    moved = _move(model, rollout.fingerprint, using, on_progress)
    _settle_leftovers(model, rollout.fingerprint, using)
    _set_state(rollout, RolloutState.PROMOTED, using, promoted_at=timezone.now())
    scale.refresh(model, rollout.fingerprint, using=using)
    return moved


def cancel(model: type[SimilarityMixin], *, using: str = "default") -> None:
    """Give up a roll-out that is still filling; nothing of it remains.

    Raises:
        RolloutError: there is none, or it is being promoted already.
    """
    rollout = current(model, using=using)
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
    clear_next(model, using=using)


def repair(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Mend what a worker wrote that had read the roll-out's state just before it changed.

    Returns:
        The number of rows mended; called by the sweep.
    """
    rollout = current(model, using=using)
    if rollout is None:
        return clear_next(model, using=using)
    if rollout.state == RolloutState.PROMOTED:
        return _move(model, rollout.fingerprint, using, None)
    return 0


def clear_next(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Empty ``embedding_next``, and forget what failed while it was filled."""
    total = 0
    rows = _rows(model, using)
    ready = rows.filter(embedding_status=EmbeddingStatus.READY).exclude(embedding_error="")
    for left, columns in (
        (rows.exclude(embedding_next_recipe=""), {}),
        (ready, {"embedding_error": "", "embedding_attempts": 0}),
    ):
        while pks := list(left.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
            chunk = rows.filter(pk__in=pks)
            total += chunk.update(embedding_next=None, embedding_next_recipe="", **columns)
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


def _require_same_dimensions(model: type[SimilarityMixin], candidate: Recipe) -> None:
    field = model._meta.get_field("embedding")
    if not isinstance(field, EmbeddingField) or field.dimensions == candidate.dimensions:
        return
    raise RolloutError(
        _(
            "The recipe %(recipe)s makes %(new)d dimensions, and the column holds %(old)s, so it "
            "cannot be rolled out beside the present one. Make it the RECIPE, run "
            "“makemigrations”, and before the operations that it wrote put "
            'migrations.RunSQL("UPDATE %(table)s SET embedding = NULL, embedding_next = NULL, '
            "embedding_recipe = '', embedding_next_recipe = '', embedding_status = 'pending'\"); "
            "then “migrate” and “embed_artworks --pending”. Until that is done there are no "
            "neighbours."
        )
        % {
            "recipe": candidate.fingerprint,
            "new": candidate.dimensions,
            "old": field.dimensions,
            "table": field.model._meta.db_table,
        }
    )


def _move(
    model: type[SimilarityMixin],
    fingerprint: str,
    using: str,
    on_progress: Callable[[int], object] | None,
) -> int:
    rows = _rows(model, using).filter(embedding_next_recipe=fingerprint)
    total = rows.count()
    # Batches of even size: a last one of a single row would be without neighbours for a moment.
    size = math.ceil(total / math.ceil(total / _BATCH)) if total else _BATCH
    moved = 0
    while True:
        with transaction.atomic(using=using):
            locked = rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
            pks = list(locked.values_list("pk", flat=True)[:size])
            _rows(model, using).filter(pk__in=pks).update(
                embedding=F("embedding_next"),
                embedding_recipe=F("embedding_next_recipe"),
                embedding_next=None,
                embedding_next_recipe="",
            )
        moved += len(pks)
        if on_progress:
            on_progress(len(pks))
        if not pks:
            if not rows.exists():
                return moved
            time.sleep(0.1)  # what is left is locked by somebody who is saving it


def _settle_leftovers(model: type[SimilarityMixin], fingerprint: str, using: str) -> None:
    """Deal with rows that have no vector of the new recipe, so that none of the old one stays."""
    left = _rows(model, using).filter(embedding__isnull=False).exclude(embedding_recipe=fingerprint)
    gone: dict[str, Any] = {"embedding": None, "embedding_recipe": "", "embedding_digest": ""}
    gone["embedding_signature"] = None
    left.exclude(embedding_error="").update(embedding_status=EmbeddingStatus.FAILED, **gone)
    left.update(embedding_status=EmbeddingStatus.PENDING, embedding_attempts=0, **gone)


def _set_state(rollout: Rollout, state: RolloutState, using: str, **values: Any) -> None:
    Rollout.objects.using(using).filter(pk=rollout.pk).update(state=state, **values)


def _rows(model: type[SimilarityMixin], using: str) -> SimilarityQuerySet[Any]:
    return SimilarityQuerySet[Any](model, using=using)
