"""The template tags."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.core.files.base import ContentFile
from django.template import Context, Template
from django.test import override_settings
from pytest_django import Settings

from artsimilarity.library.thumbnails import Thumbnail
from artsimilarity.search import amore_like_this
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded, picture_bytes

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


def test_a_page_without_a_picture_shows_nothing_and_asks_nothing(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(0):
        assert _render("{% more_like_this page.image %}", page={"image": None}) == ""


def test_without_a_picture_there_is_nothing_to_fetch() -> None:
    source = "{% get_more_like_this page.image as found %}{{ found|length }} {{ found.status }}"
    assert _render(source, page={"image": None}) == "0 no-picture"


def test_the_filters_ask_nothing_of_no_picture() -> None:
    source = (
        "{{ page.image|similarity_thumbnail }}{{ page.image|similarity_url }}"
        "{% with caption=page.image|similarity_caption %}{{ caption.title }}{% endwith %}"
    )
    assert _render(source, page={"image": None}) == "None"


def test_a_variable_that_the_template_does_not_know_is_an_error_that_says_so() -> None:
    with pytest.raises(TypeError, match=r"no picture, but ''.*misspelt"):
        _render("{% more_like_this page.imgae %}", page={"image": None})


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


class TestANeighbour:
    """As the template shows it, of a host that says more or less of its pictures."""

    @pytest.fixture(autouse=True)
    def host(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {"RECIPE": settings.ARTSIMILARITY["RECIPE"]}

    def _shown(self, neighbour: Artwork) -> str:
        target = make_embedded("target")
        html = _render("{% more_like_this artwork why=False %}", artwork=target)
        assert neighbour.title in html
        return html

    def _with_picture(self, side: int = 600) -> Artwork:
        neighbour = make_embedded("Neighbour")
        neighbour.image.storage.save("Neighbour.png", ContentFile(picture_bytes(side=side)))
        return neighbour

    def test_is_a_small_picture_with_its_size_that_comes_late(self) -> None:
        html = self._shown(self._with_picture())
        (image,) = re.findall(r"<img [^>]+>", html)
        assert re.search(r' src="/media/similarity-thumbnails/Neighbour.png.\w+.240.webp"', image)
        assert re.search(r' srcset="[^ ]+.240.webp 240w, [^ ]+.480.webp 480w"', image)
        assert ' sizes="(min-width: 40rem) 14rem, 40vw"' in image
        assert ' width="240" height="240" alt="" loading="lazy" decoding="async"' in image

    def test_asks_for_no_more_width_than_an_upright_picture_has(self) -> None:
        thumbnail = Thumbnail.of([("/a", 120, 240), ("/b", 240, 480)])
        source = '{% include "artsimilarity/thumbnail.html" %}'
        html = _render(source, thumbnail=thumbnail)
        assert ' sizes="(min-width: 40rem) 7rem, 20vw"' in html

    def test_has_no_thousands_separators_in_its_attributes(self, settings: Settings) -> None:
        settings.USE_THOUSAND_SEPARATOR = True
        source = '{% include "artsimilarity/thumbnail.html" %}'
        html = _render(source, thumbnail=Thumbnail("/a", 1200, 1000))
        assert ' width="1200" height="1000"' in html

    def test_without_a_readable_file_is_a_placeholder(self) -> None:
        html = self._shown(make_embedded("Neighbour"))
        assert "<img" not in html
        assert 'class="artsimilarity-missing"' in html

    def test_has_the_title_and_the_artist_that_the_host_names(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caption = lambda self: (self.title, self.artist)  # noqa: E731
        monkeypatch.setattr(Artwork, "similarity_caption", caption, raising=False)
        html = self._shown(make_embedded("Neighbour", artist="Dürer & Co"))
        assert '<span class="artsimilarity-title">Neighbour</span>' in html
        assert '<span class="artsimilarity-artist">Dürer &amp; Co</span>' in html

    def test_has_a_caption_of_one_line_where_the_host_names_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caption = classmethod(lambda cls, picture: f"No. {picture.title}")
        monkeypatch.setattr(Artwork, "similarity_caption", caption, raising=False)
        html = self._shown(make_embedded("Neighbour"))
        assert '<span class="artsimilarity-title">No. Neighbour</span>' in html
        assert "artsimilarity-artist" not in html

    def test_without_a_page_is_no_link(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(Artwork, "get_absolute_url")
        assert "<a " not in self._shown(make_embedded("Neighbour"))

    def test_leads_where_the_host_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hook = classmethod(lambda cls, picture: f"/shop/{picture.title}/")
        monkeypatch.setattr(Artwork, "similarity_url", hook, raising=False)
        html = self._shown(make_embedded("Neighbour"))
        assert '<a class="artsimilarity-link" href="/shop/Neighbour/">' in html


def test_the_request_reaches_similarity_queryset(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
