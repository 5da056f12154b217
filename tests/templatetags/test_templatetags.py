"""The template tags."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.template import Context, Template
from django.test import override_settings

from artsimilarity.search import amore_like_this
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


def _render(source: str, **context: Any) -> str:
    return Template("{% load artsimilarity %}" + source).render(Context(context))


def test_more_like_this_renders_links_to_the_neighbours_nearest_first() -> None:
    target = make_embedded("target", [1, 0])
    far, near = make_embedded("Far <b>", [0, 1]), make_embedded("Near", [1, 0.1])
    html = _render("{% more_like_this artwork limit=8 %}", artwork=target)
    assert html.index(near.get_absolute_url()) < html.index(far.get_absolute_url())
    assert "Far &lt;b&gt;" in html


def test_limit_and_style_are_the_tags_arguments() -> None:
    target = make_embedded("target", [1, 0], [1, 0])
    make_embedded("same style", [1, 0], [0, 1])
    make_embedded("same colour", [0, 1], [1, 0])
    html = _render("{% more_like_this artwork limit=1 style=0 %}", artwork=target)
    assert "same colour" in html
    assert "same style" not in html


def test_a_picture_that_is_not_embedded_yet_renders_the_reason() -> None:
    html = _render("{% more_like_this artwork %}", artwork=make_artwork())
    assert "Similar pictures will appear here" in html
    assert "<li" not in html


def test_get_more_like_this_only_fetches() -> None:
    target = make_embedded("target")
    make_embedded("neighbour")
    source = (
        "{% get_more_like_this artwork limit=8 as found %}{{ found|length }} {{ found.0.title }}"
    )
    assert _render(source, artwork=target) == "1 neighbour"


def test_a_host_overrides_the_template_for_its_model(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "artwork_more_like_this.html").write_text("{{ neighbours|length }} of {{ mood }}")
    templates = {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    libraries = {"artsimilarity": "artsimilarity.templatetags.artsimilarity"}
    options = {**templates, "OPTIONS": {"libraries": libraries}}
    with override_settings(TEMPLATES=[options]):
        html = _render("{% more_like_this artwork %}", artwork=make_embedded("target"), mood="calm")
    assert html == "0 of calm"


def test_the_request_reaches_similarity_queryset(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from demo_site.library.models import Artwork

    seen: list[Any] = []

    def visible(cls: type[Artwork], request: Any = None) -> Any:
        seen.append(request)
        return cls.objects.none()

    monkeypatch.setattr(Artwork, "similarity_queryset", classmethod(visible))
    request = rf.get("/")
    html = _render("{% more_like_this artwork %}", artwork=make_embedded("target"), request=request)
    assert seen == [request]
    assert "<li" not in html


class TestAsynchronousViews:
    @pytest.mark.django_db(transaction=True)
    def test_a_search_can_be_awaited_and_rendered_without_a_query(self) -> None:
        target = make_embedded("target", [1, 0])
        make_embedded("near", [1, 0.1])

        async def view() -> str:
            neighbours = await amore_like_this(target, why=True)
            template = "{% load artsimilarity %}{% more_like_this a neighbours=n %}"
            return str(Template(template).render(Context({"a": target, "n": neighbours})))

        assert "near" in async_to_sync(view)()

    @pytest.mark.django_db(transaction=True)
    def test_a_tag_on_the_event_loop_says_what_to_do(self) -> None:
        target = make_embedded("target", [1, 0])

        async def view() -> str:
            template = "{% load artsimilarity %}{% more_like_this a %}"
            return str(Template(template).render(Context({"a": target})))

        with pytest.raises(SynchronousOnlyOperation, match="await amore_like_this"):
            asyncio.run(view())
