from hosting.settings import *
from hosting.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "gallery"]
