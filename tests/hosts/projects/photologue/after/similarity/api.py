from photologue.models import Photo
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from artsimilarity.api.views import SimilarityViewSetMixin


class PhotoSerializer(ModelSerializer):
    class Meta:
        model = Photo
        fields = ["id", "title", "slug"]


class PhotoViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    queryset = Photo.objects.on_site().is_public()
    serializer_class = PhotoSerializer
