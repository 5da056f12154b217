from hosting.settings import *
from hosting.settings import INSTALLED_APPS

DEBUG = True  # for runserver to serve pictures and stylesheets
INSTALLED_APPS = ["unfold", *INSTALLED_APPS, "gallery", "django.contrib.postgres", "artsimilarity"]
ARTSIMILARITY = {"ENCODER": "artsimilarity.testing.QuickEncoder"}  # there is no torch here
