"""The balance that a visitor has chosen, and the slider that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation
from django.views.generic import TemplateView
from pytest_django import Settings

from artsimilarity.search.balance import BalanceMixin, chosen_style


@pytest.mark.parametrize(
    ("given", "style"), [("0", 0), ("1", 1), ("0.6", 0.6), ("0.615", 0.6), ("1e-9", 0)]
)
def test_the_balance_comes_from_the_address_on_a_step_of_the_slider(
    rf: RequestFactory, given: str, style: float
) -> None:
    assert chosen_style(rf.get("/", {"style": given})) == style


@pytest.mark.parametrize(
    "given", ["", "nan", "inf", "-0.1", "1.01", "0,5", "half", "\0", "9" * 5000]
)
def test_what_is_no_balance_is_the_usual_one(
    rf: RequestFactory, settings: Settings, given: str
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "STYLE": 0.3}
    assert chosen_style(rf.get("/", {"style": given})) == 0.3
    assert chosen_style(rf.get("/")) == 0.3


def slider(request: HttpRequest | None, style: float = 0.6) -> str:
    source = '{% load artsimilarity %}{% similarity_slider style controls="alike" %}'
    return Template(source).render(Context({"request": request, "style": style}))


def test_the_slider_keeps_what_else_is_in_the_address(rf: RequestFactory) -> None:
    html = slider(rf.get("/", {"q": '"><b>', "page": ["1", "2"], "style": "0.1"}))

    assert '<input type="hidden" name="q" value="&quot;&gt;&lt;b&gt;">' in html
    assert html.count('type="hidden" name="page"') == 2
    assert html.count('name="style"') == 1


def test_the_slider_begins_another_balance_at_its_nearest(rf: RequestFactory) -> None:
    assert "cursor" not in slider(rf.get("/", {"after": "a cursor"}))


def test_the_slider_needs_no_request() -> None:
    assert 'value="0.6"' in slider(None)


def test_the_slider_s_numbers_are_the_browser_s_in_every_language(
    rf: RequestFactory, settings: Settings
) -> None:
    settings.LANGUAGES = [("de", "Deutsch")]
    with translation.override("de"):
        html = slider(rf.get("/"))

    assert 'value="0.6"' in html
    assert 'step="0.05"' in html


def test_a_view_with_a_slider_answers_with_the_list_alone_where_a_script_asks(
    rf: RequestFactory,
) -> None:
    class AlikeView(BalanceMixin, TemplateView):
        template_name = "library/home.html"
        fragment_template_name = "library/alike.html"

    page: Any = AlikeView.as_view()(rf.get("/"))
    fragment: Any = AlikeView.as_view()(rf.get("/", headers={"X-Artsimilarity-Fragment": "1"}))

    assert page.template_name == ["library/home.html"]
    assert fragment.template_name == ["library/alike.html"]
    for response in (page, fragment):
        assert "X-Artsimilarity-Fragment" in response["Vary"]
        assert response.context_data["style"] == 0.75
