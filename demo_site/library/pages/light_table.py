"""The page of the light table."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from artsimilarity.search import more_like_these
from artsimilarity.search.balance import BalanceMixin
from demo_site.library.light_table import WEIGHTS, LightTable, SharedTable, Table
from demo_site.library.table_buttons import Pressed, press_table_button

CHANGES_HEADER = "X-Light-Table"
"""By which a script asks for what has changed: ``page`` on the table's own, else ``button``."""

_FOUND = 12
_WEIGHT_SIGNS = {"little": "×½", "usual": "×1", "much": "×2"}


class LightTableView(BalanceMixin, TemplateView):
    """The visitor's own choice of pictures, or one that an address names, and what is like it."""

    template_name = "library/light_table.html"
    fragment_template_name = "library/alike_table.html"
    extra_context = {"here": "light-table"}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead a visitor who opens the address of the own table to it, where it can be changed."""
        if self._shared and self._shared.is_same(self._own):
            style = request.GET.get("style", "")
            address = reverse("library:light-table")
            return redirect(f"{address}?{urlencode({'style': style})}" if style else address)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table and what is found by it."""
        context = super().get_context_data(**kwargs)
        table: Table = self._shared or self._own
        neighbours = more_like_these(
            table.liked,
            table.unlike,
            limit=_FOUND,
            style=context["style"],
            request=self.request,
            why=True,
        )
        style = f"{context['style']:g}" if "style" in self.request.GET else ""
        return {
            **context,
            "light_table": self._own,
            "table": table,
            "shared": self._shared,
            "weights": [(name, _WEIGHT_SIGNS[name]) for name in WEIGHTS],
            "neighbours": neighbours,
            "address": self.request.build_absolute_uri(table.address(style)),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change the table; then back to where it was asked, or what has changed to a script."""
        if "take_over" in request.POST:
            if self._shared and self._shared.examples:
                self._own.take_over(self._shared)
            return redirect("library:light-table")
        if "clear" in request.POST:
            self._own.clear()
            if CHANGES_HEADER in request.headers:
                return self._changes(None, _("The light table is empty."))
            return redirect("library:light-table")
        pressed = press_table_button(request)
        if CHANGES_HEADER in request.headers:
            return self._changes(pressed, pressed.words)
        if not pressed.is_done:
            messages.error(request, pressed.words)
            return redirect(self._origin())
        return redirect(f"{self._origin()}#table-{pressed.artwork.pk}")

    @cached_property
    def _own(self) -> LightTable:
        return LightTable(self.request)

    @cached_property
    def _shared(self) -> SharedTable | None:
        return SharedTable(self.request) if SharedTable.is_named(self.request.GET) else None

    def _changes(self, pressed: Pressed | None, words: str) -> HttpResponse:
        """The elements that are no longer as the page has them, and what to say about it."""
        is_page = self.request.headers[CHANGES_HEADER] == "page"
        context = self.get_context_data() if is_page else {"light_table": self._own}
        context |= {
            "artwork": pressed and pressed.artwork,
            "is_page": is_page,
            "words": words,
            "is_done": pressed is None or pressed.is_done,
        }
        response: HttpResponse = self.response_class(
            self.request, ["library/table_changes.html"], context, using=self.template_engine
        )
        response["Cache-Control"] = "no-store"
        return response

    def _origin(self) -> str:
        """The page whose button was pressed, at the balance that it has now."""
        origin = self.request.headers.get("Referer", "").partition("#")[0]
        secure = self.request.is_secure()
        if url_has_allowed_host_and_scheme(origin, {self.request.get_host()}, secure):
            return origin
        return reverse("library:light-table")
