"""Searches by a visitor's own picture: the web's half asks, a worker's half answers.

Imports ``embedding`` (broker, encoders) and ``search``; ``api`` imports it.
"""

from artsimilarity.own_picture.asking import (
    NotAnswered,
    PictureRefused,
    search_by_picture,
)

__all__ = ["NotAnswered", "PictureRefused", "search_by_picture"]
