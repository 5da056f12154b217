from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.sites",
    "photologue",
    "sortedm2m",
    "similarity",
    "rest_framework",
    "django.contrib.postgres",
    "artsimilarity",
]
SITE_ID = 1
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
