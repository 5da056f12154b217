"""Why a picture was found: percentiles, words and swatches on each neighbour."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override
from pytest_django import Settings

from artsimilarity.embedding import rollout
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.library.recipes import known_recipe
from artsimilarity.models import ScoreCalibration
from artsimilarity.search import more_like_these, more_like_this, search_by_colours
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import given_vector, vector_of_examples
from artsimilarity.search.request import PageRequest, Search
from artsimilarity.search.score_calibration import PROBABILITIES, calibrate
from artsimilarity.search.swatches import SharedColour
from artsimilarity.search.why import Why
from demo_site.library.models import Artwork
from tests.pictures import make_embedded, unit_blocks
from tests.recipes import NEXT
from tests.search.test_score_calibration import add_pictures

pytestmark = pytest.mark.django_db

RED, GREEN, BLUE = 5 * 36, 5 * 6, 5
"""Places of the purest cubes in the colour block."""


def colours(**shares: float) -> np.ndarray[Any, Any]:
    """A colour block with these shares of the purest cubes."""
    block = np.zeros(216)
    for name, share in shares.items():
        block[{"red": RED, "green": GREEN, "blue": BLUE}[name]] = np.sqrt(share)
    return block


def _why(target: Artwork, **options: Any) -> list[Why]:
    return [picture.similarity_why for picture in more_like_this(target, why=True, **options)]


class TestPercentiles:
    def test_are_the_shares_of_pairs_that_are_less_alike(self) -> None:
        add_pictures(60)
        calibrate(Library.of(Artwork))
        target = Artwork.objects.order_by("pk")[0]
        rows = {row.pk: np.array(row.embedding) for row in Artwork.objects.defer(None)}
        vectors = list(rows.values())
        products = [
            [a[part] @ b[part] for i, a in enumerate(vectors) for b in vectors[:i]]
            for part in (slice(0, 256), slice(256, None))
        ]
        for found in more_like_this(target, limit=12, why=True):
            why = found.similarity_why
            style, colour = (
                100 * (np.array(scores) < score - 1e-6).mean()
                for scores, score in zip(
                    products, (found.similarity_style, found.similarity_colour), strict=True
                )
            )
            assert why.style_percentile == pytest.approx(style, abs=0.3)
            assert why.colour_percentile == pytest.approx(colour, abs=0.3)

    def test_without_a_scale_are_not_known_and_nothing_is_said(self) -> None:
        target, _near = make_embedded("target"), make_embedded("near")
        (why,) = _why(target)
        assert (why.style_percentile, why.colour_percentile, why.words) == (None, None, "")

    def test_belong_to_the_recipe_of_the_scores_before_and_after_a_promotion(
        self, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}
        add_pictures(30)
        calibrate(Library.of(Artwork))
        rollout.start(Library.of(Artwork))
        Artwork.objects.update(
            embedding_next=unit_blocks(np.ones(256), colours(blue=1)).tolist(),
            embedding_next_recipe=NEXT.fingerprint,
        )

        def look(fingerprint: str) -> None:
            blue = fingerprint == NEXT.fingerprint
            for target in Artwork.objects.order_by("pk")[::10]:
                for found in more_like_this(target, limit=12, why=True):
                    assert found.similarity_recipe == fingerprint
                    why = found.similarity_why
                    assert why.style_percentile is not None
                    assert blue == (why.shared_colours == (SharedColour((21, 21, 234), 1.0),))

        look(ART.fingerprint)
        rollout.promote(Library.of(Artwork))
        look(NEXT.fingerprint)


class TestSharedColours:
    def test_are_those_of_both_vectors(self) -> None:
        target = make_embedded("target", colour=colours(red=0.5, green=0.5))
        make_embedded("near", colour=colours(red=0.3, blue=0.7))
        (why,) = _why(target)
        ((rgb, share),) = ((shared.rgb, shared.share) for shared in why.shared_colours)
        assert rgb == (234, 21, 21)
        assert share == pytest.approx(0.3, abs=1e-3)
        assert why.colours_in_words == "Shared colours: red"

    def test_of_raw_counts_are_understood_too(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counting = replace(NEXT, name="counting", colour_root=False)
        monkeypatch.setattr("tests.recipes.NEXT", counting)
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.NEXT"}
        target = make_embedded("target", colour=colours(red=1) + 3 * colours(green=1))
        make_embedded("near", colour=3 * colours(red=1) + colours(green=1))
        (why,) = _why(target)
        assert [s.share for s in why.shared_colours] == pytest.approx([0.25, 0.25], abs=1e-3)

    def test_of_a_recipe_that_is_not_known_here_are_left_out(self) -> None:
        unknown = "x-256+216-" + "0" * 16
        assert known_recipe(unknown) is None
        target = make_embedded("target", embedding_recipe=unknown)
        make_embedded("near", embedding_recipe=unknown)
        (why,) = _why(target)
        assert why.shared_colours == ()
        assert why.colours_in_words == ""

    def test_are_named_once_each(self) -> None:
        twice = (SharedColour((234, 21, 21), 0.5), SharedColour((191, 21, 21), 0.3))
        assert Why(shared_colours=twice).colours_in_words == "Shared colours: red"


def _shown(why: Why) -> dict[str, float]:
    return {shared.colour: round(shared.share, 2) for shared in why.shared_colours}


class TestSeveralExamples:
    def test_share_the_colours_of_their_middle(self) -> None:
        examples = [
            make_embedded("r", colour=colours(red=1)),
            make_embedded("g", colour=colours(green=1)),
        ]
        make_embedded("near", colour=colours(red=0.3, green=0.1, blue=0.6))
        (found,) = more_like_these(examples, why=True)
        assert _shown(found.similarity_why) == {"#ea1515": 0.3, "#15ea15": 0.1}

    def test_do_not_share_what_the_search_moves_away_from(self) -> None:
        liked = make_embedded("liked", colour=colours(red=0.5, green=0.5))
        unlike = make_embedded("unlike", colour=colours(green=1))
        make_embedded("near", colour=colours(red=0.5, green=0.5))
        # 0.71 of red and 0.71 - 0.5 of green are looked for: 92 and 8 per cent, once squared.
        (found,) = more_like_these([liked], [unlike], why=True)
        assert _shown(found.similarity_why) == {"#ea1515": 0.5, "#15ea15": 0.08}
        more = make_embedded("more", colour=colours(green=0.1, blue=0.9))
        found = more_like_these([more], [unlike], why=True)[0]
        assert found.similarity_why.shared_colours == ()

    def test_have_no_percentiles_since_a_middle_is_no_picture(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        examples = list(Artwork.objects.order_by("pk")[:3])
        for liked, unlike in ((examples, []), (examples[:1], examples[1:])):
            for found in more_like_these(liked, unlike, why=True):
                why = found.similarity_why
                assert (why.style_percentile, why.colour_percentile, why.words) == (None, None, "")

    def test_of_one_alone_is_what_that_picture_has(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        target = Artwork.objects.order_by("pk")[0]
        alone = [one.similarity_why for one in more_like_these([target], why=True)]
        assert alone == _why(target)
        assert alone[0].style_percentile is not None

    def test_that_are_hidden_leave_no_colours(self) -> None:
        shown = make_embedded("shown", colour=colours(red=1))
        hidden = make_embedded("hidden", colour=colours(blue=1), published=False)
        make_embedded("near", colour=colours(red=0.4, blue=0.6))
        (found,) = more_like_these([shown, hidden], why=True)
        assert _shown(found.similarity_why) == {"#ea1515": 0.4}

    def test_cost_one_query_more(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        examples = list(Artwork.objects.order_by("pk")[:3])
        more_like_these(examples, limit=30)  # what the planner says is remembered from now on
        with CaptureQueriesContext(connection) as plain:
            more_like_these(examples, limit=30)
        with CaptureQueriesContext(connection) as explained:
            more_like_these(examples, limit=30, why=True)
        assert len(explained) == len(plain) + 1

    def test_of_a_search_that_a_promotion_overtakes_speak_of_the_recipe_of_the_scores(
        self, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}
        for number in range(3):
            make_embedded(f"{number}", colour=colours(red=1))
        Artwork.objects.update(
            embedding_next=unit_blocks(np.ones(256), colours(blue=1)).tolist(),
            embedding_next_recipe=NEXT.fingerprint,
        )
        rollout.start(Library.of(Artwork))
        query = vector_of_examples(
            Library.of(Artwork), [(Artwork.objects.order_by("pk")[0].pk, 1.0)]
        )
        assert query is not None
        rollout.promote(Library.of(Artwork))
        page = PageRequest.of(why=True)
        found = find_page(Search(pictures=Artwork.objects.all(), query=query, page=page))
        assert [(one.similarity_recipe, _shown(one.similarity_why)) for one in found] == [
            (ART.fingerprint, {"#ea1515": 1.0})
        ] * 2


class TestNamedColours:
    def test_are_those_that_the_picture_has_with_their_share_of_it(self) -> None:
        make_embedded("near", colour=colours(red=0.3, blue=0.7))
        wanted = [("#e01010", 5), ("#1010e0", 1), ("#10e010", 1)]
        (found,) = search_by_colours(Artwork, wanted, why=True)
        assert _shown(found.similarity_why) == {"#1010e0": 0.7, "#e01010": 0.3}
        assert found.similarity_why.colours_in_words == "Shared colours: blue, red"

    def test_say_nothing_of_style_and_know_no_percentile(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        for found in search_by_colours(Artwork, [("#e01010", 1)], why=True):
            why = found.similarity_why
            assert (why.style_percentile, why.colour_percentile, why.words) == (None, None, "")

    def test_cost_one_query_more(self) -> None:
        add_pictures(40)
        search_by_colours(Artwork, [("#e01010", 1)])
        with CaptureQueriesContext(connection) as plain:
            search_by_colours(Artwork, [("#e01010", 1)])
        with CaptureQueriesContext(connection) as explained:
            search_by_colours(Artwork, [("#e01010", 1)], why=True)
        assert len(explained) == len(plain) + 1

    def test_are_spared_unless_asked_for(self) -> None:
        make_embedded("near", colour=colours(red=1))
        (found,) = search_by_colours(Artwork, [("#e01010", 1)])
        assert not hasattr(found, "similarity_why")


class TestAPictureFromElsewhere:
    def test_is_explained_as_the_same_picture_in_the_library_is(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        stored = Artwork.objects.defer(None).order_by("pk")[0]
        values = [float(value) for value in stored.embedding]
        others = Artwork.objects.exclude(pk=stored.pk)
        query = given_vector(values, stored.embedding_recipe, is_picture=True)
        page = PageRequest(limit=8, style=0.75, why=True)
        found = find_page(Search(pictures=others, query=query, page=page))
        for one, right in zip(found, more_like_this(stored, limit=8, why=True), strict=True):
            why, expected = one.similarity_why, right.similarity_why
            assert why.style_percentile == pytest.approx(expected.style_percentile, abs=0.3)
            assert why.colour_percentile == pytest.approx(expected.colour_percentile, abs=0.3)
            assert _shown(why) == pytest.approx(_shown(expected), abs=0.01)


class TestWords:
    @pytest.mark.parametrize(
        ("percentile", "words"),
        [
            (99.99, "Exceptionally similar brushwork"),
            (99.9, "Exceptionally similar brushwork"),
            (99.89, "Very similar brushwork"),
            (99.0, "Very similar brushwork"),
            (98.99, "Similar brushwork"),
            (90.0, "Similar brushwork"),
            (89.99, "Somewhat similar brushwork"),
            (75.0, "Somewhat similar brushwork"),
            (74.99, ""),
            (50.0, ""),
            (49.99, "Different brushwork"),
            (0.0, "Different brushwork"),
            (None, ""),
        ],
    )
    def test_change_at_the_borders(self, percentile: float | None, words: str) -> None:
        assert Why(style_percentile=percentile).words == words
        in_colour = words.replace("brushwork", "colours")
        assert Why(colour_percentile=percentile).words == in_colour

    @pytest.mark.parametrize(
        ("score", "words"),
        [
            (0.9, "Exceptionally similar colours"),
            (0.89, "Very similar colours"),
            (0.75, "Very similar colours"),
            (0.74, "Similar colours"),
            (0.5, "Similar colours"),
            (0.49, "Somewhat similar colours"),
            (0.25, "Somewhat similar colours"),
            (0.24, ""),
        ],
    )
    def test_of_colours_claim_no_more_than_the_pictures_have_in_common(
        self, score: float, words: str
    ) -> None:
        assert Why(colour_percentile=99.99, colour_score=score).words == words

    def test_do_not_call_colours_different_that_are_half_the_same(self) -> None:
        assert Why(colour_percentile=10, colour_score=0.5).words == ""
        assert Why(colour_percentile=10, colour_score=0.49).words == "Different colours"

    def test_name_style_and_then_colour(self) -> None:
        why = Why(style_percentile=99.5, colour_percentile=20)
        assert why.words == "Very similar brushwork, different colours"

    def test_leave_out_a_part_about_which_there_is_nothing_to_say(self) -> None:
        assert Why(style_percentile=60, colour_percentile=95).words == "Similar colours"

    def test_are_translated_when_they_are_read(self) -> None:
        why = Why(style_percentile=95)
        with override("de"):
            assert why.words  # no catalogue yet, but no stale language either
        assert why.words == "Similar brushwork"


class TestQueries:
    def test_are_two_more_however_many_pictures(self) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        target = Artwork.objects.order_by("pk")[0]
        more_like_this(target)
        for limit in (1, 30):
            with CaptureQueriesContext(connection) as plain:
                more_like_this(target, limit=limit)
            with CaptureQueriesContext(connection) as explained:
                more_like_this(target, limit=limit, why=True)
            assert len(explained) == len(plain) + 2

    def test_are_none_more_where_nothing_was_found(self, django_assert_num_queries: Any) -> None:
        alone = make_embedded("alone")
        more_like_this(alone)
        with CaptureQueriesContext(connection) as plain:
            more_like_this(alone)
        with django_assert_num_queries(len(plain)):
            more_like_this(alone, why=True)

    def test_are_spared_unless_asked_for(self) -> None:
        target, _near = make_embedded("target"), make_embedded("near")
        assert not hasattr(more_like_this(target)[0], "similarity_why")


def _told(client: Client, address: str) -> bytes:
    """An answer without its forms' tokens, which are drawn anew each time, and without its time."""
    other = rb'(?<="csrfmiddlewaretoken" value=")\w+|data-at="[^"]*"'
    return re.sub(other, b"", client.get(address).content)


class TestPrivacy:
    def test_hidden_pictures_change_nothing_that_a_visitor_is_told(self, client: Client) -> None:
        add_pictures(60)
        target = Artwork.objects.order_by("pk")[0]
        addresses = (
            reverse("library:artwork", args=[target.pk]),
            f"/api/artworks/{target.pk}/similar/",
        )
        calibrate(Library.of(Artwork))
        before = [_told(client, address) for address in addresses]
        add_pictures(60, seed=2, alike=1.0, published=False)
        Artwork.objects.filter(published=False).first().save()  # type: ignore[union-attr]
        calibrate(Library.of(Artwork))
        after = [_told(client, address) for address in addresses]
        assert b"brushwork" in before[0]
        assert b"artsimilarity-swatch" in before[0]
        assert after == before

    def test_a_hidden_picture_has_swatches_with_visible_ones_alone(self) -> None:
        target = make_embedded("target", colour=colours(red=1), published=False)
        make_embedded("hidden", colour=colours(red=1), published=False)
        make_embedded("shown", colour=colours(red=0.5, blue=0.5))
        (why,) = _why(target)
        assert [s.share for s in why.shared_colours] == pytest.approx([0.5], abs=1e-3)


class TestTemplate:
    def _render(self, source: str, target: Artwork) -> str:
        return Template("{% load artsimilarity %}" + source).render(Context({"artwork": target}))

    @pytest.fixture
    def target(self) -> Artwork:
        """A picture that shares red with the other one; any two of this library are as alike."""
        target = make_embedded("target", colour=colours(red=1))
        make_embedded("near", colour=colours(red=0.6, blue=0.4))
        ScoreCalibration.objects.create(
            model_label="library.Artwork",
            fingerprint=target.embedding_recipe,
            style_quantiles=[p / 2 for p in PROBABILITIES],
            colour_quantiles=[1 - (1 - p) / 2 for p in PROBABILITIES],
            pictures=100,
            pairs=4950,
            measured_at="2024-01-01T00:00Z",
        )
        return target

    def test_says_it_in_words_under_the_picture(self, target: Artwork) -> None:
        html = self._render("{% more_like_this artwork %}", target)
        assert ">Exceptionally similar brushwork<" in html

    def test_shows_swatches_with_a_text_alternative_and_no_inline_style(
        self, target: Artwork
    ) -> None:
        html = self._render("{% more_like_this artwork %}", target)
        assert 'role="img" aria-label="Shared colours: red"' in html
        assert 'fill="#ea1515"' in html
        assert "style=" not in html

    def test_says_nothing_without_a_scale(self, target: Artwork) -> None:
        ScoreCalibration.objects.all().delete()
        html = self._render("{% more_like_this artwork %}", target)
        assert "artsimilarity-why" not in html
        assert "Shared colours: red" in html

    def test_leaves_it_out_on_request(self, target: Artwork) -> None:
        html = self._render("{% more_like_this artwork why=False %}", target)
        assert "artsimilarity-why" not in html
        assert "artsimilarity-swatch" not in html

    def test_a_template_of_ones_own_asks_for_it(self, target: Artwork) -> None:
        source = "{% get_more_like_this artwork why=True as found %}"
        html = self._render(source + "{{ found.0.similarity_why.words }}", target)
        assert html.startswith("Exceptionally similar brushwork")

    def test_the_admin_sees_the_percentiles_beside_the_scores(
        self, target: Artwork, admin_client: Client
    ) -> None:
        address = reverse("admin:library_artwork_change", args=[target.pk])
        page = admin_client.get(address).content.decode()
        assert "<dt>Brushwork</dt><dd>more alike than 99.97 % of pairs</dd>" in page
        assert "<dt>Colours</dt><dd>more alike than 54.88 % of pairs</dd>" in page


class TestApi:
    def test_each_result_has_percentiles_and_shared_colours(self, client: Client) -> None:
        add_pictures(40)
        calibrate(Library.of(Artwork))
        target = Artwork.objects.order_by("pk")[0]
        results = client.get(f"/api/artworks/{target.pk}/similar/").json()["results"]
        whys = _why(target)
        assert [r["style_percentile"] for r in results] == [w.style_percentile for w in whys]
        assert [r["colour_percentile"] for r in results] == [w.colour_percentile for w in whys]
        assert any(result["shared_colours"] for result in results)
        for result, why in zip(results, whys, strict=True):
            assert result["shared_colours"] == [
                {"colour": s.colour, "name": s.name, "share": s.share} for s in why.shared_colours
            ]

    def test_several_examples_and_named_colours_have_swatches_and_no_percentile(
        self, client: Client
    ) -> None:
        one = make_embedded("one", colour=colours(red=1))
        other = make_embedded("other", colour=colours(red=0.5, blue=0.5))
        make_embedded("found", colour=colours(red=0.25, green=0.75))
        several = {"like": [one.pk, other.pk]}
        for address, query, colour in (
            ("/api/artworks/similar-to/", several, "#ea1515"),
            ("/api/artworks/by-colour/", {"colour": "e01010"}, "#e01010"),
        ):
            results = client.get(address, query).json()["results"]
            (result,) = (one for one in results if one["picture"]["title"] == "found")
            assert (result["style_percentile"], result["colour_percentile"]) == (None, None)
            (shared,) = result["shared_colours"]
            assert (shared["colour"], shared["name"]) == (colour, "red")
            assert shared["share"] == pytest.approx(0.25, abs=1e-3)

    def test_what_is_not_known_is_null_and_empty(self, client: Client) -> None:
        target = make_embedded("target", colour=colours(red=1))
        make_embedded("near", colour=colours(blue=1))
        (result,) = client.get(f"/api/artworks/{target.pk}/similar/").json()["results"]
        assert result["style_percentile"] is None
        assert result["colour_percentile"] is None
        assert result["shared_colours"] == []
