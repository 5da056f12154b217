from django.shortcuts import get_object_or_404, render
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet
from wagtail.images.models import Image

from artsimilarity.api.views import SimilarityViewSetMixin
from similarity.models import ImageEmbedding


def picture(request, pk):
    picture = get_object_or_404(ImageEmbedding.similarity_queryset(request), pk=pk)
    return render(request, "picture.html", {"picture": picture})


class ImageSerializer(ModelSerializer):
    class Meta:
        model = Image
        fields = ["id", "title", "width", "height"]


class ImageViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    serializer_class = ImageSerializer

    def get_queryset(self):
        return ImageEmbedding.similarity_queryset(self.request)
