"""Projections fitted on the library's own pictures: sampled here, kept in the database.

The database is what all workers share anyhow, and its backups then hold the vectors together with
what it takes to make more of them. A worker copies the file once to its machine's weights folder.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from artsimilarity import indexing
from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    WeightsError,
    calibration_path,
    check_calibration,
    read_calibration_file,
    sha256_of,
)
from artsimilarity.models import Calibration
from artsimilarity.querysets import SimilarityQuerySet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.models import SimilarityMixin

logger = logging.getLogger(__name__)

_CHUNK = 32


def describe(
    model: type[SimilarityMixin],
    recipe: Recipe,
    *,
    count: int,
    seed: int,
    using: str = "default",
    on_progress: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.float32], list[str]]:
    """Compute the style blocks of pictures drawn from the whole library.

    Args:
        model: the host's picture model.
        recipe: what makes the style blocks.
        count: pictures wanted; all of them where the library has fewer.
        seed: of the draw; the same library and seed give the same pictures.
        using: database alias.
        on_progress: called with the number of pictures done since its last call.

    Returns:
        Shape (pictures that could be read, recipe.style_dimensions), and the names of the files
        that could not; others were drawn in their place.

    Raises:
        WeightsError: the recipe's weights are missing or are not the ones it names.
    """
    import numpy as np

    settings = get_settings()
    encoder: indexing.PictureEncoder = import_string(settings.ENCODER)(
        recipe,
        device=settings.DEVICE,
        threads=settings.THREADS,
        batch_size=settings.BATCH_SIZE,
        precision=settings.PRECISION,
    )
    names = _draw(model, seed, using)
    count = min(count, len(names))
    unreadable: list[str] = []
    squares = islice(_squares(model, names, recipe.side, unreadable), count)
    found = np.empty((count, recipe.style_dimensions), dtype=np.float32)
    done = 0
    while chunk := list(islice(squares, _CHUNK)):
        found[done : done + len(chunk)] = encoder.encode(chunk)[:, : recipe.style_dimensions]
        done += len(chunk)
        if on_progress:
            on_progress(len(chunk))
    return found[:done], unreadable


def store(data: bytes, *, pictures: int, using: str = "default") -> str:
    """Keep a projection where every worker finds it, and return its digest.

    Args:
        data: the projection's file.
        pictures: how many it was fitted on.
        using: database alias.
    """
    sha256 = sha256_of(data)
    Calibration.objects.using(using).get_or_create(
        sha256=sha256, defaults={"data": data, "pictures": pictures}
    )
    return sha256


def fetch(recipe: Recipe, *, using: str = "default") -> None:
    """Copy a recipe's projection to this machine, unless it is here or the recipe has none.

    Raises:
        WeightsError: the database does not have it, or it cannot be written here.
    """
    sha256 = recipe.calibration_sha256
    if sha256 is None:
        return
    try:
        read_calibration_file(recipe)
    except WeightsError as error:
        logger.info("Copying a projection from the database: %s", error)
    else:
        return
    data = Calibration.objects.using(using).filter(sha256=sha256).values_list("data", flat=True)
    if (found := data.first()) is None:
        raise WeightsError(
            f"The database {using!r} holds no projection with the sha256 {sha256} of the recipe "
            f"{recipe.name!r}. Correct the recipe, or make a projection with 'python manage.py "
            f"calibrate --database {using}'."
        )
    check_calibration(bytes(found), sha256, f"The projection in the database {using!r}")
    _write(bytes(found), sha256)


def _write(data: bytes, sha256: str) -> None:
    path = calibration_path(sha256)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(
            f"The projection cannot be kept in {path.parent}: {error.strerror or error}. Choose a "
            f"folder that workers may write to with the environment variable {DIRECTORY_VARIABLE}."
        ) from error


def _draw(model: type[SimilarityMixin], seed: int, using: str) -> list[str]:
    """Return the names of the library's files in an order drawn from the seed."""
    rows = SimilarityQuerySet[Any](model, using=using).with_picture().order_by("pk")
    names = list(rows.values_list(model.similarity_image_field, flat=True))
    random.Random(seed).shuffle(names)  # noqa: S311 -- nothing is secret about it
    return names


def _squares(
    model: type[SimilarityMixin], names: list[str], side: int, unreadable: list[str]
) -> Iterator[NDArray[np.uint8]]:
    """Read the files that can be read; the names of the others are added to ``unreadable``."""
    for name in names:
        try:
            yield indexing.read_square(indexing.read_file(model, name), side)
        except Exception as error:  # noqa: BLE001 -- storages have errors of their own; it is logged
            logger.warning("%s is left out of the sample: %s", name, error)
            unreadable.append(name)
