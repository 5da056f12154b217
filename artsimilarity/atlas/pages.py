"""The page of a map: itself, its list for whoever has no script, and what its script asks for.

All of it is under one address, which a host gives it: ``?tile=``, ``?sheet=`` and ``?thumbnail=``
are what ``map.js`` asks for, ``?layout=``, ``?from=`` and ``?page=`` what a visitor may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from artsimilarity.atlas.places import LAYOUTS, Tile
from artsimilarity.atlas.sheets import stored_sheet
from artsimilarity.atlas.tiles import Map, Shown
from artsimilarity.library import Library, patience
from artsimilarity.library.thumbnails import thumbnail_of

# A sheet's address changes with it, and whoever has it may see all of it.
_SHEET_IS_KEPT = "private, max-age=86400, immutable"
_LONGEST_KEY = 200


@dataclass(frozen=True, kw_only=True)
class MapPage:
    """What a page shows of a map.

    Attributes:
        layout: how it is laid out.
        address: of the page, without a query.
        count: pictures on it that the visitor may see; 0 also where no map was made yet.
        pictures: those of the list's present page, in the order of the map.
        page: its number, from 1 on.
        pages: how many there are.
        start: the picture that the visitor came from, as ``map.js`` knows it; None if from none.
    """

    layout: str
    address: str
    count: int
    pictures: list[Any]
    page: int
    pages: int
    start: Shown | None

    def query(self, **other: Any) -> str:
        """Return the page's address with some parameters changed; None leaves one out."""
        start = self.start["key"] if self.start else None
        parameters = {"layout": self.layout, "from": start, "page": None, **other}
        chosen = {name: value for name, value in parameters.items() if value is not None}
        return f"?{urlencode(chosen)}"

    @property
    def layouts(self) -> list[tuple[str, str, str]]:
        """Name, words and address of each layout."""
        words = {"brushwork": _("Brushwork"), "colours": _("Colours")}
        return [(name, words[name], self.query(layout=name)) for name in LAYOUTS]

    @property
    def previous(self) -> str:
        """Address of the page before, or ""."""
        return self.query(page=self.page - 1) if self.page > 1 else ""

    @property
    def following(self) -> str:
        """Address of the next page, or ""."""
        return self.query(page=self.page + 1) if self.page < self.pages else ""


class MapMixin(TemplateResponseMixin, ContextMixin, View):
    """For a page with ``{% similarity_map %}``: puts ``similarity_map`` in the context.

    Attributes:
        map_model: whose pictures are on it: a model with an embedding, or that has a companion.
        map_page_size: pictures on one page of the list.
    """

    map_model: type[models.Model]
    map_page_size: int = 24

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the page, or with what its script asks for."""
        asked = request.GET
        if "tile" in asked:
            return self._tile(asked.get("layout", ""), asked["tile"])
        if "sheet" in asked:
            return self._sheet(asked["sheet"])
        if "thumbnail" in asked:
            return self._thumbnail(asked["thumbnail"])
        response = self.render_to_response(self.get_context_data(**kwargs))
        response.headers.setdefault("Cache-Control", "private")
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the map."""
        return super().get_context_data(similarity_map=self._page(), **kwargs)

    @property
    def _map(self) -> Map:
        return Map.of(Library.of(self.map_model), self.request)

    def _page(self) -> MapPage:
        layout = self.request.GET.get("layout", "")
        layout = layout if layout in LAYOUTS else LAYOUTS[0]
        shown = self._map
        count = shown.count()
        pages = max(1, -(-count // self.map_page_size))
        key = self._key(self.request.GET.get("from", ""))
        start = shown.picture(key) if key else None
        number = _number(self.request.GET.get("page", ""))
        if number is None and start:
            turn = shown.turn_of(layout, start["key"])
            number = turn // self.map_page_size + 1 if turn is not None else None
        page = min(max(number or 1, 1), pages)
        pictures = shown.in_order(layout, (page - 1) * self.map_page_size, self.map_page_size)
        shown.library.load_rows(pictures)  # thumbnails ask for them
        return MapPage(
            layout=layout,
            address=self.request.path,
            count=count,
            pictures=pictures,
            page=page,
            pages=pages,
            start=start,
        )

    def _tile(self, layout: str, named: str) -> HttpResponse:
        numbers = [_number(part) for part in named.split("/")]
        if layout not in LAYOUTS or len(numbers) != 3 or None in numbers:
            raise Http404
        tile = Tile(*(number or 0 for number in numbers))
        if not tile.is_valid:
            raise Http404
        return _not_kept(JsonResponse({"pictures": self._map.tile(layout, tile)}))

    def _sheet(self, sha256: str) -> HttpResponse:
        data = stored_sheet(self._map, sha256)
        if data is None:
            raise Http404
        return HttpResponse(
            data, content_type="image/webp", headers={"Cache-Control": _SHEET_IS_KEPT}
        )

    def _thumbnail(self, named: str) -> HttpResponse:
        key = self._key(named)
        shown = self._map
        picture = shown.visible_picture(key) if key else None
        if picture is None:
            raise Http404
        shown.library.load_rows([picture])
        with patience.page():
            thumbnail = thumbnail_of(picture)
        if thumbnail is None:
            raise Http404
        return _not_kept(HttpResponseRedirect(thumbnail.url))

    def _key(self, text: str) -> str:
        """A key as the map knows it; "" if the text is none of this model."""
        if not text or len(text) > _LONGEST_KEY or "\0" in text:
            return ""
        key: Any = self.map_model._meta.pk
        try:
            value = key.to_python(text)
            key.run_validators(value)
        except ValidationError:
            return ""
        return str(value)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _not_kept(response: HttpResponse) -> HttpResponse:
    """What is kept would tell of a picture that has been hidden since."""
    response.headers["Cache-Control"] = "private, no-store"
    return response
