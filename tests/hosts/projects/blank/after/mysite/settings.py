from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "gallery",
    "rest_framework",
    "django.contrib.postgres",
    "artsimilarity",
]
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
