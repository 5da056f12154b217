"""A visitor's picture that a worker has described, held by a page and asked about again."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core import signing
from PIL import Image

from artsimilarity.conf import get_settings
from artsimilarity.own_picture import (
    DescribedPicture,
    DescriptionOutdated,
    PictureRefused,
    describe_picture,
    search_by_description,
    search_by_picture,
)
from demo_site.library.models import Artwork
from tests.pictures import BLUE, make_embedded, unit_blocks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker answers at once, with a vector that no half precision holds."""
    random = np.random.default_rng(5)
    vector = unit_blocks(random.normal(size=256), random.random(216)).tolist()
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", lambda *_args: vector)


def picture(size: tuple[int, int] = (300, 100)) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.new("RGB", size, BLUE).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def test_is_found_again_as_it_was_without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    for number in range(20):
        make_embedded(f"{number}", random.normal(size=256), random.random(216))
    at_once = search_by_picture(Artwork, picture(), limit=20, style=0.6)
    described = describe_picture(Artwork, picture())
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", None)

    again = search_by_description(
        Artwork, DescribedPicture.read(described.signed()), limit=20, style=0.6
    )

    assert [(one.pk, one.similarity) for one in again] == [
        (one.pk, one.similarity) for one in at_once
    ]


def test_shows_what_a_visitor_may_see_alone() -> None:
    make_embedded("hidden", published=False)
    shown = make_embedded("shown")
    assert list(search_by_description(Artwork, describe_picture(Artwork, picture()))) == [shown]


@pytest.mark.parametrize(
    ("size", "small"), [((300, 100), (160, 53)), ((100, 300), (53, 160)), ((50, 50), (160, 160))]
)
def test_has_a_small_preview_in_the_picture_s_own_proportions(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    described = describe_picture(Artwork, picture(size))
    preview = Image.open(io.BytesIO(described.preview))
    assert preview.size == small
    assert preview.convert("RGB").getpixel((20, 20)) == pytest.approx(BLUE, abs=12)
    assert described.preview_address.startswith("data:image/webp;base64,")


def test_is_a_text_of_a_few_kilobytes() -> None:
    assert len(describe_picture(Artwork, picture()).signed()) < 12_000


def test_is_a_text_of_twenty_kilobytes_at_most_whatever_the_picture_shows() -> None:
    noise = [Image.effect_noise((160, 160), 80) for _channel in "RGB"]
    buffer = io.BytesIO()
    Image.merge("RGB", noise).save(buffer, "PNG")
    buffer.seek(0)
    assert 12_000 < len(describe_picture(Artwork, buffer).signed()) < 20_000


def test_is_refused_when_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    text = describe_picture(Artwork, picture()).signed()
    later = signing.time.time() + 13 * 3600
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    with pytest.raises(DescriptionOutdated):
        DescribedPicture.read(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "\0", "9" * 5000, signing.dumps(["a", "b", "c"], salt="another")],
    ids=["empty", "word", "nul", "long", "another salt"],  # a signature holds the time
)
def test_is_refused_where_nobody_has_signed_it_here(text: str) -> None:
    with pytest.raises(DescriptionOutdated):
        DescribedPicture.read(text)


def test_is_refused_when_another_recipe_is_served() -> None:
    described = describe_picture(Artwork, picture())
    assert described.recipe == get_settings().recipe.fingerprint
    old = replace(described, recipe="old-256+216-" + "0" * 16)
    with pytest.raises(DescriptionOutdated):
        search_by_description(Artwork, old)


def test_of_what_is_no_picture_there_is_none() -> None:
    with pytest.raises(PictureRefused):
        describe_picture(Artwork, io.BytesIO(b"no picture"))


@pytest.mark.parametrize("options", [{"limit": 0}, {"style": 2.0}])
def test_a_search_that_cannot_be_made_asks_no_worker(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", None)
    with pytest.raises(ValueError, match="must lie between"):
        search_by_picture(Artwork, picture(), **options)
