"""Writes what became of a claim, unless the row has moved on since."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists
from django.db.models.functions import Now

from artsimilarity.conf import get_settings
from artsimilarity.embedding import signals
from artsimilarity.embedding.claims import Claim, Needs
from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.reasons import Reason
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.recipes import RecipesInForce
from artsimilarity.schema import reasons
from artsimilarity.schema.columns import NO_NEXT_VECTOR, blank_for, failed
from artsimilarity.schema.states import EmbeddingStatus, RolloutState
from artsimilarity.schema.tables import Rollout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.encoder.pictures.seen import Seen

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Result:
    """What became of the pictures of one call, by primary key as text.

    Attributes:
        embedded: have their vectors now.
        failed: will not have them until somebody acts; the row says why.
        retry: may succeed later.
        unfinished: not begun, because the worker is about to stop.
        skipped: needed nothing, or were replaced or taken by another worker meanwhile.
    """

    embedded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    retry: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    skipped: int = 0


@dataclass(frozen=True)
class Picture:
    """A file that was decoded.

    Attributes:
        claim: the row that it is for.
        digest: sha256 of the file.
        seen: what each recipe that it is embedded by looks at of it.
        area: what the newest recipe in force looks at, None for the whole picture.
        copy_descriptor: by which copies are found, if there is one and duplicates are looked for.
        damaged: the end of the file is missing, and the squares show what there is.
    """

    claim: Claim
    digest: str
    seen: Mapping[Recipe, Seen]
    area: Area | None
    copy_descriptor: list[float] | None
    damaged: bool = False


class Writer:
    """Writes the outcomes of one call of ``embed``.

    Args:
        library: whose rows are written.
        recipes: that the vectors are made by.
        result: where each outcome is noted.
    """

    def __init__(self, library: Library, recipes: RecipesInForce, result: Result) -> None:
        self.library = library
        self.recipes = recipes
        self.result = result

    def succeed(self, picture: Picture, vectors: Mapping[Recipe, NDArray[np.float32]]) -> None:
        """Store the vectors, the serving recipe's to be served from now on."""
        claim, recipes = picture.claim, self.recipes
        written = self._write(claim, _columns(picture, vectors, recipes), recipes.next)
        if not written and recipes.next:
            # If the next recipe was put into service meanwhile, the columns have changed places.
            recipes = RecipesInForce(recipes.next, recipes.serving)
            written = self._write(claim, _columns(picture, vectors, recipes))
        if not written:
            self.result.skipped += 1
            return
        self.result.embedded.append(str(claim.pk))
        signals.embedding_succeeded.send_robust(
            self.library.model,
            pk=claim.pk,
            using=self.library.using,
            recipe=self.recipes.all[-1].fingerprint,
        )

    def fail(self, claim: Claim, reason: Reason) -> None:
        """Record that this file will not do, and stop serving a vector it may have had.

        A picture that only lacks the next recipe's vector goes on being served under the present
        one, until the roll-out is promoted.
        """
        kept = reasons.stored(reason)
        words = reasons.in_words(kept)
        logger.warning("%s %s cannot be embedded: %s", self.library.name, claim.pk, words)
        columns = failed(kept)
        if claim.needs is Needs.NEXT_VECTOR:
            tried = get_settings().MAX_ATTEMPTS
            columns = {"embedding_error": kept, "embedding_attempts": tried}
        if self._settle(claim, columns):
            self.result.failed.append(str(claim.pk))
            signals.embedding_failed.send_robust(
                self.library.model, pk=claim.pk, using=self.library.using, error=words
            )

    def retry(self, claim: Claim, reason: Reason) -> None:
        """Leave the picture to be tried again, or give up after the last attempt."""
        if claim.attempts >= get_settings().MAX_ATTEMPTS:
            self.fail(claim, reason)
        elif self._settle(claim, {"embedding_error": reasons.stored(reason)}):
            self.result.retry.append(str(claim.pk))

    def reset(self, claim: Claim) -> None:
        """Start over: the file's content was replaced behind Django's back."""
        if self._settle(claim, blank_for(claim.image)):
            self.result.retry.append(str(claim.pk))

    def _settle(self, claim: Claim, columns: dict[str, Any]) -> bool:
        written = self._write(claim, columns)
        self.result.skipped += not written
        return written

    def _write(
        self, claim: Claim, columns: dict[str, Any], rolled_out: Recipe | None = None
    ) -> bool:
        """Write to the row that was claimed, if it is still ours.

        Args:
            claim: whose row it is.
            columns: what is written.
            rolled_out: only while that recipe has not been put into service.
        """
        image = self.library.holder.similarity_image_lookup()
        rows = self.library.rows.filter(
            pk=claim.pk, embedding_claimed_at=claim.claimed_at, **{image: claim.image}
        )
        if rolled_out:
            rows = rows.filter(~Exists(self._promoted(rolled_out)))
        return bool(rows.update(**{**columns, "embedding_claimed_at": None}))

    def _promoted(self, recipe: Recipe) -> models.QuerySet[Rollout]:
        return Rollout.objects.using(self.library.using).filter(
            model_label=self.library.label,
            fingerprint=recipe.fingerprint,
            state=RolloutState.PROMOTED,
        )


def _columns(
    picture: Picture, vectors: Mapping[Recipe, NDArray[np.float32]], recipes: RecipesInForce
) -> dict[str, Any]:
    """What a row holds of a picture that was embedded."""
    everything = picture.claim.needs is Needs.EVERYTHING
    columns: dict[str, Any] = {
        "embedding_error": "",
        "embedding_attempts": 0,
        "embedded_at": Now(),
        "embedding_copy_descriptor": picture.copy_descriptor,
        "embedding_damaged": picture.damaged,
        "embedding_area": picture.area,
    }
    if recipes.next and recipes.next in vectors:
        columns["embedding_next"] = vectors[recipes.next].tolist()
        columns["embedding_next_recipe"] = recipes.next.fingerprint
    elif everything:
        columns |= NO_NEXT_VECTOR
    if everything:
        columns |= {
            "embedding": vectors[recipes.serving].tolist(),
            "embedding_recipe": recipes.serving.fingerprint,
            "embedding_digest": picture.digest,
            "embedding_status": EmbeddingStatus.READY,
        }
    return columns
