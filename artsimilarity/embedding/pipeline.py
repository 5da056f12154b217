"""Embeds rows: claims them, reads each file, encodes it, and records success or failure.

Safe to run any number of times, by any number of workers at once (see
:mod:`artsimilarity.embedding.claims`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, transaction

from artsimilarity.conf import get_settings
from artsimilarity.duplicates import detection
from artsimilarity.embedding import claims, in_hand, signals
from artsimilarity.embedding.claims import Claim, Needs
from artsimilarity.embedding.encoders import EncoderUnavailableError, PictureEncoder, load_encoder
from artsimilarity.embedding.writer import Picture, Result, Writer
from artsimilarity.encoder.pictures.crop import WHOLE
from artsimilarity.encoder.pictures.limits import DecoderCrashed
from artsimilarity.encoder.pictures.reasons import Reason
from artsimilarity.encoder.pictures.threads import DecodingThreads, Squares, SquaresBySide
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.files import StoredFile, decoders, decoding_limits, fetch_file
from artsimilarity.library.recipes import RecipesInForce
from artsimilarity.library.seeing import see
from artsimilarity.schema import reasons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Pictures claimed at once: more save round trips, fewer are tried again when a worker dies.
_CLAIM_SIZE = 8


def embed(
    library: Library,
    pks: Sequence[Any],
    *,
    threads: int | None = None,
    worker: str = "",
    started_at: float = 0,
    on_progress: Callable[[int], object] | None = None,
    should_stop: Callable[[], bool] = bool,
) -> Result:
    """Embed those of ``pks`` that need it.

    Rows that are embedded, failed or gone are skipped. Whatever may pass (storage, device) is left
    pending and named in ``Result.retry`` until it was tried ``ARTSIMILARITY["MAX_ATTEMPTS"]``
    times; what will not pass (a damaged file) fails at once, with the reason in the row.

    Args:
        library: whose pictures they are.
        pks: primary keys, also as text.
        threads: for torch and for decoding, where ``ARTSIMILARITY["THREADS"]`` is None; None leaves
            it to torch, and decodes in one.
        worker: name of the Celery worker that does it, under which its claims are noted.
        started_at: when that worker started, by the clock of its machine.
        on_progress: called with the number of pictures done since its last call.
        should_stop: asked between pictures; once it says yes, the rest is left unfinished.

    Raises:
        EncoderUnavailableError: this process cannot embed anything; nothing was claimed.
        django.db.OperationalError: the database went away; the pictures in hand stay pending.
    """
    started = time.monotonic()
    count = get_settings().THREADS or threads or 1
    limits, processes = decoding_limits(), decoders(count)
    with DecodingThreads(count, limits=limits, processes=processes) as pool:
        run = _Run(library, threads, pool, worker, started_at)
        waiting = [str(pk) for pk in pks]
        while waiting:
            if should_stop():
                run.result.unfinished = waiting
                break
            total = len(waiting)
            waiting = run.embed_next(waiting)
            if on_progress:
                on_progress(total - len(waiting))
    seconds = time.monotonic() - started
    _log(library, run.result, seconds)
    signals.chunk_embedded.send_robust(library.model, result=run.result, seconds=seconds)
    return run.result


@dataclass(frozen=True)
class _File:
    """A file that was read and is being decoded."""

    claim: Claim
    stored: StoredFile
    decoding: Future[Squares]


class _Run:
    """One call of :func:`embed`: the same recipes from its first picture to its last."""

    def __init__(
        self,
        library: Library,
        threads: int | None,
        decoding: DecodingThreads,
        worker: str,
        started_at: float,
    ) -> None:
        self.library = library
        self.worker = worker
        self.started_at = started_at
        self.decoding = decoding
        self.result = Result()
        recipes = library.recipes()
        self.encoders = {recipes.serving: _load(library, recipes.serving, threads)}
        if recipes.next:
            try:
                self.encoders[recipes.next] = _load(library, recipes.next, threads)
            except EncoderUnavailableError:
                # A roll-out that cannot go on is no reason to leave new pictures unembedded.
                logger.exception("The roll-out waits: NEXT_RECIPE cannot be used by this worker.")
                recipes = RecipesInForce(recipes.serving)
        self.recipes = recipes
        self.size = max(_CLAIM_SIZE, *(encoder.batch_size for encoder in self.encoders.values()))
        self.writer = Writer(library, recipes, self.result)

    def embed_next(self, waiting: list[str]) -> list[str]:
        """Claim and embed the next pictures of ``waiting``; returns what is still waiting."""
        with transaction.atomic(using=self.library.using):
            taken = claims.take(self.library, self.recipes, waiting[: self.size])
            in_hand.note(self.library, self.worker, taken.claims, started_at=self.started_at)
        self.result.retry += taken.locked
        self.result.skipped += taken.skipped
        done = len(self.result.embedded)
        try:
            self._embed(taken.claims)
        except (OperationalError, InterfaceError):
            raise  # nothing could be recorded either
        except Exception as error:  # whatever it is, each row says so, and the next are embedded
            logger.exception("%d pictures could not be embedded.", len(taken.claims))
            reason = Reason(reasons.UNFORESEEN, error=_details(error))
            for claim in taken.claims:  # those that are settled carry their claims no more
                self.writer.retry(claim, reason)
        in_hand.forget(self.library, self.worker, taken.claims)
        detection.look_after_embedding(self.library, self.result.embedded[done:])
        return taken.later + waiting[self.size :]

    def _embed(self, taken: Sequence[Claim]) -> None:
        """Read, encode and record the claimed pictures."""
        files = [file for claim in taken if (file := self._read(claim))]
        pictures = [picture for file in files if (picture := self._decoded(file))]
        vectors: list[dict[Recipe, Any]] = [{} for _ in pictures]
        for recipe, encoder in self.encoders.items():
            wanted = [i for i, one in enumerate(pictures) if self._wants(recipe, one.claim)]
            squares = [pictures[i].seen[recipe].pixels for i in wanted]
            for i, vector in zip(wanted, _encode(encoder, squares), strict=True):
                vectors[i][recipe] = vector
        for picture, found in zip(pictures, vectors, strict=True):
            error = next((v for v in found.values() if isinstance(v, Exception)), None)
            if error is None:
                self.writer.succeed(picture, found)
            else:
                reason = Reason(reasons.ENCODER_FAILED, error=_details(error))
                self.writer.retry(picture.claim, reason)

    def _wants(self, recipe: Recipe, claim: Claim) -> bool:
        return recipe is self.recipes.next or claim.needs is Needs.EVERYTHING

    def _read(self, claim: Claim) -> _File | None:
        """Read one file and have it decoded; None if reading failed, which is recorded then.

        In this thread: a storage may use the database, whose connections belong to one thread.
        """
        if claim.attempts > get_settings().MAX_ATTEMPTS:
            self.writer.fail(claim, Reason(reasons.WORKER_STOPPED, count=claim.attempts - 1))
            return None
        try:
            stored = fetch_file(self.library, claim.image)
        except FileNotFoundError:
            self.writer.retry(claim, Reason(reasons.FILE_MISSING, name=claim.image))
            return None
        except Exception as error:  # every storage backend has errors of its own
            logger.warning("The storage did not give up %s.", claim.image, exc_info=True)
            reason = Reason(reasons.STORAGE_FAILED, name=claim.image, error=_details(error))
            self.writer.retry(claim, reason)
            return None
        if claim.needs is Needs.NEXT_VECTOR and claim.served_digest != stored.digest:
            stored.contents.close()
            self.writer.reset(claim)
            return None
        sides = {one.decoded_side for one in self.recipes.all if self._wants(one, claim)}
        return _File(claim, stored, self.decoding.submit(stored.contents, sides))

    def _decoded(self, file: _File) -> Picture | None:
        """Wait for one picture; None if it cannot be decoded, which is recorded then."""
        try:
            with file.stored.contents:
                squares = file.decoding.result()
            if isinstance(squares, SquaresBySide):
                return self._seen(file, squares)
        except MemoryError:
            logger.warning("No memory to decode %s.", file.claim.image, exc_info=True)
            self.writer.retry(file.claim, Reason(reasons.NO_MEMORY_TO_DECODE))
            return None
        except Exception as error:  # a decoder's bug is this picture's alone; it is recorded
            logger.warning("%s could not be decoded.", file.claim.image, exc_info=True)
            self.writer.retry(file.claim, Reason(reasons.NOT_DECODED, error=_details(error)))
            return None
        if isinstance(squares, DecoderCrashed):  # the kernel may have ended it for lack of memory
            self.writer.retry(file.claim, squares.reason)
            return None
        self.writer.fail(file.claim, squares.reason)
        return None

    def _seen(self, file: _File, squares: SquaresBySide) -> Picture:
        """What the recipes look at; area and copies are the newest's, which will serve longest."""
        seen = {
            recipe: see(
                self.library,
                recipe,
                squares[recipe.decoded_side],
                proportion=squares.proportion,
                by_hand=file.claim.area_by_hand,
            )
            for recipe in self.recipes.all
            if self._wants(recipe, file.claim)
        }
        newest = seen[self.recipes.newest]
        descriptor = None
        if self.library.finds_duplicates:
            descriptor = detection.describe_for_copies(newest.pixels)
        area = None if newest.area == WHOLE else newest.area
        return Picture(
            file.claim, file.stored.digest, seen, area, descriptor, damaged=squares.damaged
        )


def _load(library: Library, recipe: Recipe, threads: int | None) -> PictureEncoder:
    return load_encoder(recipe, using=library.using, threads=threads)


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


def _details(error: Exception) -> str | Reason:
    if isinstance(error, MemoryError):
        return Reason(reasons.NO_MEMORY)
    return str(error) or type(error).__name__


def _log(library: Library, result: Result, seconds: float) -> None:
    counts = {
        "embedded": len(result.embedded),
        "failed": len(result.failed),
        "retry": len(result.retry),
        "unfinished": len(result.unfinished),
        "skipped": result.skipped,
    }
    logger.info(
        "%s: %s in %.1f s.",
        library.name,
        ", ".join(f"{count} {what}" for what, count in counts.items()),
        seconds,
        extra={"model": library.name, "seconds": round(seconds, 3), **counts},
    )
