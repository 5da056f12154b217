from django.db import models
from wagtail.images.models import Image
from wagtail.models import CollectionViewRestriction

from artsimilarity.models import SimilarityCompanion


class ImageEmbedding(SimilarityCompanion):
    picture = models.OneToOneField(
        "wagtailimages.Image", models.CASCADE, primary_key=True, related_name="embedding"
    )
    similarity_image_field = "file"

    @classmethod
    def similarity_queryset(cls, request=None):
        images = Image.objects.all()
        for restriction in CollectionViewRestriction.objects.select_related("collection"):
            if request is None or not restriction.accept_request(request):
                private = restriction.collection.get_descendants(inclusive=True)
                images = images.exclude(collection__in=private)
        return images

    @classmethod
    def similarity_url(cls, picture):
        return f"/pictures/{picture.pk}/"
