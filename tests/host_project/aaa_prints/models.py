"""Another model name, a UUID key, an image field of another name, own managers and Meta.

The app's name sorts before ``artsimilarity``, so that its migration runs first.
"""

from __future__ import annotations

import uuid

from django.db import models

from artsimilarity.models import SimilarityManager, SimilarityMixin, SimilarityQuerySet


class EngravingQuerySet(SimilarityQuerySet["Engraving"]):
    def public(self) -> EngravingQuerySet:
        return self.filter(secret=False)


class EngravingManager(SimilarityManager.from_queryset(EngravingQuerySet)):
    pass


class Engraving(SimilarityMixin, models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    caption = models.CharField(max_length=100)
    scan = models.ImageField(upload_to="scans")
    secret = models.BooleanField(default=False)

    objects = EngravingManager()
    everything = models.Manager()  # noqa: DJ012 -- it is a second manager

    similarity_image_field = "scan"

    class Meta:
        ordering = ["caption"]
        verbose_name = "engraving"
        indexes = [models.Index(fields=["caption"])]

    def __str__(self) -> str:
        return self.caption

    def get_absolute_url(self) -> str:
        return f"/engravings/{self.pk}/"

    @classmethod
    def similarity_queryset(cls, request=None):
        return cls.objects.public()
