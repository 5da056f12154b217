from django.shortcuts import get_object_or_404, render
from filer.models import Image
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from artsimilarity.api.views import SimilarityViewSetMixin


def picture(request, pk):
    picture = get_object_or_404(Image, pk=pk, is_public=True)
    return render(request, "picture.html", {"picture": picture})


class ImageSerializer(ModelSerializer):
    class Meta:
        model = Image
        fields = ["id", "name", "width", "height"]


class ImageViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    queryset = Image.objects.filter(is_public=True)
    serializer_class = ImageSerializer
