"""The page of the collection."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.views.generic import ListView

from demo_site.library.collection import Listing
from demo_site.library.models import Artwork


class HomeView(ListView):  # type: ignore[type-arg]
    """All pictures that the visitor may see, or those that were asked for."""

    template_name = "library/home.html"
    context_object_name = "artworks"
    paginate_by = 24
    extra_context = {"here": "home"}

    @cached_property
    def listing(self) -> Listing:
        """What the address asks for."""
        return Listing.of(self.request)

    def get_queryset(self) -> QuerySet[Artwork]:
        """The pictures that the visitor asked for."""
        return self.listing.pictures(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what was asked for, what narrows it, and the numbers of the pages near this one."""
        context = super().get_context_data(**kwargs)
        page = context["page_obj"]
        numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
        respelt = self.listing.respelt(self.request) if not context["artworks"] else ""
        return {
            **context,
            "listing": self.listing,
            "along": self.listing.address(),
            "words": self.listing.q,
            "facets": self.listing.facets(self.request),
            "respelt": respelt,
            "respelt_address": self.listing.address(q=respelt),
            "page_numbers": list(numbers),
            "ellipsis": page.paginator.ELLIPSIS,
        }
