from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "easy_thumbnails", "filer"]
FILER_ENABLE_PERMISSIONS = True
THUMBNAIL_HIGH_RESOLUTION = True
