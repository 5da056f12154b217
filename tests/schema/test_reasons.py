"""What a row keeps of a failure, and how it is said to whoever reads it."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from artsimilarity.encoder.pictures.limits import TooSmall
from artsimilarity.encoder.pictures.reasons import TEXTS, Reason
from artsimilarity.schema import reasons
from demo_site.library.models import Artwork

TOO_SMALL = TooSmall("too-small", width=5, height=1200, least=16).reason


def test_a_row_keeps_the_code_and_the_values() -> None:
    kept = json.loads(reasons.stored(TOO_SMALL))
    assert kept == {"code": "too-small", "width": 5, "height": 1200, "least": 16}


def test_it_is_said_in_the_readers_language_with_its_numerals() -> None:
    artwork = Artwork(embedding_error=reasons.stored(TOO_SMALL))
    assert artwork.embedding_reason.startswith("The picture has 5 x 1,200 pixels;")
    with translation.override("de"):
        assert artwork.embedding_reason.startswith("Das Bild hat 5 x 1.200 Pixel;")


def test_the_encoder_says_the_same_in_english() -> None:
    assert reasons.in_words(reasons.stored(TOO_SMALL)) == str(TOO_SMALL)


def test_the_plural_follows_the_number() -> None:
    once, often = (
        reasons.in_words(reasons.stored(Reason(reasons.WORKER_STOPPED, count=count)))
        for count in (1, 3)
    )
    assert "stopped once" in once
    assert "stopped 3 times" in often


def test_a_reason_within_a_reason_is_translated_too() -> None:
    kept = reasons.stored(Reason(reasons.ENCODER_FAILED, error=Reason(reasons.NO_MEMORY)))
    with translation.override("de"):
        assert "zu wenig Speicher" in reasons.in_words(kept)


def test_what_another_library_says_stays_as_it_is() -> None:
    kept = reasons.stored(Reason(reasons.STORAGE_FAILED, name="100 %.png", error="503 Slow Down"))
    assert reasons.in_words(kept) == "The storage could not read “100 %.png”: 503 Slow Down"


@pytest.mark.parametrize(
    "text",
    [
        "It is damaged: 100 % of it.",
        "{not json",
        '{"code": "of a later release", "width": 5}',
        '{"code": "too-small"}',
        '{"code": ["too-small"]}',
        "{}",
        "",
    ],
)
def test_what_another_release_wrote_is_shown_as_it_is(text: str) -> None:
    assert Artwork(embedding_error=text).embedding_reason == text


def test_words_without_a_code_are_kept_as_words() -> None:
    assert reasons.stored(Reason("A host's own words: 5 %.")) == "A host's own words: 5 %."


def test_no_code_has_two_meanings() -> None:
    assert not reasons._WORDS.keys() & TEXTS.keys()
