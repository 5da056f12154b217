from django.http import JsonResponse
from django.shortcuts import aget_object_or_404, render
from gallery.models import Artwork

from artsimilarity.search import amore_like_this


async def artworks(request):
    artworks = [one async for one in Artwork.objects.filter(published=True).order_by("title")]
    return render(request, "gallery/artworks.html", {"artworks": artworks})


async def artwork(request, pk):
    artwork = await aget_object_or_404(Artwork, pk=pk, published=True)
    neighbours = await amore_like_this(artwork, request=request, why=True, limit=8, style=0)
    context = {"artwork": artwork, "neighbours": neighbours}
    return render(request, "gallery/artwork.html", context)


async def artwork_by_the_tag(request, pk):
    artwork = await aget_object_or_404(Artwork, pk=pk, published=True)
    return render(request, "gallery/by_the_tag.html", {"artwork": artwork})


async def alike(request, pk):
    artwork = await aget_object_or_404(Artwork, pk=pk, published=True)
    neighbours = await amore_like_this(artwork, request=request, limit=2, style=0)
    return JsonResponse({"titles": [one.title for one in neighbours]})
