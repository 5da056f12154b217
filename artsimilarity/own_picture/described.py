"""A visitor's picture as a worker has described it: what another search needs, and no file.

A page that lets visitors look again, at another balance, holds it as a signed text and sends it
along: neither is the picture sent twice, nor does the server keep anything of it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import IO, Any, Self, Unpack

from django.core import signing
from django.db import models
from django.http import HttpRequest

from artsimilarity.library import Library
from artsimilarity.own_picture.asking import describe, shrink
from artsimilarity.own_picture.message import Square
from artsimilarity.search.neighbours import Neighbours, NeighbourStatus
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import given_vector
from artsimilarity.search.request import PageOptions, PageRequest, Search
from artsimilarity.search.visible import visible_pictures

_SALT = "artsimilarity.own_picture.described"
_HOURS = 12


class DescriptionOutdated(ValueError):
    """It is none of ours, too old, or of a recipe that is not served: send the picture again."""


@dataclass(frozen=True)
class DescribedPicture:
    """What a worker has made of a picture.

    Attributes:
        vector: style block, then colour block, in single precision.
        recipe: fingerprint of the recipe that made it.
        preview: the picture, small (160 pixels at most), as a WebP file; for the page that shows
            what was asked with. The file itself cannot be had from it, nor from the vector.
    """

    vector: tuple[float, ...]
    recipe: str
    preview: bytes

    @property
    def preview_address(self) -> str:
        """The preview as an address of its own (``data:``), for ``<img src>``."""
        return f"data:image/webp;base64,{base64.b64encode(self.preview).decode('ascii')}"

    def signed(self) -> str:
        """Return it as a text for a page to hold, some 10 kB; see :meth:`read`."""
        vector = struct.pack(f"<{len(self.vector)}f", *self.vector)
        parts = [base64.b64encode(part).decode("ascii") for part in (vector, self.preview)]
        return signing.dumps([self.recipe, *parts], salt=_SALT, compress=True)

    @classmethod
    def read(cls, text: str, *, max_age: int = _HOURS * 3600) -> Self:
        """Return what :meth:`signed` has written.

        Args:
            text: as the page sends it back.
            max_age: seconds for which it holds.

        Raises:
            DescriptionOutdated: nobody has signed it here, or it is older.
        """
        try:
            recipe, vector, preview = signing.loads(text, salt=_SALT, max_age=max_age)
            data = base64.b64decode(vector)
            values = struct.unpack(f"<{len(data) // 4}f", data)
            return cls(values, recipe, base64.b64decode(preview))
        except (signing.BadSignature, ValueError, struct.error, binascii.Error) as error:
            raise DescriptionOutdated from error


def describe_picture(model: type[models.Model], file: IO[bytes]) -> DescribedPicture:
    """Let a worker describe a picture that is not in the library; it is stored nowhere.

    Args:
        model: whose pictures it is to be compared with.
        file: the picture, open for reading at its beginning.

    Raises:
        PictureRefused: the file is too large, damaged, or no picture.
        NotAnswered: no worker has described it in time, or
            ``ARTSIMILARITY["SEARCHES_AT_ONCE"]`` others are under way.
    """
    return _describe(model, file, visible_pictures(model, None, None))


def _describe(
    model: type[models.Model], file: IO[bytes], searched: models.QuerySet[Any]
) -> DescribedPicture:
    library = Library.of(model)
    # A replica may be under the recipe of before, while the primary has changed over.
    recipe = Library.searched(searched).recipes().serving
    previews: list[bytes] = []

    def message() -> Square:
        square = shrink(file, recipe)
        previews.append(square.preview)
        return square

    vector = describe(library, recipe, message)
    return DescribedPicture(tuple(vector), recipe.fingerprint, previews[0])


def search_by_picture(
    model: type[models.Model],
    file: IO[bytes],
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures nearest to one that is not in the library; it is stored nowhere.

    A worker describes it. Anything that can be compared with it may be found, the same picture too.
    There is one page, and nothing is diversified.

    Args:
        model: whose pictures are searched.
        file: the picture, open for reading at its beginning.
        queryset: as for :func:`~artsimilarity.search.more_like_this`, and so are ``request`` and
            the options.

    Raises:
        PictureRefused: the file is too large, damaged, or no picture.
        NotAnswered: no worker has described it in time, or
            ``ARTSIMILARITY["SEARCHES_AT_ONCE"]`` others are under way.
        ValueError: ``limit`` or ``style`` is out of range.
    """
    page = _page(options)  # refuses what cannot be searched for before a worker is asked
    visible = visible_pictures(model, queryset, request)
    return _search(_describe(model, file, visible), visible, page)


def search_by_description(
    model: type[models.Model],
    described: DescribedPicture,
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures nearest to one that was described before; asks no worker.

    Args:
        model: whose pictures are searched.
        described: from :func:`describe_picture`, for the same model.
        queryset: as for :func:`~artsimilarity.search.more_like_this`, and so are ``request`` and
            the options; there is one page, and nothing is diversified.

    Raises:
        DescriptionOutdated: another recipe has come into service since.
        ValueError: ``limit`` or ``style`` is out of range.
    """
    page = _page(options)
    visible = visible_pictures(model, queryset, request)
    if described.recipe != Library.searched(visible).recipes().serving.fingerprint:
        raise DescriptionOutdated
    return _search(described, visible, page)


def _page(options: PageOptions) -> PageRequest:
    """The one page that there is of such a search."""
    options = options | {"diversify": 0.0, "after": None}
    return PageRequest.of(**options)


def _search(
    described: DescribedPicture, visible: models.QuerySet[Any], page: PageRequest
) -> Neighbours:
    query = given_vector(described.vector, described.recipe, is_picture=True)
    pictures = find_page(Search(pictures=visible, query=query, page=page))
    return Neighbours(pictures, NeighbourStatus.READY, page.style)
