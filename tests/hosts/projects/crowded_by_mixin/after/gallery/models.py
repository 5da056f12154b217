from django.db import models
from simple_history.models import HistoricalRecords

from artsimilarity.models import COLUMNS, SimilarityMixin


class Artwork(SimilarityMixin, models.Model):
    title = models.CharField(max_length=200)
    image = models.ImageField(upload_to="artworks")
    published = models.BooleanField(default=True)
    history = HistoricalRecords(excluded_fields=[*COLUMNS])  # as the check W008 says

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/artworks/{self.pk}/"

    @classmethod
    def similarity_queryset(cls, request=None):
        return cls.objects.filter(published=True)
