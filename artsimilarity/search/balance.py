"""The balance of style and colour that a visitor has chosen on a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from artsimilarity.conf import get_settings

FRAGMENT_HEADER = "X-Artsimilarity-Fragment"
"""The request header by which ``slider.js`` asks for the list without the page around it."""

SLIDER_STEPS = 20
"""Steps between colour alone and style alone."""


def chosen_style(request: HttpRequest, parameter: str = "style") -> float:
    """Return the balance in the page's address, 0..1, on a step of the slider.

    What is no such number, as addresses typed or mangled on the way are, gives
    ``ARTSIMILARITY["STYLE"]``: a page is no place for an error about it.
    """
    return read_style(request.GET.get(parameter, ""))


def read_style(text: str) -> float:
    """Return the same of what was typed into a form, or sent by one."""
    try:
        style = float(text)
    except ValueError:
        return get_settings().STYLE
    if not 0 <= style <= 1:  # so is NaN
        return get_settings().STYLE
    return round(style * SLIDER_STEPS) / SLIDER_STEPS


def wants_fragment(request: HttpRequest) -> bool:
    """Whether the list alone is asked for. The answer must then vary on the header."""
    return FRAGMENT_HEADER in request.headers


class BalanceMixin(TemplateResponseMixin, ContextMixin, View):
    """For pages with a slider: puts ``style`` in the context and answers with the list alone.

    ``fragment_template_name`` holds the list in an element with the id that the slider controls;
    let the page include it, so that there is one template for both.
    """

    fragment_template_name: str

    def get_template_names(self) -> list[str]:
        """The list's own template where that is all that is asked for."""
        if wants_fragment(self.request):
            return [self.fragment_template_name]
        return super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the balance."""
        return super().get_context_data(style=chosen_style(self.request), **kwargs)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Keep caches, the browser's too, from taking a list for a page."""
        response = super().render_to_response(context, **kwargs)
        patch_vary_headers(response, [FRAGMENT_HEADER])
        return response
