from hosting.settings import *
from hosting.settings import INSTALLED_APPS, SITE

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "gallery",
    "rest_framework",
    "django.contrib.postgres",
    "artsimilarity",
]
DATABASE_ROUTERS = [SITE.get("router", "mysite.routers.PicturesRouter")]
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
