from django.shortcuts import get_object_or_404, render
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet
from wagtail.images.models import Image

from artsimilarity.api.views import SimilarityViewSetMixin


def picture(request, pk):
    picture = get_object_or_404(Image.objects.exclude(collection__name="Private"), pk=pk)
    return render(request, "picture.html", {"picture": picture})


class ImageSerializer(ModelSerializer):
    class Meta:
        model = Image
        fields = ["id", "title", "width", "height"]


class ImageViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    queryset = Image.objects.exclude(collection__name="Private")
    serializer_class = ImageSerializer
