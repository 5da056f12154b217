"""Projections fitted on the library's own pictures, kept in the database.

The database is what all workers share anyhow, and its backups then hold the vectors together with
what it takes to make more of them. A worker copies the file once to its machine's weights folder.
"""

from __future__ import annotations

import logging
import os

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    WeightsError,
    check_whitening,
    read_whitening_file,
    sha256_of,
    whitening_path,
)
from artsimilarity.schema.tables import Whitening

logger = logging.getLogger(__name__)


def store_whitening(data: bytes, *, pictures: int, using: str) -> str:
    """Keep a projection where every worker finds it, and return its digest.

    Args:
        data: the projection's file.
        pictures: how many it was fitted on.
        using: database alias.
    """
    sha256 = sha256_of(data)
    Whitening.objects.using(using).get_or_create(
        sha256=sha256, defaults={"data": data, "pictures": pictures}
    )
    return sha256


def fetch_whitening(recipe: Recipe, *, using: str) -> None:
    """Copy a recipe's projection to this machine, unless it is here or the recipe has none.

    Raises:
        WeightsError: the database does not have it, or it cannot be written here.
    """
    sha256 = recipe.whitening_sha256
    if sha256 is None:
        return
    try:
        read_whitening_file(recipe)
    except WeightsError as error:
        logger.info("Copying a projection from the database: %s", error)
    else:
        return
    data = Whitening.objects.using(using).filter(sha256=sha256).values_list("data", flat=True)
    if (found := data.first()) is None:
        raise WeightsError(
            f"The database {using!r} holds no projection with the sha256 {sha256} of the recipe "
            f"{recipe.name!r}. Correct the recipe, or make a projection with 'python manage.py "
            f"fit_whitening --database {using}'."
        )
    check_whitening(bytes(found), sha256, f"The projection in the database {using!r}")
    _write(bytes(found), sha256)


def _write(data: bytes, sha256: str) -> None:
    path = whitening_path(sha256)
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
