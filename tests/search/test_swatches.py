"""Colours that two pictures share: how much, which, and by what name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artsimilarity.encoder.blocks.colour import colour_histogram
from artsimilarity.encoder.recipe import ART, ARTICLE
from artsimilarity.search.swatches import (
    Rgb,
    SharedColour,
    cubes_of,
    shared_colours,
    shares,
    wanted_colours,
)

BINS = ART.colour_bins


def _areas(**of_cubes: float) -> list[float]:
    """Shares of the cubes named by three digits, such as ``c500`` for red."""
    areas = np.zeros((BINS, BINS, BINS))
    for name, share in of_cubes.items():
        areas[tuple(int(digit) for digit in name[1:])] = share
    return areas.ravel().tolist()


def test_shares_of_a_rooted_block_and_of_raw_counts_are_the_pixels_shares() -> None:
    random = np.random.default_rng(1)
    picture = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    picture[:20] = (200, 40, 30)
    cubes = (picture.reshape(-1, 3) // np.float64(256 / BINS)).astype(int)
    expected = np.histogramdd(cubes, bins=[np.arange(BINS + 1)] * 3)[0].ravel() / 1600
    for recipe in (ART, ARTICLE):
        block = colour_histogram(picture, BINS, root=recipe.colour_root)
        found = shares((block / np.linalg.norm(block)).tolist(), recipe)
        assert found == pytest.approx(expected.tolist(), abs=1e-6)


def test_shares_of_an_empty_block_are_nought() -> None:
    assert shares([0.0] * 216, ART) == [0.0] * 216


def test_what_is_shared_of_a_cube_is_the_smaller_share() -> None:
    one, other = _areas(c500=0.6, c050=0.4), _areas(c500=0.3, c050=0.1, c005=0.6)
    found = shared_colours(one, other, BINS)
    assert [(shared.rgb, shared.share) for shared in found] == [
        ((234, 21, 21), 0.3),
        ((21, 234, 21), 0.1),
    ]


def test_in_all_they_are_the_overlap_of_the_histograms_that_numpy_finds() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        one, other = random.dirichlet(np.full(216, 0.01), 2)
        found = shared_colours(one.tolist(), other.tolist(), BINS)
        overlap = float(np.minimum(one, other).sum())
        assert sum(shared.share for shared in found) <= overlap + 1e-9
        for shared in found:
            red, green, blue = (np.array(shared.rgb) * BINS // 256).tolist()
            cube = np.minimum(one, other).reshape(BINS, BINS, BINS)[red, green, blue]
            assert 0 < cube <= shared.share + 1e-9


def test_colours_of_a_single_picture_have_no_place() -> None:
    assert shared_colours(_areas(c500=1), _areas(c005=1), BINS) == ()


def test_patches_too_small_to_see_are_left_out() -> None:
    areas = _areas(c500=0.029, c050=0.03, c005=0.941)
    assert [round(s.share, 3) for s in shared_colours(areas, areas, BINS)] == [0.941, 0.03]


def test_there_are_at_most_five_the_largest_first() -> None:
    areas = _areas(c500=0.1, c050=0.11, c005=0.12, c550=0.13, c505=0.14, c055=0.2, c555=0.2)
    found = [shared.share for shared in shared_colours(areas, areas, BINS)]
    assert found == [0.2, 0.2, 0.14, 0.13, 0.12]


def test_neighbouring_cubes_that_look_alike_count_as_one_of_the_fullers_colour() -> None:
    areas = _areas(c443=0.02, c444=0.05, c050=0.93)
    green, grey = shared_colours(areas, areas, BINS)
    assert green.share == 0.93
    assert grey.rgb == (192, 192, 192)
    assert grey.share == pytest.approx(0.07)


def test_neighbouring_cubes_that_the_eye_tells_apart_stay_two() -> None:
    areas = _areas(c000=0.5, c111=0.5)
    assert len(shared_colours(areas, areas, BINS)) == 2


@pytest.mark.parametrize("bins", [2, 5, 6, 8])
def test_a_swatch_is_the_middle_of_the_levels_that_its_cube_counts(bins: int) -> None:
    for cube in range(bins):
        levels = [level for level in range(256) if level * bins // 256 == cube]
        areas = [0.0] * bins**3
        areas[cube] = 1.0
        (found,) = shared_colours(areas, areas, bins)
        assert abs(found.rgb[2] - np.mean(levels)) <= 0.5


def test_a_colour_is_written_as_css_does() -> None:
    assert SharedColour((6, 75, 255), 0.5).colour == "#064bff"


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((21, 21, 21), "black"),
        ((234, 234, 234), "white"),
        ((149, 149, 149), "grey"),
        ((234, 21, 21), "red"),
        ((106, 64, 21), "brown"),
        ((64, 21, 21), "dark brown"),
        ((191, 149, 64), "ochre"),
        ((234, 234, 191), "cream"),
        ((21, 64, 149), "blue"),
        ((21, 149, 64), "green"),
        ((64, 64, 21), "olive"),
        ((234, 149, 191), "pink"),
    ],
)
def test_colours_have_the_names_that_people_give_them(rgb: tuple[int, int, int], name: str) -> None:
    assert SharedColour(rgb, 0.5).name == name


class TestCubesOfAColour:
    @given(st.tuples(*[st.integers(0, 255)] * 3), st.sampled_from([4, 6]))
    def test_are_at_least_the_one_that_pixels_of_the_colour_are_counted_in(
        self, colour: Rgb, bins: int
    ) -> None:
        counted = colour_histogram(np.full((2, 2, 3), colour, np.uint8), bins)
        assert counted.argmax() in cubes_of(colour, bins)

    def test_on_either_side_of_a_border_are_nearly_the_same(self) -> None:
        assert set(cubes_of((170, 60, 40), BINS)) == set(cubes_of((171, 60, 40), BINS))

    def test_of_red_hold_no_blue(self) -> None:
        assert not set(cubes_of((224, 16, 16), BINS)) & set(cubes_of((16, 16, 224), BINS))


class TestWantedColours:
    RED, BLUE = (224, 16, 16), (16, 16, 224)
    PLACES = {RED: cubes_of(RED, BINS), BLUE: cubes_of(BLUE, BINS)}

    def test_come_with_the_area_of_their_cubes_the_largest_first(self) -> None:
        areas = _areas(c500=0.25, c005=0.6, c050=0.15)
        assert wanted_colours(self.PLACES, areas) == (
            SharedColour(self.BLUE, 0.6),
            SharedColour(self.RED, 0.25),
        )

    def test_have_the_area_of_several_cubes_that_look_alike(self) -> None:
        grey = (106, 106, 106)
        areas = _areas(c222=0.4, c223=0.2, c555=0.4)
        (found,) = wanted_colours({grey: cubes_of(grey, BINS)}, areas)
        assert found.share == pytest.approx(0.6)

    def test_that_a_visitor_would_not_see_are_left_out(self) -> None:
        areas = _areas(c500=0.029, c005=0.03)
        assert [one.rgb for one in wanted_colours(self.PLACES, areas)] == [self.BLUE]

    def test_that_are_hardly_apart_are_both_there(self) -> None:
        other = (225, 16, 16)
        places = {one: cubes_of(one, BINS) for one in (self.RED, other)}
        found = wanted_colours(places, _areas(c500=1.0))
        assert [(one.rgb, one.share) for one in found] == [(self.RED, 1.0), (other, 1.0)]
