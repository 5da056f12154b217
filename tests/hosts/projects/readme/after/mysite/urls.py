from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path
from django.views.generic import DetailView
from gallery.models import Artwork

page = DetailView.as_view(
    model=Artwork, context_object_name="artwork", template_name="artwork.html"
)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("artworks/<int:pk>/", page, name="artwork"),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
