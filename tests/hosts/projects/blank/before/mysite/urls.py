from django.contrib import admin
from django.urls import path
from gallery import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.artworks, name="artworks"),
    path("artworks/<int:pk>/", views.artwork, name="artwork"),
]
