from gallery.models import Artwork
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from artsimilarity.api.views import SimilarityViewSetMixin


class ArtworkSerializer(ModelSerializer):
    class Meta:
        model = Artwork
        fields = "__all__"


class ArtworkViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    queryset = Artwork.objects.filter(published=True).order_by("pk")
    serializer_class = ArtworkSerializer
