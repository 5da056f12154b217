"""Who is near: order, scores, filters, errors; and who still needs work."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.search import more_like_this
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.query_vector import stored_vector
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_artwork, make_embedded, unit_blocks

pytestmark = pytest.mark.django_db


def _titles(queryset: object) -> list[str]:
    return [artwork.title for artwork in queryset]  # type: ignore[attr-defined]


def _nearest(target: Artwork, *, exact: bool = False) -> set[int]:
    rows = order_by_similarity(
        Artwork.objects.all(),
        stored_vector(Library.of(type(target)), target),
        style=0.75,
        exact=exact,
    )
    return {artwork.pk for artwork in rows[:10]}


class TestSimilarTo:
    def test_orders_by_the_weighted_mean_of_style_and_colour(self) -> None:
        target = make_embedded("target", [1, 0], [1, 0])
        make_embedded("same style", [1, 0], [0, 1])
        make_embedded("same colour", [0, 1], [1, 0])
        by_style = Artwork.objects.similar_to(target, style=0.9)
        by_colour = Artwork.objects.similar_to(target, style=0.1)
        assert _titles(by_style) == ["same style", "same colour"]
        assert _titles(by_colour) == ["same colour", "same style"]

    def test_scores_are_those_of_numpy(self) -> None:
        random = np.random.default_rng(0)
        blocks = [(random.normal(size=256), random.random(216)) for _ in range(5)]
        target, *others = [make_embedded(str(i), *block) for i, block in enumerate(blocks)]
        wanted = unit_blocks(*blocks[0])
        vectors = {other.pk: unit_blocks(*b) for other, b in zip(others, blocks[1:], strict=True)}
        for found in Artwork.objects.similar_to(target, style=0.3):
            style = float(wanted[:256] @ vectors[found.pk][:256])
            colour = float(wanted[256:] @ vectors[found.pk][256:])
            # halfvec keeps 11 bits of each value
            assert found.similarity_style == pytest.approx(style, abs=2e-3)
            assert found.similarity_colour == pytest.approx(colour, abs=2e-3)
            assert found.similarity == pytest.approx(0.3 * style + 0.7 * colour, abs=2e-3)

    @pytest.mark.parametrize("style", [0.25, 0.75, 1e-5, 1e-300])
    def test_the_smallest_values_that_a_vector_holds_do_no_harm(self, style: float) -> None:
        target = make_embedded("target", [1, 6e-8], [1, 6e-8])
        make_embedded("neighbour", [1, 6e-8], [1, 6e-8])
        assert _titles(Artwork.objects.similar_to(target, style=style)) == ["neighbour"]
        wanted = stored_vector(Library.of(type(target)), target)
        exact = order_by_similarity(Artwork.objects.all(), wanted, style=style, exact=True)
        assert _titles(exact) == ["neighbour"]

    def test_leaves_out_the_picture_itself_and_what_has_no_vector(self) -> None:
        target = make_embedded("target")
        make_artwork("pending")
        make_embedded("neighbour")
        assert _titles(Artwork.objects.similar_to(target)) == ["neighbour"]

    def test_never_compares_vectors_of_two_recipes(self) -> None:
        target = make_embedded("target")
        make_embedded("other recipe", embedding_recipe="old-256+216-" + "0" * 16)
        make_embedded("same recipe")
        assert _titles(Artwork.objects.similar_to(target)) == ["same recipe"]

    def test_keeps_the_hosts_filters(self) -> None:
        target = make_embedded("target")
        make_embedded("hidden", published=False)
        make_embedded("shown")
        shown = Artwork.objects.filter(published=True)
        assert _titles(shown.similar_to(target)) == ["shown"]

    def test_finds_the_neighbours_of_a_picture_that_the_filters_hide(self) -> None:
        target = make_embedded("target", published=False)
        make_embedded("shown")
        assert _titles(Artwork.objects.filter(published=True).similar_to(target)) == ["shown"]

    def test_is_one_query_and_loads_no_vector(self, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
        target = make_embedded("target")
        make_embedded("neighbour")
        with django_assert_num_queries(1):
            (found,) = Artwork.objects.similar_to(target)[:1]
        assert "embedding" in found.get_deferred_fields()

    def test_a_picture_without_an_embedding_has_no_neighbours(self) -> None:
        make_embedded("other")
        assert not Artwork.objects.similar_to(make_artwork("new"))

    def test_uses_the_index_on_a_table_large_enough_to_want_it(self) -> None:
        fill_library(1500)
        target = Artwork.objects.first()
        assert target is not None
        plan = Artwork.objects.filter(published=True).similar_to(target)[:8].explain()
        assert "_hnsw" in plan
        assert "Seq Scan on library_artwork" not in plan

    def test_settings_of_the_index_take_effect_inside_the_query(self, settings: Settings) -> None:
        fill_library(1500)
        targets = list(Artwork.objects.order_by("pk")[:30])
        right = {t.pk: _nearest(t, exact=True) for t in targets}
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        recall = {}
        for ef_search, iterative_scan in ((400, "strict_order"), (2, "strict_order"), (2, "off")):
            settings.ARTSIMILARITY = {
                **settings.ARTSIMILARITY,
                "EF_SEARCH": ef_search,
                "ITERATIVE_SCAN": iterative_scan,
            }
            hits = sum(len(_nearest(t) & right[t.pk]) for t in targets)
            recall[ef_search, iterative_scan] = hits / (10 * len(targets))
        assert recall[400, "strict_order"] > 0.95
        assert recall[2, "off"] <= 0.2  # two candidates cannot fill a page of ten
        assert recall[2, "strict_order"] > 0.2

    def test_a_filter_that_keeps_little_still_fills_the_page_through_the_index(self) -> None:
        fill_library(1500)
        kept = list(Artwork.objects.order_by("pk").values_list("pk", flat=True)[::50])
        Artwork.objects.filter(pk__in=kept).update(technique="etching")
        target = Artwork.objects.first()
        assert target is not None
        with connection.cursor() as cursor:
            # Left to itself, the planner rightly compares with all of the few rows.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        found = Artwork.objects.filter(technique="etching").similar_to(target)[:12]
        assert "_hnsw" in found.explain()
        assert len(found) == 12

    def test_index_settings_do_not_outlive_the_transaction(self, settings) -> None:  # type: ignore[no-untyped-def]
        target = make_embedded("target")
        sql = str(Artwork.objects.similar_to(target).query)
        assert re.search(r"set_config\(hnsw.ef_search, .*::text, true\)", sql)

    @pytest.mark.parametrize("style", [-0.1, 1.1, float("nan")])
    def test_refuses_a_style_outside_0_to_1(self, style: float) -> None:
        target = make_embedded("target")
        with pytest.raises(ValueError, match="style must lie between 0"):
            Artwork.objects.similar_to(target, style=style)

    def test_refuses_a_picture_that_is_not_saved(self) -> None:
        with pytest.raises(ValueError, match="saved picture"):
            Artwork.objects.similar_to(Artwork(title="new"))

    def test_refuses_an_instance_of_another_model(self) -> None:
        with pytest.raises(TypeError, match="needs a Artwork, not a ContentType"):
            Artwork.objects.similar_to(ContentType())  # type: ignore[arg-type]


@pytest.fixture
def filtered() -> Artwork:
    """One of 600 pictures, of which 1 % are rare and a tenth are of one technique."""
    fill_library(
        600,
        lambda number: {
            "artist": "rare" if number % 100 == 0 else "",
            "technique": "woodcut" if number % 10 else "etching",
        },
    )
    picture = Artwork.objects.order_by("pk").last()
    assert picture is not None
    return picture


class TestPages:
    """A slice is searched for as ``more_like_this()`` does it, whatever comes after it."""

    @pytest.mark.parametrize("names", [{"artist": "rare"}, {"technique": "etching"}, {}])
    @pytest.mark.parametrize("exact_rows", [0, 3000])
    @pytest.mark.parametrize("is_before", [True, False])
    def test_have_the_pictures_that_more_like_this_has(
        self,
        filtered: Artwork,
        names: dict[str, str],
        exact_rows: int,
        is_before: bool,
        settings: Settings,
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": exact_rows}
        kept = Artwork.objects.filter(**names)
        wanted = more_like_this(filtered, queryset=kept, limit=12)
        found = kept.similar_to(filtered)
        if not is_before:
            found = Artwork.objects.similar_to(filtered).filter(**names)
        assert [(one.pk, one.similarity) for one in found[:12]] == [
            (one.pk, one.similarity) for one in wanted
        ]

    def test_of_a_filter_that_keeps_few_are_compared_with_all_of_them(
        self, filtered: Artwork
    ) -> None:
        rare = Artwork.objects.similar_to(filtered).filter(artist="rare")[:5]
        with CaptureQueriesContext(connection) as asked:
            assert len(rare) == 5
        assert "hnsw.ef_search" not in asked.captured_queries[-1]["sql"]

    def test_are_asked_for_only_when_they_are_read(
        self, filtered: Artwork, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            page = Artwork.objects.filter(artist="rare").similar_to(filtered)[:5]
            str(page.query)
        assert len(page) == 5

    def test_begin_where_the_slice_does(self, filtered: Artwork) -> None:
        every = list(Artwork.objects.similar_to(filtered)[:8])
        assert list(Artwork.objects.similar_to(filtered)[3:8]) == every[3:]
        assert Artwork.objects.similar_to(filtered)[4] == every[4]
        assert Artwork.objects.similar_to(filtered).first() == every[0]

    def test_keep_what_else_was_asked_of_the_queryset(
        self, filtered: Artwork, django_assert_num_queries: Any
    ) -> None:
        ordered = Artwork.objects.similar_to(filtered).annotate(twice=F("similarity") * 2)
        page = list(ordered.filter(similarity__gt=-1).only("title")[:4])
        for one in page:
            assert one.twice == pytest.approx(2 * one.similarity)
            assert "artist" in one.get_deferred_fields()
        values = list(ordered.values_list("pk", flat=True)[:4])
        assert values == [one.pk for one in page]

    def test_in_another_order_are_the_hosts_own(self, filtered: Artwork) -> None:
        ordered = Artwork.objects.similar_to(filtered).order_by("pk")
        assert [one.pk for one in ordered[:3]] == list(
            Artwork.objects.order_by("pk").values_list("pk", flat=True)[:3]
        )

    def test_that_are_empty_ask_nothing(
        self, filtered: Artwork, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            assert list(Artwork.objects.none().similar_to(filtered)[:3]) == []
            assert list(Artwork.objects.similar_to(filtered)[:0]) == []

    def test_of_a_copy_are_found_in_the_same_way(self, filtered: Artwork) -> None:
        rare = copy.deepcopy(Artwork.objects.similar_to(filtered)).filter(artist="rare")[:5]
        with CaptureQueriesContext(connection) as asked:
            assert len(rare) == 5
        assert "hnsw.ef_search" not in asked.captured_queries[-1]["sql"]

    def test_joined_with_or_are_still_found(self, filtered: Artwork) -> None:
        one = Artwork.objects.filter(artist="rare").similar_to(filtered)
        both = one | Artwork.objects.filter(technique="etching").similar_to(filtered)
        assert len(both[:5]) == 5


class TestSeveralExamples:
    def test_find_what_lies_between_them(self) -> None:
        first, second = make_embedded("first", [1, 0, 0]), make_embedded("second", [0, 1, 0])
        make_embedded("like one of them", [1, 0, 0])
        make_embedded("between", [1, 1, 0])
        found = Artwork.objects.similar_to([first, second], style=1)
        assert _titles(found) == ["between", "like one of them"]

    def test_scores_are_those_of_numpy(self) -> None:
        random = np.random.default_rng(2)
        blocks = [(random.normal(size=256), random.random(216)) for _ in range(5)]
        a, b, c, d, _ = [make_embedded(str(i), *block) for i, block in enumerate(blocks)]
        v = [unit_blocks(*block).astype(float) for block in blocks]
        middle = (v[0] + v[1]) / 2 - 0.5 * (v[2] + v[3]) / 2
        (found,) = Artwork.objects.similar_to([a, b], style=0.4, unlike=[c, d])
        for part, score in (
            (slice(0, 256), found.similarity_style),
            (slice(256, None), found.similarity_colour),
        ):
            right = middle[part] @ v[4][part] / np.linalg.norm(middle[part])
            assert score == pytest.approx(right, abs=2e-3)

    def test_with_weights_have_the_scores_of_numpy(self) -> None:
        random = np.random.default_rng(3)
        blocks = [(random.normal(size=256), random.random(216)) for _ in range(6)]
        a, b, c, d, e, _ = [make_embedded(str(i), *block) for i, block in enumerate(blocks)]
        v = np.array([unit_blocks(*block) for block in blocks], float)
        counts = np.array([3, 1, 0.25, 2, 0.5])
        weighed = counts[:, None] * v[:5]
        middle = weighed[:3].mean(axis=0) - 0.5 * weighed[3:].mean(axis=0)
        (found,) = Artwork.objects.similar_to([(a, 3), b, (c, 0.25)], unlike=[(d, 2), (e, 0.5)])
        for part, score in (
            (slice(0, 256), found.similarity_style),
            (slice(256, None), found.similarity_colour),
        ):
            right = middle[part] @ v[5][part] / np.linalg.norm(middle[part])
            assert score == pytest.approx(right, abs=2e-3)

    @pytest.mark.parametrize("times", [1e-300, 1e300])
    def test_only_the_proportions_of_weights_matter(self, times: float) -> None:
        random = np.random.default_rng(4)
        a, b, c, _ = [
            make_embedded(str(i), random.normal(size=256), random.random(216)) for i in range(4)
        ]
        (plain,) = Artwork.objects.similar_to([(a, 2), (b, 1)], unlike=[(c, 3)])
        (found,) = Artwork.objects.similar_to([(a, 2 * times), (b, times)], unlike=[(c, 3 * times)])
        assert found.similarity == plain.similarity

    @pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
    @pytest.mark.parametrize("role", ["examples", "unlike"])
    def test_with_a_weight_that_is_none_are_refused(self, role: str, weight: float) -> None:
        picture = make_embedded("picture")
        asked: Any = {"examples": [picture], "unlike": [], role: [(picture, weight)]}
        with pytest.raises(ValueError, match="number above 0"):
            Artwork.objects.similar_to(**asked)

    @pytest.mark.parametrize("weight", ["2", None])
    def test_with_a_weight_that_is_no_number_are_refused(self, weight: Any) -> None:
        with pytest.raises(TypeError, match=r"\(picture, weight\)"):
            Artwork.objects.similar_to([(make_embedded("picture"), weight)])

    def test_leads_away_from_those_it_should_be_unlike(self) -> None:
        liked, unliked = make_embedded("liked", [1, 0, 0]), make_embedded("unliked", [0, 1, 0])
        make_embedded("a bit of both", [1, 0.5, 0])
        make_embedded("a bit of something else", [1, 0, 0.6])
        with_both = Artwork.objects.similar_to([liked], style=1)
        assert _titles(with_both)[0] == "a bit of both"
        away = Artwork.objects.similar_to([liked], style=1, unlike=unliked)
        assert _titles(away) == ["a bit of something else", "a bit of both"]

    def test_are_no_answer_themselves(self) -> None:
        pictures = [make_embedded(str(number)) for number in range(4)]
        found = Artwork.objects.similar_to(pictures[:2], unlike=pictures[2:3])
        assert list(found) == pictures[3:]

    def test_without_a_vector_do_not_count(self) -> None:
        embedded, new = make_embedded("embedded"), make_artwork("new")
        make_embedded("other")
        assert _titles(Artwork.objects.similar_to([embedded, new])) == ["other"]
        assert not Artwork.objects.similar_to([new, make_artwork("newer")])

    def test_of_two_recipes_are_never_mixed(self) -> None:
        old = "old-256+216-" + "0" * 16
        examples = [
            make_embedded("1"),
            make_embedded("2", embedding_recipe=old),
            make_embedded("3"),
        ]
        make_embedded("old neighbour", embedding_recipe=old)
        make_embedded("neighbour")
        assert _titles(Artwork.objects.similar_to(examples)) == ["neighbour"]

    def test_must_be_at_least_one(self) -> None:
        with pytest.raises(ValueError, match="at least one picture"):
            Artwork.objects.similar_to([])

    def test_uses_the_index(self) -> None:
        fill_library(1500)
        plan = Artwork.objects.similar_to(Artwork.objects.all()[:3])[:8].explain()
        assert "_hnsw" in plan
        weighed = [(artwork, weight) for weight, artwork in enumerate(Artwork.objects.all()[:3], 1)]
        assert "_hnsw" in Artwork.objects.similar_to(weighed)[:8].explain()


class TestStates:
    def test_a_new_picture_is_pending(self) -> None:
        artwork = make_artwork()
        assert list(Artwork.objects.pending()) == [artwork]
        assert not Artwork.objects.ready()
        assert not Artwork.objects.failed()

    def test_a_row_without_a_picture_is_nothing_to_wait_for(self) -> None:
        Artwork.objects.create(title="catalogued, not scanned")
        assert not Artwork.objects.pending()

    def test_a_file_replaced_by_update_is_pending_although_the_row_says_ready(self) -> None:
        artwork = make_embedded("one")
        Artwork.objects.filter(pk=artwork.pk).update(image="another.png")
        assert list(Artwork.objects.pending()) == [artwork]
        assert not Artwork.objects.ready()

    def test_rows_from_bulk_create_are_pending(self) -> None:
        Artwork.objects.bulk_create([Artwork(title="one", image="one.png")])
        assert Artwork.objects.pending().count() == 1

    def test_failed_and_ready_rows_are_told_apart(self) -> None:
        ready, failed = make_embedded("ready"), make_embedded("failed")
        Artwork.objects.filter(pk=failed.pk).update(embedding_status="failed")
        assert list(Artwork.objects.ready()) == [ready]
        assert list(Artwork.objects.failed()) == [failed]

    def test_rows_that_are_served_otherwise_have_a_vector_of_another_recipe(self) -> None:
        make_embedded("now")
        old = make_embedded("then", embedding_recipe="old-256+216-" + "0" * 16)
        make_artwork("none yet")
        assert list(Artwork.objects.served_otherwise(ART.fingerprint)) == [old]
