"""Addresses of the library's pages."""

from django.urls import path

from demo_site.library.pages.artwork import ArtworkView
from demo_site.library.pages.colours import ColoursView
from demo_site.library.pages.home import HomeView
from demo_site.library.pages.light_table import LightTableView
from demo_site.library.pages.map import MapView
from demo_site.library.pages.own_picture import search_picture
from demo_site.library.pages.upload import UploadedView, UploadView

app_name = "library"
urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("light-table/", LightTableView.as_view(), name="light-table"),
    path("map/", MapView.as_view(), name="map"),
    path("upload/", UploadView.as_view(), name="upload"),
    path("upload/<str:token>/", UploadedView.as_view(), name="uploaded"),
    path("by-colour/", ColoursView.as_view(), name="colours"),
    path("by-picture/", search_picture, name="picture"),
    path("artworks/<int:pk>/", ArtworkView.as_view(), name="artwork"),
]
