"""``include("artsimilarity.monitoring.urls")`` in a host's ``urlpatterns`` gives ``health/``."""

from django.urls import path

from artsimilarity.monitoring.health import health

app_name = "artsimilarity"
urlpatterns = [path("health/", health, name="health")]
