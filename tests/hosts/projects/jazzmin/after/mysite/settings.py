from hosting.settings import *
from hosting.settings import INSTALLED_APPS

DEBUG = True  # for runserver to serve pictures and stylesheets
INSTALLED_APPS = ["jazzmin", *INSTALLED_APPS, "gallery", "django.contrib.postgres", "artsimilarity"]
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
