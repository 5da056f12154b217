"""A site as small as can be that installs the app as README says."""

import os
from pathlib import Path

import dj_database_url

SECRET_KEY = "not a secret"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
INSTALLED_APPS = ["django.contrib.postgres", "artsimilarity", "aaa_prints"]
INSTALLED_APPS += os.environ.get("EXTRA_APPS", "").split()
MEDIA_ROOT = Path(__file__).parent / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
