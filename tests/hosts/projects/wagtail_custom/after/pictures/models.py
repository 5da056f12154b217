from django.db import models
from wagtail.images.models import AbstractImage, AbstractRendition, Image

from artsimilarity.models import SimilarityMixin


class CustomImage(SimilarityMixin, AbstractImage):
    published = models.BooleanField(default=True)

    admin_form_fields = (*Image.admin_form_fields, "published")
    similarity_image_field = "file"

    def get_absolute_url(self):
        return f"/pictures/{self.pk}/"

    @classmethod
    def similarity_queryset(cls, request=None):
        return cls.objects.filter(published=True)


class CustomRendition(AbstractRendition):
    image = models.ForeignKey(CustomImage, models.CASCADE, related_name="renditions")

    class Meta:
        unique_together = [("image", "filter_spec", "focal_point_key")]
