"""Addresses of the library's pages."""

from django.urls import path

from demo_site.library.views import ArtworkView, HomeView, UploadView

app_name = "library"
urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("upload/", UploadView.as_view(), name="upload"),
    path("artworks/<int:pk>/", ArtworkView.as_view(), name="artwork"),
]
