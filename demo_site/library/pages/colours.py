"""The page that searches by colours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from artsimilarity.search import search_by_colours
from artsimilarity.search.colours import MAX_COLOURS, parse_colour
from demo_site.library.models import Artwork

_SHOWN = 24
_MOST_WEIGHT = 5
_WEIGHTS = {str(weight) for weight in range(_MOST_WEIGHT + 1)}
_NEW_WEIGHT = 3
_UNUSED = ("#808080", 0)

PALETTE = (
    ("#b3261e", gettext_lazy("Vermilion")),
    ("#d9732b", gettext_lazy("Orange")),
    ("#e0b13c", gettext_lazy("Ochre")),
    ("#f1e2a8", gettext_lazy("Straw")),
    ("#7c8b3a", gettext_lazy("Olive")),
    ("#2f6b3f", gettext_lazy("Forest green")),
    ("#3d8f8c", gettext_lazy("Teal")),
    ("#9cc3d9", gettext_lazy("Sky blue")),
    ("#1f4e8c", gettext_lazy("Prussian blue")),
    ("#5a3a78", gettext_lazy("Violet")),
    ("#d58ca3", gettext_lazy("Rose")),
    ("#6b4126", gettext_lazy("Umber")),
    ("#c9a98b", gettext_lazy("Skin")),
    ("#f4efe4", gettext_lazy("Paper")),
    ("#8c8a85", gettext_lazy("Grey")),
    ("#1c1a18", gettext_lazy("Ink")),
)


class ColoursView(TemplateView):
    """Pictures in one to five weighted colours; all that was chosen stands in the address."""

    template_name = "library/search_colours.html"
    extra_context = {"here": "colours"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the rows of the form, the swatches with their addresses, and what was found."""
        rows = self._rows()
        chosen = [(colour, weight) for colour, weight in rows if weight]
        artworks = (
            search_by_colours(
                Artwork,
                chosen,
                limit=_SHOWN,
                request=self.request,
                why=True,
            )
            if chosen
            else []
        )
        swatches = [
            (colour, name, _address([*chosen, (colour, _NEW_WEIGHT)])) for colour, name in PALETTE
        ]
        return {
            **super().get_context_data(**kwargs),
            "rows": rows,
            "chosen": [
                (colour, weight, _address([one for one in chosen if one[0] != colour]))
                for colour, weight in chosen
            ],
            "swatches": swatches,
            "is_full": len(chosen) == MAX_COLOURS,
            "most_weight": _MOST_WEIGHT,
            "artworks": artworks,
        }

    def _rows(self) -> list[tuple[str, int]]:
        """Five colours with weights; what is malformed in the address is left out."""
        rows: dict[str, int] = {}
        texts, weights = (self.request.GET.getlist(name) for name in ("colour", "weight"))
        for text, weight in zip(texts, weights, strict=False):
            try:
                red, green, blue = parse_colour(text)
            except ValueError:
                continue
            number = int(weight) if weight in _WEIGHTS else _NEW_WEIGHT
            if number:
                rows[f"#{red:02x}{green:02x}{blue:02x}"] = number
        found = list(rows.items())[:MAX_COLOURS]
        return found + [_UNUSED] * (MAX_COLOURS - len(found))


def _address(colours: list[tuple[str, int]]) -> str:
    pairs = [
        pair
        for colour, weight in dict(colours).items()
        for pair in (("colour", colour), ("weight", weight))
    ]
    return f"?{urlencode(pairs)}"
