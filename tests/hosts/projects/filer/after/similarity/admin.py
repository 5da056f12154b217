import filer.admin  # noqa: F401 -- registers what is taken over here
from django.contrib import admin
from filer.models import Image

from artsimilarity.admin import add_similarity

add_similarity(admin.site, Image)
