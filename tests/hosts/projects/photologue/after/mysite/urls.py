from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from similarity.api import PhotoViewSet

router = SimpleRouter()
router.register("pictures", PhotoViewSet, basename="picture")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("photologue/", include("photologue.urls", namespace="photologue")),
    path("api/", include(router.urls)),
]
