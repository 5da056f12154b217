"""The encoders of this process: loaded once, with torch and the weights, and not before use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

from django.db import DatabaseError, InterfaceError
from django.utils.module_loading import import_string

from artsimilarity.conf import get_settings
from artsimilarity.embedding.whitening_store import fetch_whitening
from artsimilarity.encoder.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class EncoderUnavailableError(RuntimeError):
    """This process cannot load an encoder; the message says why, and what to do."""


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


def make_encoder(recipe: Recipe, *, threads: int | None = None) -> PictureEncoder:
    """Make the encoder that the settings name, for a recipe.

    Args:
        recipe: that its vectors are made by.
        threads: for torch, where ``ARTSIMILARITY["THREADS"]`` is None.

    Raises:
        WeightsError: the recipe's weights cannot be found.
    """
    settings = get_settings()
    encoder: type[PictureEncoder] = import_string(settings.ENCODER)
    return encoder(
        recipe,
        device=settings.DEVICE,
        threads=settings.THREADS or threads,
        batch_size=settings.BATCH_SIZE,
        precision=settings.PRECISION,
    )


def load_encoder(recipe: Recipe, *, using: str, threads: int | None) -> PictureEncoder:
    """Return this process's encoder for a recipe.

    Args:
        recipe: that its vectors are made by.
        using: database alias of a fitted projection.
        threads: as for :func:`make_encoder`.

    Raises:
        EncoderUnavailableError: it cannot be loaded: a package or the weights are missing, the
            device does not answer, memory is short.
        DatabaseError: the database with the fitted projection does not answer.
    """
    settings = get_settings()
    options = (
        settings.ENCODER,
        settings.DEVICE,
        settings.THREADS,
        settings.BATCH_SIZE,
        settings.PRECISION,
    )
    try:
        return _load(recipe, using, threads, options)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        # An encoder of the host's own may raise anything; it is told with its cause.
        raise EncoderUnavailableError(
            f"The encoder {settings.ENCODER} cannot be loaded for the recipe {recipe.name!r}: "
            f"{_what_is_wrong(error)}"
        ) from error


def _what_is_wrong(error: Exception) -> str:
    """Return what a failure to load says, and what to do where the error itself does not."""
    if isinstance(error, ImportError):
        return (
            f"{error}. Install django-artsimilarity[worker] where workers run, or correct "
            f"ARTSIMILARITY['ENCODER']."
        )
    if isinstance(error, MemoryError):
        return "memory is short. Give the worker more, or run fewer processes (celery -c)."
    return str(error) or type(error).__name__


@cache
def _load(
    recipe: Recipe, using: str, threads: int | None, options: tuple[object, ...]
) -> PictureEncoder:
    """Load once for each recipe and each state of the settings, which tests change."""
    fetch_whitening(recipe, using=using)
    return make_encoder(recipe, threads=threads)
