from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from gallery.models import Artwork


class ArtworkSerializer(ModelSerializer):
    class Meta:
        model = Artwork
        fields = "__all__"


class ArtworkViewSet(ReadOnlyModelViewSet):
    queryset = Artwork.objects.filter(published=True).order_by("pk")
    serializer_class = ArtworkSerializer
