"""Searches by a visitor's own picture, or by a detail: the web's half asks, a worker's answers.

Imports ``embedding`` (broker, encoders) and ``search``; ``api`` and template tags import it.
"""

from artsimilarity.own_picture.asking import NotAnswered, PictureRefused
from artsimilarity.own_picture.described import (
    DescribedPicture,
    DescriptionOutdated,
    describe_picture,
    search_by_description,
    search_by_picture,
)
from artsimilarity.own_picture.detail import BoxError, search_by_detail

__all__ = [
    "BoxError",
    "DescribedPicture",
    "DescriptionOutdated",
    "NotAnswered",
    "PictureRefused",
    "describe_picture",
    "search_by_description",
    "search_by_detail",
    "search_by_picture",
]
