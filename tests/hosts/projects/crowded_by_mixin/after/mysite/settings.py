from hosting.settings import *
from hosting.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "gallery",
    "guardian",
    "import_export",
    "rest_framework",
    "reversion",
    "simple_history",
    "django.contrib.postgres",
    "artsimilarity",
]
MIDDLEWARE = [*MIDDLEWARE, "simple_history.middleware.HistoryRequestMiddleware"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
