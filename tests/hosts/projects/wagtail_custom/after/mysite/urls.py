from django.contrib import admin
from django.urls import include, path
from pictures import views
from rest_framework.routers import SimpleRouter
from wagtail.admin import urls as wagtailadmin_urls

router = SimpleRouter()
router.register("pictures", views.ImageViewSet, basename="picture")

urlpatterns = [
    path("django-admin/", admin.site.urls),
    path("cms/", include(wagtailadmin_urls)),
    path("api/", include(router.urls)),
    path("pictures/<int:pk>/", views.picture),
]
