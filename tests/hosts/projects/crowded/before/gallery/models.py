from django.db import models
from simple_history.models import HistoricalRecords


class Artwork(models.Model):
    title = models.CharField(max_length=200)
    image = models.ImageField(upload_to="artworks")
    published = models.BooleanField(default=True)
    history = HistoricalRecords()

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/artworks/{self.pk}/"
