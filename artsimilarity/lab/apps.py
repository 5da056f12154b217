"""Makes the lab's management commands known to a project that installs it."""

from django.apps import AppConfig


class LabConfig(AppConfig):
    """The app ``artsimilarity.lab``."""

    name = "artsimilarity.lab"
    label = "artsimilarity_lab"
