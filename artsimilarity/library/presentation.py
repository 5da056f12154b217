"""What pages say of a picture, and where it leads: the host's hooks, else what Django has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import models

from artsimilarity.library.library import Library


class Caption(NamedTuple):
    """What stands under a picture."""

    title: str
    artist: str = ""


def hook(picture: models.Model, name: str) -> Callable[[models.Model], Any] | None:
    """Return what the host wrote under that name, to be called with the picture; None if nothing.

    It is a method of the picture model, or a class method of the model that holds the embedding.

    Raises:
        TypeError: the picture's model has no embedding.
    """
    found: Callable[[models.Model], Any] | None
    found = getattr(Library.of(type(picture)).holder, name, None)
    return found


def caption_of(picture: models.Model) -> Caption:
    """Return the host's ``similarity_caption``, a title or a title and an artist; else ``str()``.

    Raises:
        TypeError: the picture's model has no embedding.
    """
    named = hook(picture, "similarity_caption")
    if named is None:
        return Caption(str(picture))
    said = named(picture)
    return Caption(*said) if isinstance(said, tuple) else Caption(str(said))


def address_of(picture: models.Model) -> str:
    """Return the host's ``similarity_url``, else ``get_absolute_url``; "" if there is no page.

    Raises:
        TypeError: the picture's model has no embedding.
    """
    named = hook(picture, "similarity_url") or getattr(type(picture), "get_absolute_url", None)
    return str(named(picture) or "") if named else ""
