"""Embeds rows: reads each file, encodes it, and records success or failure.

Safe to run any number of times, by any number of workers at once: a picture is claimed before it
is read, and what comes of it is written only if the row still carries that claim and still holds
that file. Replacing the picture, or another worker's claim, makes an older result fall away.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from artsimilarity import dispatch
from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.status import EmbeddingStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.models import SimilarityMixin

logger = logging.getLogger(__name__)

# Pictures claimed at once: more save round trips, fewer are tried again when a worker dies.
_CLAIM_SIZE = 8


class PictureEncoder(Protocol):
    """What ``ARTSIMILARITY["ENCODER"]`` names: pictures to vectors under one recipe."""

    batch_size: int

    def __init__(
        self, recipe: Recipe, *, device: str, threads: int | None, batch_size: int | None
    ) -> None: ...

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return float32 vectors of shape (n, recipe.dimensions)."""
        ...


@dataclass(kw_only=True)
class Result:
    """What became of the pictures of one call, by primary key as text."""

    embedded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    retry: list[str] = field(default_factory=list)
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """A row that this worker has taken, and the file that it held then."""

    pk: Any
    image: str
    claimed_at: datetime
    attempts: int


def embed(
    model: type[SimilarityMixin],
    pks: Sequence[Any],
    *,
    using: str = "default",
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Result:
    """Embed those of ``pks`` that need it.

    Rows that are embedded, failed or gone are skipped. Whatever may pass (storage, device) is left
    pending and named in ``Result.retry`` until it was tried ``ARTSIMILARITY["MAX_ATTEMPTS"]``
    times; what will not pass (a damaged file) fails at once, with the reason in the row.

    Args:
        model: the host's picture model.
        pks: primary keys, also as text.
        using: database alias.
        threads: for torch, where ``ARTSIMILARITY["THREADS"]`` is None; None leaves it to torch.
        on_progress: called with the number of pictures done since its last call.

    Raises:
        django.db.OperationalError: the database went away; the pictures in hand stay pending.
    """
    started = time.monotonic()
    settings = get_settings()
    encoder = _get_encoder(
        settings.ENCODER,
        settings.recipe,
        settings.DEVICE,
        settings.THREADS or threads,
        settings.BATCH_SIZE,
    )
    result = Result()
    waiting = [str(pk) for pk in pks]
    while waiting:
        total = len(waiting)
        size = max(encoder.batch_size, _CLAIM_SIZE)
        claims, waiting = _claim(model, waiting, using, size, result)
        _embed_claims(model, claims, using, encoder, result)
        if on_progress:
            on_progress(total - len(waiting))
    _log(model, result, time.monotonic() - started)
    return result


def _claim(
    model: type[SimilarityMixin], waiting: list[str], using: str, size: int, result: Result
) -> tuple[list[_Claim], list[str]]:
    """Take the next pictures of ``waiting`` and return them and what is still waiting.

    The attempt is counted before the work begins, so that a picture that kills its worker is
    found out; one that was tried before goes alone, so that it takes no other down with it.
    """
    batch, waiting = waiting[:size], waiting[size:]
    rows = SimilarityQuerySet[Any](model, using=using).filter(pk__in=batch)
    claimed_at = timezone.now()
    with transaction.atomic(using=using):
        # Waiting for locks on several rows could deadlock with a host's own transaction.
        locked = rows.pending().order_by("pk").select_for_update(skip_locked=True, of=("self",))
        image_field = model.similarity_image_field
        found = [
            _Claim(
                pk=pk,
                image=image,
                claimed_at=claimed_at,
                attempts=attempts + 1 if embedding_image == image else 1,
            )
            for pk, image, embedding_image, attempts in locked.values_list(
                "pk", image_field, "embedding_image", "embedding_attempts"
            )
        ]
        claims = [claim for claim in found if claim.attempts == 1] or found[:1]
        claimed = rows.filter(pk__in=[claim.pk for claim in claims])
        dispatch.reset_replaced(claimed)
        claimed.update(
            embedding_attempts=F("embedding_attempts") + 1, embedding_claimed_at=claimed_at
        )
    later = [str(claim.pk) for claim in found if claim not in claims]
    if len(found) < len(batch):
        seen = {claim.pk for claim in found}
        left = [pk for pk in rows.pending().values_list("pk", flat=True) if pk not in seen]
        result.retry += [str(pk) for pk in left]  # locked by somebody who is saving them now
        result.skipped += len(batch) - len(found) - len(left)
    return claims, later + waiting


def _embed_claims(
    model: type[SimilarityMixin],
    claims: Sequence[_Claim],
    using: str,
    encoder: PictureEncoder,
    result: Result,
) -> None:
    """Read, encode and record the claimed pictures."""
    from artsimilarity.encoder.images import PictureError

    writer = _Writer(model, using, result)
    read: list[tuple[_Claim, str, NDArray[np.uint8]]] = []
    for claim in claims:
        if claim.attempts > get_settings().MAX_ATTEMPTS:
            writer.fail(
                claim,
                _(
                    "The worker stopped %(count)d times while it embedded this picture, perhaps "
                    "for lack of memory. Replace the picture with a smaller one, or give the "
                    "worker more memory and re-embed it."
                )
                % {"count": claim.attempts - 1},
            )
            continue
        try:
            data = _read_file(model, claim.image)
        except FileNotFoundError:
            writer.retry(
                claim,
                _("The file “%(name)s” is missing from the storage. Upload the picture again.")
                % {"name": claim.image},
            )
            continue
        except Exception as error:  # every storage backend has errors of its own
            logger.warning("The storage did not give up %s.", claim.image, exc_info=True)
            writer.retry(
                claim,
                _("The storage could not read “%(name)s”: %(error)s")
                % {"name": claim.image, "error": error or type(error).__name__},
            )
            continue
        try:
            square = _read_square(data)
        except PictureError as error:
            logger.info("%s: %s", claim.image, error, exc_info=True)
            writer.fail(claim, str(error))
        else:
            read.append((claim, hashlib.sha256(data).hexdigest(), square))
    for (claim, digest, _square), vector in zip(read, _encode(encoder, read), strict=True):
        if isinstance(vector, Exception):
            writer.retry(claim, _("The encoder failed: %(error)s") % {"error": vector})
        else:
            writer.succeed(claim, digest, vector)


class _Writer:
    """Writes what became of a claim, unless the row has moved on since."""

    def __init__(self, model: type[SimilarityMixin], using: str, result: Result) -> None:
        self.model = model
        self.using = using
        self.result = result

    def succeed(self, claim: _Claim, digest: str, vector: NDArray[np.float32]) -> None:
        """Store the vector, to be served from now on."""
        written = self._write(
            claim,
            embedding=vector.tolist(),
            embedding_recipe=get_settings().recipe.fingerprint,
            embedding_digest=digest,
            embedding_status=EmbeddingStatus.READY,
            embedding_error="",
            embedding_attempts=0,
            embedded_at=timezone.now(),
        )
        if written:
            self.result.embedded.append(str(claim.pk))

    def fail(self, claim: _Claim, reason: str) -> None:
        """Record that this file will not do, and stop serving a vector it may have had."""
        logger.warning("%s %s cannot be embedded: %s", self.model._meta.label, claim.pk, reason)
        written = self._write(
            claim,
            embedding=None,
            embedding_next=None,
            embedding_recipe="",
            embedding_next_recipe="",
            embedding_digest="",
            embedding_status=EmbeddingStatus.FAILED,
            embedding_error=reason,
            embedded_at=None,
        )
        if written:
            self.result.failed.append(str(claim.pk))

    def retry(self, claim: _Claim, reason: str) -> None:
        """Leave the picture pending with the reason, or give up after the last attempt."""
        if claim.attempts >= get_settings().MAX_ATTEMPTS:
            self.fail(claim, reason)
        elif self._write(claim, embedding_error=reason):
            self.result.retry.append(str(claim.pk))

    def _write(self, claim: _Claim, **columns: Any) -> bool:
        rows = self.model._base_manager.using(self.using).filter(
            pk=claim.pk,
            embedding_claimed_at=claim.claimed_at,
            **{self.model.similarity_image_field: claim.image},
        )
        written = bool(rows.update(embedding_claimed_at=None, **columns))
        if not written:
            self.result.skipped += 1
        return written


def _encode(
    encoder: PictureEncoder, read: Sequence[tuple[_Claim, str, NDArray[np.uint8]]]
) -> Sequence[NDArray[np.float32] | Exception]:
    """Encode together; if that fails, one by one, so that one picture's failure is its own."""
    squares = [square for _claim, _digest, square in read]
    try:
        return list(encoder.encode(squares)) if squares else []
    except Exception as error:  # torch raises RuntimeError and worse; it is recorded
        logger.warning("The encoder failed on %d pictures.", len(squares), exc_info=True)
        if len(squares) == 1:
            return [error]
    return [vector for one in read for vector in _encode(encoder, [one])]


def _read_file(model: type[SimilarityMixin], name: str) -> bytes:
    """Read a file through its storage, at most one byte past the limit."""
    storage = model._meta.get_field(model.similarity_image_field).storage  # type: ignore[union-attr]
    with storage.open(name, "rb") as file:
        data: bytes = file.read(get_settings().MAX_BYTES + 1)
    return data


def _read_square(data: bytes) -> NDArray[np.uint8]:
    from artsimilarity.encoder.images import Limits, read_square

    settings = get_settings()
    limits = Limits(max_bytes=settings.MAX_BYTES, max_pixels=settings.MAX_PIXELS)
    return read_square(data, side=settings.recipe.side, limits=limits)


@cache
def _get_encoder(
    path: str, recipe: Recipe, device: str, threads: int | None, batch_size: int | None
) -> PictureEncoder:
    """Load the encoder, with torch and the weights, once in a process and not before it is used."""
    encoder: type[PictureEncoder] = import_string(path)
    return encoder(recipe, device=device, threads=threads, batch_size=batch_size)


def _log(model: type[SimilarityMixin], result: Result, seconds: float) -> None:
    counts = {
        "embedded": len(result.embedded),
        "failed": len(result.failed),
        "retry": len(result.retry),
        "skipped": result.skipped,
    }
    logger.info(
        "%s: %s in %.1f s.",
        model._meta.label,
        ", ".join(f"{count} {what}" for what, count in counts.items()),
        seconds,
        extra={"model": model._meta.label, "seconds": round(seconds, 3), **counts},
    )
