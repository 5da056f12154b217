"""Rows taken by one worker, each for one file.

What comes of a claim is written only if the row still carries it and still holds that file.
Replacing the picture, or another worker's claim, makes an older result fall away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.library import Library
from artsimilarity.library.recipes import RecipesInForce
from artsimilarity.schema.states import EmbeddingStatus


class Needs(Enum):
    """What a row lacks."""

    EVERYTHING = auto()
    """The vector that is served, and in a roll-out the next recipe's besides."""
    NEXT_VECTOR = auto()
    """The next recipe's vector alone; the row is served as it is."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row that this worker has taken, and the file that it held then.

    Attributes:
        pk: primary key of the picture.
        image: name of its file.
        claimed_at: the stamp that the row carries, by the database's clock: machines' own may be
            minutes apart.
        attempts: how many workers have tried this file, this one included.
        needs: what the row lacks.
        served_digest: sha256 of the file whose vector the row serves; "" if it serves none.
        area_by_hand: where that picture lies in its scan, if somebody has said so.
    """

    pk: Any
    image: str
    claimed_at: datetime
    attempts: int
    needs: Needs
    served_digest: str
    area_by_hand: Area | None = None


@dataclass(kw_only=True)
class Taken:
    """What became of the attempt to claim some rows, by primary key as text.

    Attributes:
        claims: rows that are ours now.
        later: rows that were tried before, and go alone when their turn comes.
        locked: rows that somebody else is saving at this moment.
        skipped: how many need nothing, or are gone.
    """

    claims: list[Claim] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    skipped: int = 0


def take(library: Library, recipes: RecipesInForce, pks: Sequence[str]) -> Taken:
    """Claim those rows of ``pks`` that need a worker.

    The attempt is counted before the work begins, so that a picture that kills its worker is found
    out; one that was tried before goes alone, so that it takes no other down with it.
    """
    image = library.holder.similarity_image_lookup()
    columns = (
        *("embedding_image", "embedding_status", "embedding_digest", "embedding_attempts"),
        "embedding_area_by_hand",
    )
    rows = library.rows.filter(pk__in=pks)
    todo = rows.to_do(recipes).order_by("pk")
    with transaction.atomic(using=library.using):
        # Waiting for locks on several rows could deadlock with a host's own transaction.
        locked = todo.select_for_update(skip_locked=True, of=("self",))
        found = [_claim(row) for row in locked.values_list("pk", image, *columns, Now())]
        claims = [claim for claim in found if claim.attempts == 1] or found[:1]
        claimed = rows.filter(pk__in=[claim.pk for claim in claims])
        claimed.reset_replaced()
        if claims:  # of one statement, so they carry one stamp
            attempts, claimed_at = F("embedding_attempts") + 1, claims[0].claimed_at
            claimed.update(embedding_attempts=attempts, embedding_claimed_at=claimed_at)
    taken = Taken(claims=claims, later=[str(one.pk) for one in found if one not in claims])
    if len(found) < len(pks):
        seen = {claim.pk for claim in found}
        left = todo.values_list("pk", flat=True)
        taken.locked = [str(pk) for pk in left if pk not in seen]
        taken.skipped = len(pks) - len(found) - len(taken.locked)
    return taken


def _claim(row: tuple[Any, ...]) -> Claim:
    pk, image, embedded_image, status, digest, attempts, area_by_hand, claimed_at = row
    same = embedded_image == image
    served = same and status == EmbeddingStatus.READY
    return Claim(
        pk=pk,
        image=image,
        claimed_at=claimed_at,
        attempts=attempts + 1 if same else 1,
        needs=Needs.NEXT_VECTOR if served else Needs.EVERYTHING,
        served_digest=digest if served else "",
        area_by_hand=area_by_hand if same else None,
    )
