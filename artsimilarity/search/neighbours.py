"""What a search found, or why it found nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.db import models
from django.utils.translation import gettext_lazy as _

from artsimilarity.library import Library
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import EmbeddingStatus


class NeighbourStatus(models.TextChoices):
    """Whether a picture can have neighbours, and why not, in words for a visitor."""

    READY = "ready", _("Similar pictures.")
    PENDING = (
        "pending",
        _("This picture is new. Similar pictures will appear here in a little while."),
    )
    FAILED = "failed", _("No similar pictures can be found for this picture.")
    NO_PICTURE = "no-picture", _("There is no picture to compare with others.")
    UNAVAILABLE = (
        "unavailable",
        _("Similar pictures cannot be shown right now. Try again in a moment."),
    )
    """The database did not answer; only pages say so, all else raises its error."""


@dataclass(frozen=True)
class Neighbours(Sequence[Any]):
    """The nearest pictures, nearest first, and why there are none if so.

    Each picture carries ``similarity``, ``similarity_style`` and ``similarity_colour`` (see
    :func:`artsimilarity.search.ordering.order_by_similarity`).
    """

    pictures: Sequence[Any]
    status: NeighbourStatus
    style: float
    next_page: str = ""
    """Where the next page begins, for ``after``; empty on the last page."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.pictures[index]

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pictures)

    @property
    def message(self) -> str:
        """Why there are no neighbours, in words for a visitor."""
        return str(self.status.label)


def status_of(
    library: Library, picture: models.Model, row: EmbeddingColumns | None
) -> NeighbourStatus:
    """Return why a picture has no neighbours; ``READY`` if nothing of its own stands in the way.

    Args:
        library: the picture's.
        picture: whose neighbours are wanted.
        row: that holds its vector, if there is one.
    """
    file = getattr(picture, library.image_field)
    if not file:
        return NeighbourStatus.NO_PICTURE
    current = row is not None and row.embedding_image == str(file)
    if row is None or not current:
        return NeighbourStatus.PENDING
    if row.embedding_status == EmbeddingStatus.FAILED:
        return NeighbourStatus.FAILED
    # While it is embedded anew, it is served by its old vector.
    if row.embedding_status == EmbeddingStatus.PENDING and not row.embedding_recipe:
        return NeighbourStatus.PENDING
    return NeighbourStatus.READY
