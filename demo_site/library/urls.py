"""Addresses of the library's pages."""

from django.urls import path

from demo_site.library.search_views import ColoursView, search_picture
from demo_site.library.views import ArtworkView, HomeView, LightTableView, UploadView

app_name = "library"
urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("light-table/", LightTableView.as_view(), name="light-table"),
    path("upload/", UploadView.as_view(), name="upload"),
    path("by-colour/", ColoursView.as_view(), name="colours"),
    path("by-picture/", search_picture, name="picture"),
    path("artworks/<int:pk>/", ArtworkView.as_view(), name="artwork"),
]
