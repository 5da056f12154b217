import photologue.admin  # noqa: F401 -- registers what is taken over here
from django.contrib import admin
from photologue.models import Photo

from artsimilarity.admin import add_similarity

add_similarity(admin.site, Photo)
