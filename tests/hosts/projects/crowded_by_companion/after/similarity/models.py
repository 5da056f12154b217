from django.db import models
from gallery.models import Artwork

from artsimilarity.models import SimilarityCompanion


class ArtworkEmbedding(SimilarityCompanion):
    picture = models.OneToOneField(
        Artwork, models.CASCADE, primary_key=True, related_name="embedding"
    )

    @classmethod
    def similarity_queryset(cls, request=None):
        return Artwork.objects.filter(published=True)
