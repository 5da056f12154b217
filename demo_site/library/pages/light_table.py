"""The page of the light table."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import TemplateView

from artsimilarity.search import more_like_these
from artsimilarity.search.balance import BalanceMixin
from demo_site.library.light_table import LightTable, press_table_button


class LightTableView(BalanceMixin, TemplateView):
    """The visitor's own choice of pictures, and the pictures like them all."""

    template_name = "library/light_table.html"
    fragment_template_name = "library/alike_table.html"
    extra_context = {"here": "light-table"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table and what is found by it."""
        context = super().get_context_data(**kwargs)
        table = LightTable(self.request)
        neighbours = more_like_these(
            table.liked,
            table.unlike,
            limit=12,
            style=context["style"],
            request=self.request,
            why=True,
        )
        return {**context, "light_table": table, "neighbours": neighbours}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add, turn or remove a picture, or clear the table; then back to where it was asked."""
        table = LightTable(request)
        if "clear" in request.POST:
            table.clear()
            return redirect("library:light-table")
        artwork = press_table_button(request)
        return redirect(f"{self._origin()}#table-{artwork.pk}" if artwork else self._origin())

    def _origin(self) -> str:
        """The page whose button was pressed, at the balance that it has now."""
        origin = self.request.headers.get("Referer", "").partition("#")[0]
        secure = self.request.is_secure()
        if url_has_allowed_host_and_scheme(origin, {self.request.get_host()}, secure):
            return origin
        return reverse("library:light-table")
