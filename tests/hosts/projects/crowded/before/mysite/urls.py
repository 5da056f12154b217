from django.contrib import admin
from django.urls import include, path
from gallery import api, views
from rest_framework.routers import SimpleRouter

router = SimpleRouter()
router.register("pictures", api.ArtworkViewSet, basename="picture")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("artworks/<int:pk>/", views.artwork),
]
