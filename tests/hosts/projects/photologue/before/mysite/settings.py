from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sites", "photologue", "sortedm2m"]
SITE_ID = 1
