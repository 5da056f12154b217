from django.db import models
from wagtail.images.models import Image

from artsimilarity.models import SimilarityCompanion


class ImageEmbedding(SimilarityCompanion):
    picture = models.OneToOneField(
        "wagtailimages.Image", models.CASCADE, primary_key=True, related_name="embedding"
    )
    similarity_image_field = "file"

    @classmethod
    def similarity_queryset(cls, request=None):
        return Image.objects.exclude(collection__name="Private")

    @classmethod
    def similarity_url(cls, picture):
        return f"/pictures/{picture.pk}/"
