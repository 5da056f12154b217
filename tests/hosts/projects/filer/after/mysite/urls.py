from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from similarity import views

router = SimpleRouter()
router.register("pictures", views.ImageViewSet, basename="picture")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("filer/", include("filer.urls")),
    path("api/", include(router.urls)),
    path("pictures/<int:pk>/", views.picture),
]
