from django.shortcuts import get_object_or_404, render
from pictures.models import CustomImage
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from artsimilarity.api.views import SimilarityViewSetMixin


def picture(request, pk):
    picture = get_object_or_404(CustomImage, pk=pk, published=True)
    return render(request, "picture.html", {"picture": picture})


class ImageSerializer(ModelSerializer):
    class Meta:
        model = CustomImage
        fields = ["id", "title", "width", "height"]


class ImageViewSet(SimilarityViewSetMixin, ReadOnlyModelViewSet):
    queryset = CustomImage.objects.filter(published=True)
    serializer_class = ImageSerializer
