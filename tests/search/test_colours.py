"""Named colours as vectors, and the search by them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from artsimilarity.encoder.blocks.colour import colour_histogram
from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.models import DuplicatePair
from artsimilarity.search import search_by_colours
from artsimilarity.search.colours import (
    ColoursNotUnderstood,
    WeightedColour,
    colour_vector,
    parse_colour,
    parse_colours,
)
from demo_site.library.models import Artwork
from tests.pictures import make_embedded

URL = "/api/artworks/by-colour/"
LEVELS = st.tuples(*[st.integers(0, 255)] * 3)
RED, BLUE = (200, 30, 30), (30, 60, 200)


def _block(colours: list[tuple[tuple[int, int, int], float]], recipe: Recipe = ART) -> np.ndarray:
    vector = colour_vector([WeightedColour(*one) for one in colours], recipe)
    assert vector[: recipe.style_dimensions] == [0.0] * recipe.style_dimensions
    return np.array(vector[recipe.style_dimensions :])


def _picture(*shares: tuple[tuple[int, int, int], int]) -> list[float]:
    """The colour block of a picture of so many rows of each colour."""
    rows = [np.full((count, 8, 3), colour, np.uint8) for colour, count in shares]
    return colour_histogram(np.concatenate(rows), 6).tolist()


class TestVector:
    @given(st.lists(st.tuples(LEVELS, st.floats(1e-3, 1e3)), min_size=1, max_size=5))
    def test_is_a_histogram_of_roots_of_length_1(
        self, colours: list[tuple[tuple[int, int, int], float]]
    ) -> None:
        values = _block(colours)
        assert values.min() >= 0
        assert (values**2).sum() == pytest.approx(1)

    def test_is_what_a_picture_of_such_pixels_has(self) -> None:
        # Pixels drawn at random around the colour, and those counted that have a colour at all.
        colour = (250, 128, 43)
        drawn = np.random.default_rng(0).normal(np.array(colour) + 0.5, 10, (400_000, 3))
        inside = drawn[((drawn >= 0) & (drawn < 256)).all(axis=1)]
        counted = colour_histogram(inside.astype(np.uint8)[None], 6)
        assert _block([(colour, 1)]) @ counted == pytest.approx(1, abs=1e-3)

    @given(LEVELS)
    def test_has_most_where_the_colour_is_or_beside_it(self, colour: tuple[int, int, int]) -> None:
        place = np.unravel_index(_block([(colour, 1)]).argmax(), (6, 6, 6))
        width = 256 / 6
        pairs = zip(place, colour, strict=True)
        distance = [abs((bin + 0.5) * width - level - 0.5) for bin, level in pairs]
        assert max(distance) <= width / 2 + 0.5

    def test_two_colours_on_either_side_of_a_border_are_alike(self) -> None:
        assert _block([((127, 20, 20), 1)]) @ _block([((128, 20, 20), 1)]) > 0.99
        assert _block([((107, 20, 20), 1)]) @ _block([((148, 20, 20), 1)]) < 0.5

    def test_only_the_proportions_of_the_weights_matter(self) -> None:
        once, twice = _block([(RED, 1), (BLUE, 3)]), _block([(RED, 2), (BLUE, 6)])
        assert once == pytest.approx(twice)

    @pytest.mark.parametrize("recipe", [ARTICLE, replace(ART, colour_bins=4)])
    def test_follows_the_recipes_own_bins_and_counts(self, recipe: Recipe) -> None:
        picture = colour_histogram(
            np.full((8, 8, 3), RED, np.uint8), recipe.colour_bins, root=recipe.colour_root
        )
        found = _block([(RED, 1)], recipe)
        cosine = found @ picture / math.hypot(*found) / math.hypot(*picture)
        assert cosine > 0.8

    def test_a_recipe_that_counts_in_another_way_is_refused_by_name(self) -> None:
        @dataclass(frozen=True, kw_only=True)
        class LabRecipe(Recipe):
            colour_space: str = "lab"

        lab = LabRecipe(**{name: getattr(ART, name) for name in ART.__dataclass_fields__})
        with pytest.raises(ColoursNotUnderstood, match="'art' has colour_space"):
            colour_vector([WeightedColour(RED)], lab)


class TestParsing:
    @pytest.mark.parametrize("text", ["#aa3311", "AA3311", " aa3311 "])
    def test_takes_hexadecimal_digits(self, text: str) -> None:
        assert parse_colour(text) == (0xAA, 0x33, 0x11)

    @pytest.mark.parametrize("text", ["", "red", "#aa331", "aa33112", "gg0000", "##aa3311"])
    def test_says_how_to_write_a_colour(self, text: str) -> None:
        with pytest.raises(ValueError, match="six hexadecimal digits"):
            parse_colour(text)

    @pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf])
    def test_refuses_a_weight_that_weighs_nothing(self, weight: float) -> None:
        with pytest.raises(ValueError, match="above 0"):
            parse_colours([("aa3311", weight)])

    @pytest.mark.parametrize("count", [0, 6])
    def test_takes_one_to_five(self, count: int) -> None:
        with pytest.raises(ValueError, match=f"one to 5 colours, not {count}"):
            parse_colours([("aa3311", 1)] * count)


@pytest.mark.django_db
class TestSearch:
    def test_red_finds_red_pictures_whatever_their_style(self) -> None:
        make_embedded("blue", [1, 0], _picture((BLUE, 8)))
        make_embedded("red", [0, 1], _picture((RED, 8)))
        make_embedded("reddish", [1, 1], _picture((RED, 4), (BLUE, 4)))
        found = search_by_colours(Artwork, [("#c81e1e", 1)])
        assert [picture.title for picture in found] == ["red", "reddish", "blue"]
        assert found[0].similarity == pytest.approx(found[0].similarity_colour, abs=1e-3)

    def test_weights_decide_which_mixture_is_nearest(self) -> None:
        make_embedded("mostly red", colour=_picture((RED, 6), (BLUE, 2)))
        make_embedded("mostly blue", colour=_picture((RED, 2), (BLUE, 6)))
        red_first = search_by_colours(Artwork, [("c81e1e", 3), ("1e3cc8", 1)], limit=1)
        blue_first = search_by_colours(Artwork, [("c81e1e", 1), ("1e3cc8", 3)], limit=1)
        assert [one.title for one in (*red_first, *blue_first)] == ["mostly red", "mostly blue"]

    def test_the_api_answers_as_for_similar_pictures(self, client: Client) -> None:
        red = make_embedded("red", colour=_picture((RED, 8)), artist="Anna")
        make_embedded("blue", colour=_picture((BLUE, 8)))
        body = client.get(URL, {"colour": ["c81e1e:2", "#c81e1f"], "limit": 1}).json()
        assert (body["status"], body["style"]) == ("ready", 0)
        (result,) = body["results"]
        assert (result["picture"]["id"], result["picture"]["artist"]) == (red.pk, "Anna")
        assert result["style_score"] == 0
        assert result["score"] == result["colour_score"] > 0.8

    def test_pages_follow_each_other_without_repeats(self, client: Client) -> None:
        titles = {f"{number}" for number in range(5)}
        for title in titles:
            make_embedded(title, colour=_picture((RED, 1 + int(title)), (BLUE, 3)))
        address, seen = f"{URL}?colour=c81e1e:2&colour=1e3cc8&limit=2", []
        while address:
            answer = client.get(address).json()
            seen += [result["picture"]["title"] for result in answer["results"]]
            address = answer["next"]
        assert sorted(seen) == sorted(titles)

    def test_of_several_scans_of_one_print_the_nearest_is_shown(self, settings: Settings) -> None:
        nearest = make_embedded("a", colour=_picture((RED, 8)), embedding_digest="1" * 64)
        copy = make_embedded("b", colour=_picture((RED, 7), (BLUE, 1)), embedding_digest="2" * 64)
        DuplicatePair.objects.create(
            model_label="library.Artwork",
            first=nearest.pk,
            second=copy.pk,
            first_digest="1" * 64,
            second_digest="2" * 64,
            score=1.0,
        )
        assert len(search_by_colours(Artwork, [("c81e1e", 1)])) == 2
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "HIDE_DUPLICATES": True}
        assert list(search_by_colours(Artwork, [("c81e1e", 1)])) == [nearest]

    def test_hidden_pictures_are_absent(self, client: Client) -> None:
        make_embedded("hidden", colour=_picture((RED, 8)), published=False)
        assert client.get(URL, {"colour": "c81e1e"}).json()["results"] == []

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({}, "required"),
            *[
                ({"colour": colour}, "six hexadecimal digits")
                for colour in ("red", "c81e1e:", "c81e1e:much", "c81e1e:0", "c81e1e:nan")
            ],
            ({"colour": "c81e1e:0.0"}, "above 0"),
            ({"colour": ["c81e1e"] * 6}, "no more than 5"),
            ({"colour": "c81e1e", "limit": "49"}, "less than or equal to 48"),
        ],
    )
    def test_a_bad_parameter_is_refused_with_words(
        self, client: Client, query: dict[str, object], words: str
    ) -> None:
        response = client.get(URL, query)
        assert response.status_code == 400
        assert words in str(response.json()["limit" if "limit" in query else "colour"])
