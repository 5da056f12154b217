"""The mixin that gives the host's own picture model an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core import checks
from django.db import models
from django.db.backends.utils import names_digest
from django.db.models import Q
from django.db.models.signals import class_prepared
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from pgvector.django import HnswIndex

from artsimilarity.checks import check_model
from artsimilarity.conf import get_settings
from artsimilarity.fields import (
    EmbeddingField,
    SignatureField,
    WorkerDateTimeField,
    WorkerIntegerField,
    WorkerTextField,
)
from artsimilarity.querysets import SimilarityManager
from artsimilarity.status import DuplicateState, EmbeddingStatus, RolloutState

# What a row holds that has no embedding and that nobody has tried to embed.
BLANK_EMBEDDING: dict[str, Any] = {
    "embedding": None,
    "embedding_next": None,
    "embedding_signature": None,
    "embedding_recipe": "",
    "embedding_next_recipe": "",
    "embedding_digest": "",
    "embedding_image": "",
    "embedding_status": EmbeddingStatus.PENDING,
    "embedding_error": "",
    "embedding_attempts": 0,
    "embedding_claimed_at": None,
    "embedded_at": None,
}


class SimilarityMixin(models.Model):
    """Adds the embedding of one image field, and all that keeps it true, to a picture model.

    All columns are written by workers alone: ``save()`` of a row that exists leaves them as they
    are in the database (see :mod:`artsimilarity.fields`).
    """

    similarity_image_field: ClassVar[str] = "image"
    """Name of the model's ``ImageField`` or ``FileField`` that holds the picture."""

    similarity_finds_duplicates: ClassVar[bool] = True
    """Whether workers look for scans of one print. False spares the index of the signatures (run
    ``makemigrations``) and the signatures of pictures embedded from then on."""

    embedding = EmbeddingField(_("embedding"))
    embedding_next = EmbeddingField(_("embedding under the next recipe"))
    embedding_signature = SignatureField(_("signature by which duplicates are found"))
    embedding_recipe = WorkerTextField(_("recipe"), blank=True, default="")
    embedding_next_recipe = WorkerTextField(_("next recipe"), blank=True, default="")
    embedding_digest = WorkerTextField(_("sha256 of the file"), blank=True, default="")
    embedding_image = WorkerTextField(
        _("file that the embedding speaks of"), blank=True, default=""
    )
    embedding_status = WorkerTextField(
        _("embedding status"), choices=EmbeddingStatus, default=EmbeddingStatus.PENDING
    )
    embedding_error = WorkerTextField(_("embedding error"), blank=True, default="")
    embedding_attempts = WorkerIntegerField(_("attempts"), default=0)
    embedding_claimed_at = WorkerDateTimeField(_("taken by a worker at"), null=True, blank=True)
    embedded_at = WorkerDateTimeField(_("embedded at"), null=True, blank=True)

    objects: ClassVar[SimilarityManager[Self]] = SimilarityManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does; a copy made by ``pk = None`` starts without an embedding.

        Our manager defers the vectors, and Django refuses to insert an instance with deferred
        fields: without this the documented way to copy a row would fail because of us.
        """
        inserting = self.pk is None or self._state.adding
        if inserting and self.get_deferred_fields() & BLANK_EMBEDDING.keys():
            self._set_columns(BLANK_EMBEDDING)
        super().save(*args, **kwargs)

    @classmethod
    def similarity_queryset(cls, request: HttpRequest | None = None) -> models.QuerySet[Self]:
        """Return the pictures that may show up as neighbours for ``request``'s visitor.

        Override it to hide rows: what it leaves out is absent from every answer. ``request`` is
        None outside a request, as in a shell, and where percentiles are measured
        (:mod:`artsimilarity.scale`): return what an anonymous visitor may see then. The default is
        every row.
        """
        rows: models.QuerySet[Self] = cls._default_manager.all()  # type: ignore[assignment]
        return rows

    def similarity_thumbnail_url(self) -> str:
        """Return the address of the picture shown among the neighbours; the full picture's."""
        image = getattr(self, self.similarity_image_field)
        return str(image.url) if image else ""

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Django's model checks and ours."""
        return [*super().check(**kwargs), *check_model(cls)]

    def _set_columns(self, columns: dict[str, Any]) -> None:
        for name, value in columns.items():
            setattr(self, name, value)


class Rollout(models.Model):
    """The latest roll-out of a new recipe for one picture model."""

    model_label = models.CharField(_("model"), max_length=200, unique=True)
    fingerprint = models.CharField(_("new recipe"), max_length=64)
    state = models.CharField(
        _("state"), max_length=20, choices=RolloutState, default=RolloutState.FILLING
    )
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    promoted_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("roll-out")
        verbose_name_plural = _("roll-outs")

    def __str__(self) -> str:
        return f"{self.model_label}: {self.fingerprint}"


class Calibration(models.Model):
    """A projection that ``manage.py calibrate`` fitted; recipes name it by its digest."""

    sha256 = models.CharField(max_length=64, unique=True)
    data = models.BinaryField(_("safetensors file"))
    pictures = models.PositiveIntegerField(_("pictures that it was fitted on"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("calibration")
        verbose_name_plural = _("calibrations")

    def __str__(self) -> str:
        return self.sha256


class DuplicatePair(models.Model):
    """Two pictures that seem to be scans of one print.

    It speaks of the two files whose digests it holds, and of no others: once either picture is
    replaced, the pair counts no more, whatever was decided about it (``artsimilarity.duplicates``).
    """

    model_label = models.CharField(_("model"), max_length=200)
    first = models.CharField(_("primary key of the first"), max_length=200)
    second = models.CharField(_("primary key of the second"), max_length=200)
    first_digest = models.CharField(_("sha256 of the first's file"), max_length=64)
    second_digest = models.CharField(_("sha256 of the second's file"), max_length=64)
    score = models.FloatField(_("score"))
    state = models.CharField(
        _("state"), max_length=20, choices=DuplicateState, default=DuplicateState.FOUND
    )

    class Meta:
        verbose_name = _("pair of duplicates")
        verbose_name_plural = _("pairs of duplicates")
        constraints = [
            models.UniqueConstraint(
                fields=["model_label", "first", "second"], name="artsimilarity_one_pair"
            ),
        ]
        indexes = [models.Index(fields=["model_label", "second"], name="artsimilarity_second")]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.first}, {self.second}"

    def holds(self, digests: Mapping[str, str]) -> bool:
        """Whether both pictures, by key as text, still hold the files that were compared."""
        now = (digests.get(self.first), digests.get(self.second))
        return now == (self.first_digest, self.second_digest)


class SearchAnswer(models.Model):
    """The vector of a visitor's own picture, from the worker that made it to whoever asked.

    Nothing of the picture or of the visitor is in it, and it is gone within a minute.
    """

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)
    vector = models.JSONField(_("vector"), null=True)

    class Meta:
        verbose_name = _("answer to a search by picture")
        verbose_name_plural = _("answers to searches by picture")

    def __str__(self) -> str:
        return str(self.pk)


class SimilarityScale(models.Model):
    """How the scores of random pairs spread in one library under one recipe.

    See :mod:`artsimilarity.scale`, which measures it.
    """

    model_label = models.CharField(_("model"), max_length=200)
    fingerprint = models.CharField(_("recipe"), max_length=64)
    style_quantiles = ArrayField(models.FloatField(), verbose_name=_("quantiles of style"))
    colour_quantiles = ArrayField(models.FloatField(), verbose_name=_("quantiles of colour"))
    pictures = models.PositiveIntegerField(_("pictures that it was measured on"))
    pairs = models.PositiveIntegerField(_("pairs that it was measured on"))
    measured_at = models.DateTimeField(_("measured at"))

    class Meta:
        verbose_name = _("similarity scale")
        verbose_name_plural = _("similarity scales")
        constraints = [
            models.UniqueConstraint(
                fields=["model_label", "fingerprint"], name="artsimilarity_one_scale"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.fingerprint}"


def similarity_models(*, proxies: bool = False) -> list[type[SimilarityMixin]]:
    """Return the host's concrete models with an embedding, and their proxies if asked for."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, SimilarityMixin) and (proxies or not model._meta.proxy)
    ]


def _add_indexes(sender: type[models.Model], **kwargs: Any) -> None:
    """Give a host's model our indexes, also when its ``Meta`` does not inherit ours.

    ``Meta.indexes`` of an abstract model is lost as soon as the host writes a ``Meta`` of its own,
    so they are added once the class is complete; ``original_attrs`` is where migrations look.
    """
    options = sender._meta
    if not issubclass(sender, SimilarityMixin) or options.abstract or options.proxy:
        return
    if not any(field.name == "embedding" for field in options.local_fields):
        return
    has_own = any(isinstance(i, HnswIndex) and "embedding" in i.fields for i in options.indexes)
    digest = names_digest(options.db_table, "embedding", length=8)
    indexes: list[models.Index] = [
        models.Index(
            fields=["embedding_status"],
            condition=~Q(embedding_status=EmbeddingStatus.READY),
            name=f"{options.db_table[:12]}_{digest}_todo",
        )
    ]
    if not has_own:
        settings = get_settings()
        indexes.append(
            HnswIndex(
                fields=["embedding"],
                opclasses=["halfvec_ip_ops"],
                m=settings.HNSW_M,
                ef_construction=settings.HNSW_EF_CONSTRUCTION,
                name=f"{options.db_table[:12]}_{digest}_hnsw",
            )
        )
    if sender.similarity_finds_duplicates:
        indexes.append(
            HnswIndex(
                fields=["embedding_signature"],
                opclasses=["halfvec_ip_ops"],
                name=f"{options.db_table[:12]}_{digest}_sign",
            )
        )
    options.indexes = [*options.indexes, *indexes]
    options.original_attrs["indexes"] = options.indexes


class_prepared.connect(_add_indexes, dispatch_uid="artsimilarity.indexes")
