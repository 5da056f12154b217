"""``path("artsimilarity/", include("artsimilarity.urls"))`` gives a monitor ``health/``."""

from django.urls import path

from artsimilarity.health import health

app_name = "artsimilarity"
urlpatterns = [path("health/", health, name="health")]
