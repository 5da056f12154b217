from django.shortcuts import get_object_or_404, render

from gallery.models import Artwork


def artworks(request):
    artworks = Artwork.objects.filter(published=True).order_by("title")
    return render(request, "gallery/artworks.html", {"artworks": artworks})


def artwork(request, pk):
    artwork = get_object_or_404(Artwork, pk=pk, published=True)
    return render(request, "gallery/artwork.html", {"artwork": artwork})
