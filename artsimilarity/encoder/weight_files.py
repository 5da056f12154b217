"""Where the weights of a recipe are kept, and whether they are sound. Without torch and numpy.

A site's checks can ask ``find_weights`` before any task starts, without loading torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from artsimilarity.encoder.recipe import IMAGENET, Recipe

DIRECTORY_VARIABLE: Final = "ARTSIMILARITY_WEIGHTS_DIR"

# Metadata of a kept file: the digest of the download that its tensors come from, and of themselves.
SOURCE_DIGEST: Final = "source_sha256"
TENSORS_DIGEST: Final = "tensors_sha256"

_BUNDLED: Final = "weights"
_DEEP: Final = ("deep", "deep_projection")  # fields that name files of a deeper network


class WeightsError(RuntimeError):
    """The weights of a recipe are missing, or are not the ones that the recipe names."""


def weights_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of downloaded weights: $ARTSIMILARITY_WEIGHTS_DIR, or this user's cache folder."""
    chosen = environ.get(DIRECTORY_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("artsimilarity", appauthor=False)


def imagenet_file_name(layer: str) -> str:
    """Name under which ImageNet weights up to one layer, such as ``relu3_1``, are kept."""
    return f"vgg19-imagenet1k-v1-{layer}.safetensors"


def find_weights(recipe: Recipe) -> Traversable:
    """Finds the files of a recipe's weights; they are not read.

    Args:
        recipe: Its ``weights``, ``deep`` and ``deep_projection`` say where to look.

    Returns:
        The file of ``weights``; it exists, and so do the others.

    Raises:
        WeightsError: One is missing; the message says how to get it.
    """
    for field in _DEEP if recipe.is_deep else ():
        _find(recipe, field)
    if recipe.weights == IMAGENET:
        kept = weights_directory() / imagenet_file_name(recipe.deepest_layer)
        remedy = (
            f"Run 'python manage.py fetch_weights --layer {recipe.deepest_layer}', "
            f"or set the environment variable {DIRECTORY_VARIABLE} to the folder that holds it"
        )
        return _existing(kept, f"The ImageNet weights file {kept}", remedy)
    return _find(recipe, "weights")


def read_weights_file(recipe: Recipe) -> bytes:
    """Reads the file of a recipe's weights and checks its digest.

    Args:
        recipe: What names the file and its digest.

    Returns:
        The file, in the safetensors format.

    Raises:
        WeightsError: There is no such file, or it has another digest.
    """
    if recipe.weights != IMAGENET:
        return _read(recipe, "weights")
    file = find_weights(recipe)
    data = _contents(file)
    check_kept(data, recipe.weights_sha256, str(file))
    return data


def read_deep_files(recipe: Recipe) -> tuple[bytes, bytes]:
    """Reads the weights of a recipe's EfficientNet-Lite0 and the projection of its statistics.

    Args:
        recipe: What names the files and their digests; its ``deep`` is not ``none``.

    Returns:
        The two files, in the safetensors format.

    Raises:
        WeightsError: There is no such file, or it has another digest.
    """
    network, projection = (_read(recipe, field) for field in _DEEP)
    return network, projection


def _find(recipe: Recipe, field: str) -> Traversable:
    """The file that a field of the recipe names by a path, or by its name inside the package."""
    name: str = getattr(recipe, field)
    if _is_path(name):
        remedy = f"Put it there, or correct {field!r} of the recipe {recipe.name!r}"
        return _existing(Path(name), f"The weights file {name}", remedy)
    bundled = resources.files(__package__) / _BUNDLED / name
    what = f"The weights file {name} of the installed package"
    return _existing(bundled, what, "Reinstall django-artsimilarity")


def _read(recipe: Recipe, field: str) -> bytes:
    """Contents of the file that a field names, checked against the digest in the field beside."""
    name, expected = getattr(recipe, field), getattr(recipe, f"{field}_sha256")
    data = _contents(_find(recipe, field))
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        remedy = (
            f"Put that file there, or correct '{field}_sha256' of the recipe {recipe.name!r}"
            if _is_path(name)
            else "Reinstall django-artsimilarity"
        )
        raise WeightsError(
            f"The weights file {name} is not the one that the recipe names: its sha256 "
            f"is {found}, expected {expected}. {remedy}."
        )
    return data


def _contents(file: Traversable) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights file {file} cannot be read: {error.strerror}.") from error


def check_kept(data: bytes, source_sha256: str, name: str) -> None:
    """Checks a file that ``fetch_weights`` made: whole, and from the download that is meant.

    Args:
        data: The file.
        source_sha256: Digest of the download.
        name: What to call the file in an error.

    Raises:
        WeightsError: It is damaged, of another kind, or from another download.
    """
    again = "Run 'python manage.py fetch_weights --force' to make it again"
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        source, tensors = metadata[SOURCE_DIGEST], metadata[TENSORS_DIGEST]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The weights file {name} was not made by fetch_weights, or is damaged. {again}."
        ) from error
    if source != source_sha256:
        raise WeightsError(
            f"The weights file {name} was made from another download (sha256 {source}, expected "
            f"{source_sha256}). {again}."
        )
    if hashlib.sha256(data[8 + length :]).hexdigest() != tensors:
        raise WeightsError(f"The weights file {name} is damaged. {again}.")


def whitening_path(sha256: str) -> Path:
    """Where this machine keeps the projection of that digest."""
    return weights_directory() / f"whitening-{sha256}.safetensors"


def read_whitening_file(recipe: Recipe) -> bytes:
    """Reads the fitted projection of a recipe and checks its digest.

    Args:
        recipe: Its ``whitening_sha256`` names the file.

    Returns:
        The file, in the safetensors format.

    Raises:
        WeightsError: The recipe has no such projection, or the file is missing or damaged.
    """
    if recipe.whitening_sha256 is None:
        raise WeightsError(f"The recipe {recipe.name!r} has no whitened projection.")
    path = whitening_path(recipe.whitening_sha256)
    remedy = (
        "Workers copy it from the site's database; or set "
        f"the environment variable {DIRECTORY_VARIABLE} to the folder that holds it"
    )
    _existing(path, f"The projection {path} of the recipe {recipe.name!r}", remedy)
    data = path.read_bytes()
    check_whitening(data, recipe.whitening_sha256, f"The projection {path}")
    return data


def sha256_of(data: bytes) -> str:
    """Digest of a projection's file, by which recipes name it."""
    return hashlib.sha256(data).hexdigest()


def check_whitening(data: bytes, sha256: str, what: str) -> None:
    """Checks a projection against its digest.

    Args:
        data: The file.
        sha256: The digest that it should have.
        what: What to call it in an error.

    Raises:
        WeightsError: It has another.
    """
    found = sha256_of(data)
    if found != sha256:
        raise WeightsError(
            f"{what} is not the one that the recipe names: its sha256 is {found}, expected "
            f"{sha256}. Delete it, and workers copy it from the database again; or fit one "
            f"again with 'python manage.py fit_whitening'."
        )


def _is_path(weights: str) -> bool:
    return "/" in weights or "\\" in weights


def _existing(file: Traversable, what: str, remedy: str) -> Traversable:
    if not file.is_file():
        raise WeightsError(f"{what} is missing. {remedy}.")
    return file
