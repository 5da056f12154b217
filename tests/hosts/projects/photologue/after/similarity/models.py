from django.db import models
from photologue.models import Photo

from artsimilarity.models import SimilarityCompanion


class PhotoEmbedding(SimilarityCompanion):
    picture = models.OneToOneField(
        "photologue.Photo", models.CASCADE, primary_key=True, related_name="embedding"
    )

    @classmethod
    def similarity_queryset(cls, request=None):
        return Photo.objects.on_site().is_public()
