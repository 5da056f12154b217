"""Whatever a stranger or an administrator sends to whatever address, no answer is a server error.

Each run tries other things; ``TEST_SEED`` repeats one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from demo_site.library.light_table import _KEY
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded, picture_bytes
from tests.seeds import fresh_seed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("dead_broker", "quick_encoder", "no_worker_is_waited_for"),
]

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "250"))

# These say themselves that something is not there right now.
MAY_BE_UNAVAILABLE = ("/by-picture/", "/by-detail/", "/artsimilarity/health/")
# With a box, a picture's page searches by it.
WITH_A_BOX = {"left", "top", "right", "bottom"}

DIGITS = "9" * 5000
NASTY = [
    "",
    "\0",
    "a\0b",
    DIGITS,
    "-" + DIGITS,
    "9223372036854775808",
    "-9223372036854775809",
    "2147483648",
    "1e400",
    "nan",
    "inf",
    "-1",
    "0",
    "٣",
    "²",
    "[" * 3000,
    "%00",
    "../../etc/passwd",
    "<script>",
    "'; DROP TABLE x; --",
    "\ud800",
    "\U0001f600" * 50,
    "{",
    "null",
    "true",
    "1.5",
    "a" * 10_000,
    "2024-13-45",
    "00000000-0000-0000-0000-000000000000",
]
# Names that something at some address reads, and some that nothing does.
NAMES = [
    "q", "p", "o", "e", "all", "page", "artist", "style", "by", "limit", "cursor", "like", "unlike",
    "colour", "weight", "diversify", "hide_duplicates", "format", "state", "pairs", "remove",
    "clear", "found", "picture", "image", "title", "year", "action", "_selected_action", "index",
    "select_across", "embedding_status__exact", "embedding_recipe", "published__exact", "id__exact",
    "title__exact", "id__in", "pk", "_popup", "_to_field", "next", "username", "password", "lang",
    "app_label", "model_name", "field_name", "term", "object_id", "content_type", "post",
    "_changelist_filters", "is_staff__exact", "username__contains", "unknown", "_save", "box",
    "left", "top", "right", "bottom",
]  # fmt: skip


def _addresses(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """All routes of the site, as they are written."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


ROUTES = sorted(set(_addresses(get_resolver().url_patterns)))


@st.composite
def paths(draw: st.DrawFn) -> str:
    """An address of the site, its variable parts filled with what is there and what is not."""
    route = draw(st.sampled_from(ROUTES))
    value = st.sampled_from(["1", "2", "library", "artwork", "pending", "all", "json", *NASTY])
    filled = re.sub(r"<[^>]+>|\(\?P<[^>]+>[^)]*\)+", lambda _: draw(value), route)
    filled = filled.replace("^", "").replace("\\Z", "").replace("$", "").replace("\\.", ".")
    return "/" + quote(filled.encode("utf-8", "surrogatepass"), safe="/")[:12_000]


texts = st.one_of(st.sampled_from(NASTY), st.integers(-5, 20).map(str), st.text(max_size=30))
fields = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.text(max_size=10)),
    st.lists(texts, min_size=1, max_size=3),
    max_size=5,
)
HEADERS = ["REFERER", "ACCEPT", "X_FORWARDED_FOR", "IF_NONE_MATCH", "COOKIE", "ACCEPT_LANGUAGE",
           "IF_MODIFIED_SINCE", "X_ARTSIMILARITY_FRAGMENT", "RANGE", "CONTENT_TYPE"]  # fmt: skip
headers = st.dictionaries(
    st.sampled_from(HEADERS).map("HTTP_{}".format),
    texts.map(lambda text: text.encode("latin-1", "replace").decode("latin-1")),
    max_size=2,
)


def _as_utf8(values: dict[str, list[str]]) -> dict[str, list[bytes]]:
    return {
        name.encode("utf-8", "replace").decode(): [
            value.encode("utf-8", "replace") for value in many
        ]
        for name, many in values.items()
    }


@pytest.fixture
def library(client: Client) -> None:
    """A small library, with equal pictures, and a visitor with something on the light table."""
    for number in range(6):
        make_embedded(f"{number}", [1, number / 10], [1, number / 20])
    make_embedded("hidden", published=False)
    make_artwork("pending")
    first = Artwork.objects.first()
    assert first is not None
    session = client.session
    session[_KEY] = {str(first.pk): True}
    session.save()
    cache.clear()


def _try_everything(client: Client) -> None:
    client.raise_request_exception = False

    @seed(fresh_seed())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(path=paths(), query=fields, form=st.none() | fields, extra=headers, file=st.booleans())
    def ask(
        path: str,
        query: dict[str, list[str]],
        form: dict[str, list[str]] | None,
        extra: dict[str, str],
        file: bool,
    ) -> None:
        extra = {**extra, "QUERY_STRING": urlencode(_as_utf8(query), doseq=True)}
        with transaction.atomic():
            if form is None:
                response = client.get(path, **extra)
            else:
                sent: dict[str, Any] = {
                    name: [value.decode() for value in values]
                    for name, values in _as_utf8(form).items()
                }
                if file:
                    sent["picture"] = SimpleUploadedFile("mine.png", picture_bytes())
                response = client.post(path, sent, **extra)
            transaction.set_rollback(True)
        note(f"{path[:200]} {extra['QUERY_STRING'][:300]} {form!r:.300}: {response.status_code}")
        asks = path.endswith(MAY_BE_UNAVAILABLE) or query.keys() >= WITH_A_BOX
        assert response.status_code < 500 or (response.status_code == 503 and asks)

    ask()


@pytest.mark.slow
def test_for_a_stranger(client: Client, library: None) -> None:
    _try_everything(client)


@pytest.mark.slow
def test_for_an_administrator(client: Client, library: None) -> None:
    client.force_login(User.objects.create_superuser("root", password="root"))
    _try_everything(client)


@pytest.mark.slow
@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize(
    "path",
    [
        "/?q={}",
        "/?page={}",
        "/?artist={}",
        "/artworks/{}/",
        "/by-colour/?colour={}",
        "/by-colour/?weight={}&colour=aa0000",
        "/artworks/{pk}/?left={}&top=0&right=100&bottom=100",
        "/api/artworks/{}/similar/",
        "/api/artworks/{}/by-detail/?box=0,0,1,0.01",
        "/api/artworks/{pk}/by-detail/?box={}",
        "/api/artworks/{pk}/by-detail/?box=0,0,{},1",
        "/api/artworks/similar-to/?like={}",
        "/api/artworks/?page={}",
        "/admin/library/artwork/?q={}",
        "/admin/library/artwork/?p={}",
        "/admin/library/artwork/?o={}",
        "/admin/library/artwork/?embedding_recipe={}",
        "/admin/library/artwork/?embedding_status__exact={}",
        "/admin/library/artwork/?title__exact={}",
        "/admin/library/artwork/?id__in={}",
        "/admin/library/artwork/{}/change/",
        "/admin/library/artwork/{}/reembed/",
        "/admin/library/artwork/{}/area/",
        "/admin/library/artwork/library/duplicates/?page={}",
        "/admin/library/artwork/library/{}/",
        "/admin/auth/user/?username={}",
        "/media/{}",
    ],
)
def test_known_places(admin_client: Client, library: None, path: str, value: str) -> None:
    admin_client.raise_request_exception = False
    cache.clear()  # no visitor has searched too often
    shown = Artwork.objects.filter(published=True).first()
    assert shown is not None
    filled = path.format(quote(value.encode("utf-8", "surrogatepass")), pk=shown.pk)
    response = admin_client.get(filled)
    searches = "by-detail" in path or "left=" in path
    assert response.status_code < 500 or (response.status_code == 503 and searches)


@pytest.mark.parametrize("value", NASTY)
def test_known_forms(admin_client: Client, library: None, value: str) -> None:
    admin_client.raise_request_exception = False
    text = value.encode("utf-8", "replace").decode()
    for path, form in (
        ("/light-table/", {"like": text}),
        ("/light-table/", {"remove": text}),
        ("/by-picture/", {"found": text, "like": text}),
        ("/upload/", {"title": text, "year": text, "artist": text}),
        ("/admin/library/artwork/", {"action": "reembed", "_selected_action": text, "index": text}),
        ("/admin/library/artwork/library/duplicates/judge/", {"pairs": text, "page": text}),
        ("/admin/library/artwork/add/", {"title": text, "year": text}),
    ):
        assert admin_client.post(path, form).status_code < 500, path
