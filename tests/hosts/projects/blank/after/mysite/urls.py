from django.contrib import admin
from django.urls import include, path
from gallery import views
from gallery.api import ArtworkViewSet
from rest_framework.routers import SimpleRouter

router = SimpleRouter()
router.register("pictures", ArtworkViewSet, basename="picture")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("", views.artworks, name="artworks"),
    path("artworks/<int:pk>/", views.artwork, name="artwork"),
]
