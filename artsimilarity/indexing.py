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
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from artsimilarity import detection, dispatch, signals
from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import WeightsError
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import Plan, current_plan
from artsimilarity.status import EmbeddingStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.encoder.pictures.reading import Limits
    from artsimilarity.encoder.pictures.threads import DecodingThreads, Squares
    from artsimilarity.models import SimilarityMixin

logger = logging.getLogger(__name__)

# Pictures claimed at once: more save round trips, fewer are tried again when a worker dies.
_CLAIM_SIZE = 8


class PictureEncoder(Protocol):
    """What ``ARTSIMILARITY["ENCODER"]`` names: pictures to vectors under one recipe."""

    batch_size: int

    def __init__(
        self,
        recipe: Recipe,
        *,
        device: str,
        threads: int | None,
        batch_size: int | None,
        precision: str,
    ) -> None: ...

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return float32 vectors of shape (n, recipe.dimensions)."""
        ...


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


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """A row that this worker has taken, and the file that it held then.

    ``digest`` is set where the row has a vector of this file and lacks only the next recipe's.
    """

    pk: Any
    image: str
    claimed_at: datetime
    attempts: int
    digest: str


def embed(
    model: type[SimilarityMixin],
    pks: Sequence[Any],
    *,
    using: str = "default",
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
    should_stop: Callable[[], bool] = bool,
) -> Result:
    """Embed those of ``pks`` that need it.

    Rows that are embedded, failed or gone are skipped. Whatever may pass (storage, device) is left
    pending and named in ``Result.retry`` until it was tried ``ARTSIMILARITY["MAX_ATTEMPTS"]``
    times; what will not pass (a damaged file) fails at once, with the reason in the row.

    Args:
        model: the host's picture model.
        pks: primary keys, also as text.
        using: database alias.
        threads: for torch and for decoding, where ``ARTSIMILARITY["THREADS"]`` is None; None leaves
            it to torch, and decodes in one.
        on_progress: called with the number of pictures done since its last call.
        should_stop: asked between pictures; once it says yes, the rest is left unfinished.

    Raises:
        django.db.OperationalError: the database went away; the pictures in hand stay pending.
    """
    from artsimilarity.encoder.pictures.threads import DecodingThreads

    started = time.monotonic()
    with DecodingThreads(get_settings().THREADS or threads or 1, limits=_limits()) as decoding:
        run = _Run(model, using, threads, decoding)
        waiting = [str(pk) for pk in pks]
        while waiting:
            if should_stop():
                run.result.unfinished = waiting
                break
            total = len(waiting)
            claims, waiting = run.claim(waiting)
            done = len(run.result.embedded)
            run.embed(claims)
            detection.look_after_embedding(model, run.result.embedded[done:], using=using)
            if on_progress:
                on_progress(total - len(waiting))
    seconds = time.monotonic() - started
    _log(model, run.result, seconds)
    signals.chunk_embedded.send_robust(model, result=run.result, seconds=seconds)
    return run.result


class _Run:
    """One call of :func:`embed`: the same recipes from its first picture to its last."""

    def __init__(
        self,
        model: type[SimilarityMixin],
        using: str,
        threads: int | None,
        decoding: DecodingThreads,
    ) -> None:
        self.model = model
        self.using = using
        self.decoding = decoding
        self.result = Result()
        self.plan = current_plan(model, using)
        load = partial(load_encoder, using=using, threads=threads)
        self.encoders = {self.plan.serving: load(self.plan.serving)}
        if self.plan.next:
            try:
                self.encoders[self.plan.next] = load(self.plan.next)
            except WeightsError:
                # A roll-out that cannot go on is no reason to leave new pictures unembedded.
                logger.exception("The roll-out waits: NEXT_RECIPE cannot be used by this worker.")
                self.plan = Plan(self.plan.serving)
        self.size = max(_CLAIM_SIZE, *(encoder.batch_size for encoder in self.encoders.values()))
        self.writer = _Writer(model, using, self.plan, self.result)

    def claim(self, waiting: list[str]) -> tuple[list[_Claim], list[str]]:
        """Take the next pictures of ``waiting`` and return them and what is still waiting.

        The attempt is counted before the work begins, so that a picture that kills its worker is
        found out; one that was tried before goes alone, so that it takes no other down with it.
        """
        batch, waiting = waiting[: self.size], waiting[self.size :]
        rows = SimilarityQuerySet[Any](self.model, using=self.using).filter(pk__in=batch)
        todo = rows.to_do(self.plan).order_by("pk")
        claimed_at = timezone.now()
        with transaction.atomic(using=self.using):
            # Waiting for locks on several rows could deadlock with a host's own transaction.
            locked = todo.select_for_update(skip_locked=True, of=("self",))
            found = [self._claim_of(row, claimed_at) for row in locked.values_list(*self._columns)]
            claims = [claim for claim in found if claim.attempts == 1] or found[:1]
            claimed = rows.filter(pk__in=[claim.pk for claim in claims])
            dispatch.reset_replaced(claimed)
            claimed.update(
                embedding_attempts=F("embedding_attempts") + 1, embedding_claimed_at=claimed_at
            )
        later = [str(claim.pk) for claim in found if claim not in claims]
        if len(found) < len(batch):
            seen = {claim.pk for claim in found}
            left = [pk for pk in todo.values_list("pk", flat=True) if pk not in seen]
            self.result.retry += [str(pk) for pk in left]  # locked by somebody who saves them now
            self.result.skipped += len(batch) - len(found) - len(left)
        return claims, later + waiting

    @property
    def _columns(self) -> list[str]:
        columns = ["embedding_image", "embedding_status", "embedding_digest", "embedding_attempts"]
        return ["pk", self.model.similarity_image_field, *columns]

    @staticmethod
    def _claim_of(row: tuple[Any, ...], claimed_at: datetime) -> _Claim:
        pk, image, embedded_image, status, digest, attempts = row
        same = embedded_image == image
        return _Claim(
            pk=pk,
            image=image,
            claimed_at=claimed_at,
            attempts=attempts + 1 if same else 1,
            digest=digest if same and status == EmbeddingStatus.READY else "",
        )

    def embed(self, claims: Sequence[_Claim]) -> None:
        """Read, encode and record the claimed pictures."""
        files = [file for claim in claims if (file := self._read(claim))]
        read = [picture for file in files if (picture := self._decoded(file))]
        vectors: list[dict[Recipe, NDArray[np.float32] | Exception]] = [{} for _ in read]
        for recipe, encoder in self.encoders.items():
            wanted = [i for i, one in enumerate(read) if recipe.side in one.squares]
            if recipe is not self.plan.next:
                wanted = [i for i in wanted if not read[i].claim.digest]
            squares = [read[i].squares[recipe.side] for i in wanted]
            for i, vector in zip(wanted, _encode(encoder, squares), strict=True):
                vectors[i][recipe] = vector
        for one, found in zip(read, vectors, strict=True):
            error = next((v for v in found.values() if isinstance(v, Exception)), None)
            if error is None:
                self.writer.succeed(one, found)
            else:
                self.writer.retry(one.claim, _("The encoder failed: %(error)s") % {"error": error})

    def _read(self, claim: _Claim) -> _File | None:
        """Read one file and have it decoded; None if reading failed, which is recorded then.

        In this thread: a storage may use the database, whose connections belong to one thread.
        """
        if claim.attempts > get_settings().MAX_ATTEMPTS:
            reason = _(
                "The worker stopped %(count)d times while it embedded this picture, perhaps for "
                "lack of memory. Replace the picture with a smaller one, or give the worker more "
                "memory and re-embed it."
            )
            self.writer.fail(claim, reason % {"count": claim.attempts - 1})
            return None
        try:
            data = read_file(self.model, claim.image)
        except FileNotFoundError:
            reason = _("The file “%(name)s” is missing from the storage. Upload the picture again.")
            self.writer.retry(claim, reason % {"name": claim.image})
            return None
        except Exception as error:  # every storage backend has errors of its own
            logger.warning("The storage did not give up %s.", claim.image, exc_info=True)
            reason = _("The storage could not read “%(name)s”: %(error)s")
            details = {"name": claim.image, "error": error or type(error).__name__}
            self.writer.retry(claim, reason % details)
            return None
        digest = hashlib.sha256(data).hexdigest()
        if claim.digest and claim.digest != digest:
            self.writer.reset(claim)
            return None
        sides = {recipe.side for recipe in self.plan.recipes}
        return _File(claim, digest, self.decoding.submit(data, sides))

    def _decoded(self, file: _File) -> _Picture | None:
        """Wait for one picture; None if it cannot be decoded, which is recorded then."""
        squares = file.decoding.result()
        if not isinstance(squares, dict):
            self.writer.fail(file.claim, str(squares))
            return None
        signature = None
        if self.model.similarity_finds_duplicates:
            signature = sign(squares[self.plan.serving.side])
        return _Picture(file.claim, file.digest, squares, signature)


@dataclass(frozen=True)
class _File:
    """A file that was read and is being decoded."""

    claim: _Claim
    digest: str
    decoding: Future[Squares]


@dataclass(frozen=True)
class _Picture:
    """A file that was decoded: its sha256, its pixels at the sides that the recipes want, and its
    signature, if it has one and duplicates are looked for."""

    claim: _Claim
    digest: str
    squares: dict[int, NDArray[np.uint8]]
    signature: list[float] | None


class _Writer:
    """Writes what became of a claim, unless the row has moved on since."""

    def __init__(
        self, model: type[SimilarityMixin], using: str, plan: Plan, result: Result
    ) -> None:
        self.model = model
        self.using = using
        self.plan = plan
        self.result = result

    def succeed(self, picture: _Picture, vectors: dict[Recipe, NDArray[np.float32]] | Any) -> None:
        """Store the vectors, the serving recipe's to be served from now on."""
        claim = picture.claim
        columns: dict[str, Any] = {
            "embedding_error": "",
            "embedding_attempts": 0,
            "embedded_at": timezone.now(),
            "embedding_signature": picture.signature,
        }
        if self.plan.next:
            columns["embedding_next"] = vectors[self.plan.next].tolist()
            columns["embedding_next_recipe"] = self.plan.next.fingerprint
        elif not claim.digest:
            columns |= {"embedding_next": None, "embedding_next_recipe": ""}
        if not claim.digest:
            columns |= {
                "embedding": vectors[self.plan.serving].tolist(),
                "embedding_recipe": self.plan.serving.fingerprint,
                "embedding_digest": picture.digest,
                "embedding_status": EmbeddingStatus.READY,
            }
        if self._write(claim, **columns):
            self.result.embedded.append(str(claim.pk))
            signals.embedding_succeeded.send_robust(
                self.model, pk=claim.pk, using=self.using, recipe=self.plan.recipes[-1].fingerprint
            )

    def fail(self, claim: _Claim, reason: str) -> None:
        """Record that this file will not do, and stop serving a vector it may have had.

        A picture that only lacks the next recipe's vector goes on being served under the present
        one, until the roll-out is promoted.
        """
        logger.warning("%s %s cannot be embedded: %s", self.model._meta.label, claim.pk, reason)
        columns: dict[str, Any] = {"embedding_error": reason}
        if claim.digest:
            columns["embedding_attempts"] = get_settings().MAX_ATTEMPTS
        else:
            columns |= {
                "embedding": None,
                "embedding_next": None,
                "embedding_signature": None,
                "embedding_recipe": "",
                "embedding_next_recipe": "",
                "embedding_digest": "",
                "embedding_status": EmbeddingStatus.FAILED,
                "embedded_at": None,
            }
        if self._write(claim, **columns):
            self.result.failed.append(str(claim.pk))
            signals.embedding_failed.send_robust(
                self.model, pk=claim.pk, using=self.using, error=reason
            )

    def retry(self, claim: _Claim, reason: str) -> None:
        """Leave the picture to be tried again, or give up after the last attempt."""
        if claim.attempts >= get_settings().MAX_ATTEMPTS:
            self.fail(claim, reason)
        elif self._write(claim, embedding_error=reason):
            self.result.retry.append(str(claim.pk))

    def reset(self, claim: _Claim) -> None:
        """Start over: the file's content was replaced behind Django's back."""
        from artsimilarity.models import BLANK_EMBEDDING

        if self._write(claim, **{**BLANK_EMBEDDING, "embedding_image": claim.image}):
            self.result.retry.append(str(claim.pk))

    def _write(self, claim: _Claim, **columns: Any) -> bool:
        rows = self.model._base_manager.using(self.using).filter(
            pk=claim.pk,
            embedding_claimed_at=claim.claimed_at,
            **{self.model.similarity_image_field: claim.image},
        )
        written = bool(rows.update(**{**columns, "embedding_claimed_at": None}))
        if not written:
            self.result.skipped += 1
        return written


def _encode(
    encoder: PictureEncoder, squares: Sequence[NDArray[np.uint8]]
) -> Sequence[NDArray[np.float32] | Exception]:
    """Encode together; if that fails, one by one, so that one picture's failure is its own."""
    try:
        return list(encoder.encode(squares)) if squares else []
    except Exception as error:  # torch raises RuntimeError and worse; it is recorded
        logger.warning("The encoder failed on %d pictures.", len(squares), exc_info=True)
        if len(squares) == 1:
            return [error]
    return [vector for square in squares for vector in _encode(encoder, [square])]


def read_file(model: type[SimilarityMixin], name: str) -> bytes:
    """Read a file through its storage, at most one byte past ``MAX_BYTES``."""
    storage = model._meta.get_field(model.similarity_image_field).storage  # type: ignore[union-attr]
    with storage.open(name, "rb") as file:
        data: bytes = file.read(get_settings().MAX_BYTES + 1)
    return data


def read_square(data: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a file within the limits of the settings; raises ``PictureError``."""
    from artsimilarity.encoder.pictures import reading as images

    return images.read_square(data, side=side, limits=_limits())


def _limits() -> Limits:
    from artsimilarity.encoder.pictures.reading import Limits

    settings = get_settings()
    return Limits(max_bytes=settings.MAX_BYTES, max_pixels=settings.MAX_PIXELS)


def sign(square: NDArray[np.uint8]) -> list[float] | None:
    """Return a picture's signature as its column takes it; None for a flat picture."""
    from artsimilarity.encoder.copy_descriptor import signature

    found = signature(square)
    return None if found is None else found.tolist()


def load_encoder(recipe: Recipe, *, using: str, threads: int | None) -> PictureEncoder:
    """Return this process's encoder for a recipe.

    Args:
        recipe: that its vectors are made by.
        using: database alias of a calibrated projection.
        threads: for torch, where ``ARTSIMILARITY["THREADS"]`` is None.

    Raises:
        WeightsError: the recipe's weights cannot be found.
    """
    settings = get_settings()
    return _get_encoder(
        settings.ENCODER,
        recipe,
        settings.DEVICE,
        settings.THREADS or threads,
        settings.BATCH_SIZE,
        settings.PRECISION,
        using,
    )


@cache
def _get_encoder(
    path: str,
    recipe: Recipe,
    device: str,
    threads: int | None,
    batch_size: int | None,
    precision: str,
    using: str,
) -> PictureEncoder:
    """Load the encoder, with torch and the weights, once in a process and not before it is used."""
    from artsimilarity.calibrations import fetch

    fetch(recipe, using=using)
    encoder: type[PictureEncoder] = import_string(path)
    return encoder(
        recipe, device=device, threads=threads, batch_size=batch_size, precision=precision
    )


def _log(model: type[SimilarityMixin], result: Result, seconds: float) -> None:
    counts = {
        "embedded": len(result.embedded),
        "failed": len(result.failed),
        "retry": len(result.retry),
        "unfinished": len(result.unfinished),
        "skipped": result.skipped,
    }
    logger.info(
        "%s: %s in %.1f s.",
        model._meta.label,
        ", ".join(f"{count} {what}" for what, count in counts.items()),
        seconds,
        extra={"model": model._meta.label, "seconds": round(seconds, 3), **counts},
    )
