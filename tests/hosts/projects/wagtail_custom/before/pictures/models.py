from django.db import models
from wagtail.images.models import AbstractImage, AbstractRendition, Image


class CustomImage(AbstractImage):
    published = models.BooleanField(default=True)

    admin_form_fields = (*Image.admin_form_fields, "published")

    def get_absolute_url(self):
        return f"/pictures/{self.pk}/"


class CustomRendition(AbstractRendition):
    image = models.ForeignKey(CustomImage, models.CASCADE, related_name="renditions")

    class Meta:
        unique_together = [("image", "filter_spec", "focal_point_key")]
