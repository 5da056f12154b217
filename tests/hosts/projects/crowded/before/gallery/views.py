from django.shortcuts import get_object_or_404, render

from gallery.models import Artwork


def artwork(request, pk):
    artwork = get_object_or_404(Artwork, pk=pk, published=True)
    return render(request, "gallery/artwork.html", {"artwork": artwork})
