"""The library over REST; ``similar/`` comes from django-artsimilarity."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ReadOnlyModelViewSet

from artsimilarity.api.schema import NOT_FOUND
from artsimilarity.api.views import SimilarityViewSetMixin
from demo_site.library.models import Artwork


class ArtworkSerializer(serializers.ModelSerializer[Artwork]):
    """A picture; ``url`` is its page."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = Artwork
        fields = ["id", "title", "artist", "year", "image", "url"]

    def get_url(self, artwork: Artwork) -> str:
        """The page's full address."""
        address: str = self.context["request"].build_absolute_uri(artwork.get_absolute_url())
        return address


@extend_schema_view(
    list=extend_schema(responses={200: ArtworkSerializer(many=True), 404: NOT_FOUND}),
    retrieve=extend_schema(responses={200: ArtworkSerializer, 404: NOT_FOUND}),
)
class ArtworkViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet[Artwork]):
    """The pictures that are shown."""

    serializer_class = ArtworkSerializer
    # Whatever stands for a number is answered by the API, in JSON, also "1.5".
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[Artwork]:
        """Hidden pictures are not there."""
        artworks: QuerySet[Artwork] = Artwork.similarity_queryset(self.request)
        return artworks


router = DefaultRouter()
router.register("artworks", ArtworkViewSet, basename="artwork")
urlpatterns = router.urls
