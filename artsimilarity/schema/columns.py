"""The columns of an embedding, and the one definition of what they hold in each state."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from artsimilarity.schema.area import AreaField
from artsimilarity.schema.fields import (
    CopyDescriptorField,
    EmbeddingField,
    WorkerBooleanField,
    WorkerDateTimeField,
    WorkerIntegerField,
    WorkerTextField,
)
from artsimilarity.schema.managers import DeferringManager
from artsimilarity.schema.reasons import in_words
from artsimilarity.schema.states import EmbeddingStatus

NO_NEXT_VECTOR: dict[str, Any] = {"embedding_next": None, "embedding_next_recipe": ""}
"""Nothing of a recipe that is being rolled out."""

NO_VECTOR: dict[str, Any] = {
    "embedding": None,
    "embedding_recipe": "",
    "embedding_digest": "",
    "embedding_copy_descriptor": None,
    "embedding_damaged": False,
    "embedding_area": None,
    "embedded_at": None,
    **NO_NEXT_VECTOR,
}
"""Nothing that could be served, compared or found."""

UNTRIED: dict[str, Any] = {
    "embedding_status": EmbeddingStatus.PENDING,
    "embedding_error": "",
    "embedding_attempts": 0,
    "embedding_claimed_at": None,
}
"""A picture that waits for a worker and that nobody has tried to embed."""

OF_THE_FILE: dict[str, Any] = {"embedding_image": "", "embedding_area_by_hand": None}
"""Nothing that is known of a file: what is kept until another takes its place."""

COLUMNS: tuple[str, ...] = (*NO_VECTOR, *UNTRIED, *OF_THE_FILE)
"""Names of all columns, for what should leave them out: histories, exports."""

SCORES: tuple[str, ...] = (
    "similarity",
    "similarity_style",
    "similarity_colour",
    "similarity_recipe",
)
"""Annotations that every picture found carries."""

BLANK: dict[str, Any] = {**NO_VECTOR, **UNTRIED, **OF_THE_FILE}
"""A row that has no embedding and that nobody has tried to embed."""


def blank_for(image: Any) -> dict[str, Any]:
    """Return a blank row's columns; ``image`` names the picture's file, or is an expression."""
    return {**BLANK, "embedding_image": image}


def failed(reason: str) -> dict[str, Any]:
    """Return the columns of a picture that cannot be embedded, and is served no more.

    Args:
        reason: as :func:`artsimilarity.schema.reasons.stored` returns it.
    """
    return {**NO_VECTOR, "embedding_status": EmbeddingStatus.FAILED, "embedding_error": reason}


class EmbeddingColumns(models.Model):
    """The columns of one picture's embedding; abstract.

    All are written by workers alone, but for the area by hand, which the admin writes: ``save()``
    of a row that exists leaves them as they are in the database (see
    :mod:`artsimilarity.schema.fields`).
    """

    similarity_picture_field: ClassVar[str] = ""
    """Name of the one-to-one field that leads to the picture; empty if the row is the picture."""

    similarity_image_field: ClassVar[str] = "image"
    """Name of the picture model's ``ImageField`` or ``FileField`` that holds the picture."""

    similarity_finds_duplicates: ClassVar[bool] = True
    """Whether workers look for scans of one print. False spares the index of the copy descriptors
    (run ``makemigrations``) and the descriptors of pictures embedded from then on."""

    similarity_finds_area: ClassVar[bool] = True
    """Whether workers look for the picture's own area within its scan, where the recipe does. False
    takes whole scans, but for areas given by hand, of pictures embedded from then on."""

    # The database knows the defaults too: a process or an importer that does not know these columns
    # yet, as while a new release is rolled out, goes on inserting rows.
    embedding = EmbeddingField(_("embedding"))
    embedding_next = EmbeddingField(_("embedding under the next recipe"))
    embedding_copy_descriptor = CopyDescriptorField(_("descriptor by which copies are found"))
    embedding_recipe = WorkerTextField(_("recipe"), blank=True, default="", db_default="")
    embedding_next_recipe = WorkerTextField(_("next recipe"), blank=True, default="", db_default="")
    embedding_digest = WorkerTextField(
        _("sha256 of the file"), blank=True, default="", db_default=""
    )
    embedding_image = WorkerTextField(
        _("file that the embedding speaks of"), blank=True, default="", db_default=""
    )
    embedding_status = WorkerTextField(
        _("embedding status"),
        choices=EmbeddingStatus,
        default=EmbeddingStatus.PENDING,
        db_default=EmbeddingStatus.PENDING.value,
    )
    embedding_error = WorkerTextField(_("embedding error"), blank=True, default="", db_default="")
    embedding_damaged = WorkerBooleanField(
        _("embedded although the end of the file is missing"), default=False, db_default=False
    )
    # Null: the whole picture.
    embedding_area = AreaField(_("area of the picture within its scan"), blank=True)
    # Null: nobody has said. The whole picture is an area of its own here.
    embedding_area_by_hand = AreaField(_("the same, given by hand"), blank=True)
    embedding_attempts = WorkerIntegerField(_("attempts"), default=0, db_default=0)
    embedding_claimed_at = WorkerDateTimeField(_("taken by a worker at"), null=True, blank=True)
    embedded_at = WorkerDateTimeField(_("embedded at"), null=True, blank=True)

    similarity_base: ClassVar[DeferringManager[Self]] = DeferringManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does; a copy made by ``pk = None`` starts without an embedding.

        Our manager defers the vectors, and Django refuses to insert an instance with deferred
        fields: without this the documented way to copy a row would fail because of us.
        """
        inserting = self.pk is None or self._state.adding
        if inserting and self.get_deferred_fields() & BLANK.keys():
            self.similarity_set_columns(BLANK)
        super().save(*args, **kwargs)

    @property
    def embedding_reason(self) -> str:
        """Why the picture failed, or has to be tried again, in words of the active language.

        For an administrator: it may name files and settings. Empty where there is no error.
        """
        return in_words(self.embedding_error)

    @classmethod
    def similarity_queryset(cls, request: HttpRequest | None = None) -> models.QuerySet[Any]:
        """Return the pictures that may show up as neighbours for ``request``'s visitor.

        Override it to hide rows: what it leaves out is absent from every answer. ``request`` is
        None outside a request, as in a shell, and where scores are calibrated
        (:mod:`artsimilarity.search.score_calibration`): return what an anonymous visitor may see
        then. The default is every picture.
        """
        pictures: models.QuerySet[Any] = cls.similarity_picture_model()._default_manager.all()
        return pictures

    @classmethod
    def similarity_picture_model(cls) -> type[models.Model]:
        """Return the model whose pictures these rows describe: the row's own, or a companion's."""
        if not cls.similarity_picture_field:
            return cls
        related: Any = cls._meta.get_field(cls.similarity_picture_field)
        model: type[models.Model] = related.remote_field.model
        return model

    @classmethod
    def similarity_image_lookup(cls) -> str:
        """Return the lookup that leads from a row of this table to its picture's file."""
        return "__".join(filter(None, (cls.similarity_picture_field, cls.similarity_image_field)))

    @classmethod
    def similarity_image_value(cls) -> Any:
        """Return the same as an expression that ``QuerySet.update()`` takes, joins or not."""
        field = cls.similarity_picture_model()._meta.get_field(cls.similarity_image_field)
        if field.model is cls.similarity_table():
            return F(cls.similarity_image_field)
        pictures = field.model._base_manager.filter(pk=OuterRef("pk")).order_by()
        return Subquery(pictures.values(cls.similarity_image_field)[:1])

    @classmethod
    def similarity_table(cls) -> type[EmbeddingColumns]:
        """Return the model that declares the columns: this one, or the parent that it inherits."""
        declaring: Any = cls._meta.get_field("embedding").model
        table: type[EmbeddingColumns] = declaring
        return table

    def similarity_set_columns(self, columns: dict[str, Any]) -> None:
        """Put values that were just written to the row into this instance."""
        for name, value in columns.items():
            setattr(self, name, value)
