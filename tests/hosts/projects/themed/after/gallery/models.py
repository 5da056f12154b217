from django.db import models
from django.urls import reverse

from artsimilarity.models import SimilarityMixin


class Artwork(SimilarityMixin, models.Model):
    title = models.CharField(max_length=200)
    artist = models.CharField(max_length=200, blank=True)
    image = models.ImageField(upload_to="artworks")
    published = models.BooleanField(default=True)

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("artwork", args=[self.pk])
