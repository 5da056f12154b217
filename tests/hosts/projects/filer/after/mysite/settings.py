from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "easy_thumbnails",
    "filer",
    "similarity",
    "rest_framework",
    "django.contrib.postgres",
    "artsimilarity",
]
FILER_ENABLE_PERMISSIONS = True
THUMBNAIL_HIGH_RESOLUTION = True
ARTSIMILARITY = {
    "ENCODER": "artsimilarity.testing.QuickEncoder",  # there is no torch here
    "THUMBNAILS": "artsimilarity.library.thumbnail_adapters.EasyThumbnails",
}
