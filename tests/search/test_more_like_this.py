"""more_like_this(): limits, visibility, the exact second query, and why a list is empty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import BigIntegerField, Count
from django.db.models.functions import Cast, Length
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from artsimilarity.library import Library
from artsimilarity.search import more_like_these, more_like_this, nearest
from artsimilarity.search import plan as plans
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.plan import SearchPlan, plan_search
from artsimilarity.search.query_vector import stored_vector
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_artwork, make_embedded

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that hides nothing."""
    monkeypatch.delattr(Artwork, "similarity_queryset")


def _titles(neighbours: Any) -> list[str]:
    return [artwork.title for artwork in neighbours]


def test_returns_the_nearest_up_to_the_limit_with_one_query(
    django_assert_num_queries: Any,
    everything: Any,
) -> None:
    target = make_embedded("target", [1, 0])
    make_embedded("near", [1, 0.1])
    make_embedded("far", [0, 1])
    with django_assert_num_queries(1):
        neighbours = more_like_this(target, limit=1)
    assert _titles(neighbours) == ["near"]
    assert neighbours.status == "ready"


def test_asks_at_most_thrice_where_the_library_is_small(
    django_assert_max_num_queries: Any, everything: Any
) -> None:
    target = make_embedded("target")
    make_embedded("only one")
    with django_assert_max_num_queries(3):
        assert len(more_like_this(target, limit=8)) == 1
    alone = make_embedded("alone", embedding_recipe="other-256+216-" + "1" * 16)
    with django_assert_max_num_queries(3):
        assert len(more_like_this(alone)) == 0


class TestFilters:
    """How a search is made follows what the filters keep."""

    @pytest.fixture
    def library(self) -> Artwork:
        """Two thousand pictures, of which 1, 10 and 50 % are of a kind."""
        fill_library(
            2000,
            lambda number: {
                "artist": "rare" if number % 100 == 0 else "tenth" if number % 10 == 1 else "",
                "technique": "etching" if number % 2 else "woodcut",
            },
        )
        picture = Artwork.objects.order_by("pk").last()
        assert picture is not None
        return picture

    def test_that_keep_few_rows_are_searched_exactly(self, library: Artwork) -> None:
        rare = Artwork.objects.filter(artist="rare")
        assert plan_search(rare, 0.75).exact

    def test_that_keep_many_ask_the_index_for_more_candidates(
        self, library: Artwork, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": 100}
        half = plan_search(Artwork.objects.filter(technique="etching"), 0.75)
        tenth = plan_search(Artwork.objects.filter(artist="tenth"), 0.75)
        assert not half.exact
        assert not tenth.exact
        assert half.candidates == pytest.approx(100 * 2**0.5, rel=0.1)
        assert tenth.candidates == pytest.approx(100 * 10**0.5, rel=0.2)

    @pytest.mark.parametrize(
        ("candidates", "share_of_rows", "exact"), [(100, 3, False), (400, 3, True), (400, 5, False)]
    )
    def test_are_searched_exactly_up_to_four_times_as_many_where_the_index_would_fall_short(
        self,
        library: Artwork,
        settings: Settings,
        candidates: int,
        share_of_rows: int,
        exact: bool,
    ) -> None:
        tenth = Artwork.objects.filter(artist="tenth")
        rows = tenth.count()
        limits = {"EF_SEARCH": candidates, "EXACT_ROWS": rows // share_of_rows}
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **limits}
        # A tenth is kept: 400 candidates times the root of ten are more than pgvector takes.
        assert plan_search(tenth, 0.75).exact is exact

    def test_are_not_asked_about_where_there_are_none(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            plan = plan_search(Artwork.objects.all(), 0.75)
        assert (plan.exact, plan.candidates) == (False, 100)

    def test_are_asked_about_once(self, library: Artwork, django_assert_num_queries: Any) -> None:
        tenth = Artwork.objects.filter(artist="tenth")
        plan = plan_search(tenth, 0.75)
        with django_assert_num_queries(0):
            assert plan_search(tenth, 0.75) == plan

    def test_are_asked_about_again_once_the_table_was_analysed(
        self, library: Artwork, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": 1000}
        tenth = Artwork.objects.filter(artist="tenth")
        before = plan_search(tenth, 0.75)
        library.delete()
        Artwork.objects.update(artist="tenth")
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Artwork._meta.db_table}")
        plans._totals.cache_clear()  # as after a few seconds
        assert before.exact
        assert not plan_search(tenth, 0.75).exact

    @pytest.mark.parametrize("exact_rows", [0, 3000])
    def test_leave_the_right_answer_whatever_way_it_is_found(
        self, library: Artwork, settings: Settings, exact_rows: int
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": exact_rows}
        kept = Artwork.objects.filter(artist="tenth")
        vectors = {a.pk: a.embedding for a in kept.defer(None).exclude(pk=library.pk)}
        target = np.array(Artwork.objects.defer(None).get(pk=library.pk).embedding)
        for style in (0, 0.25, 0.5, 0.75, 1):
            found = more_like_this(library, limit=12, style=style, queryset=kept)
            weights = np.r_[np.full(256, style), np.full(216, 1 - style)]
            scores = {pk: float((target * weights) @ np.array(v)) for pk, v in vectors.items()}
            right = sorted(scores, key=lambda pk: -scores[pk])[:12]
            assert len({picture.pk for picture in found} & set(right)) >= 11
            for picture in found:
                assert picture.similarity == pytest.approx(scores[picture.pk], abs=2e-3)

    @pytest.mark.parametrize("keeps", [1, 2, 11, 12])
    def test_never_leave_a_page_short_of_what_there_is(self, library: Artwork, keeps: int) -> None:
        pks = list(Artwork.objects.order_by("pk").values_list("pk", flat=True)[:keeps])
        found = more_like_this(library, limit=12, queryset=Artwork.objects.filter(pk__in=pks))
        assert {picture.pk for picture in found} == set(pks)

    def test_may_join_without_showing_a_picture_twice(self, library: Artwork) -> None:
        user = User.objects.create_user("editor")
        content_type = ContentType.objects.get_for_model(Artwork)
        chosen = list(Artwork.objects.order_by("pk")[:3])
        for number in range(2):
            for picture in chosen:
                LogEntry.objects.create(
                    user=user,
                    content_type=content_type,
                    object_id=str(picture.pk),
                    object_repr="",
                    action_flag=number + 1,
                )
        edited = LogEntry.objects.annotate(pk_=Cast("object_id", BigIntegerField())).values("pk_")
        found = more_like_this(library, queryset=Artwork.objects.filter(pk__in=edited))
        assert sorted(p.pk for p in found) == sorted(p.pk for p in chosen)

    def test_may_be_distinct_or_grouped_and_keep_the_hosts_annotations(
        self, library: Artwork
    ) -> None:
        rows = Artwork.objects.filter(artist="rare").annotate(letters=Length("title"))
        for queryset in (rows.distinct(), rows.annotate(count=Count("pk"))):
            found = more_like_this(library, limit=5, queryset=queryset)
            assert _titles(found) == _titles(more_like_this(library, limit=5, queryset=rows))
            assert [p.letters for p in found] == [len(p.title) for p in found]
            assert all(picture.similarity_style <= 1.001 for picture in found)


def test_a_page_that_the_index_left_short_is_filled_by_an_exact_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = make_embedded("target")
    make_embedded("one")
    make_embedded("two")
    order = nearest.order_by_similarity

    def short(*args: Any, exact: bool = False, **kwargs: Any) -> Any:
        rows = order(*args, exact=exact, **kwargs)
        return rows if exact else rows.none()

    monkeypatch.setattr(nearest, "order_by_similarity", short)
    monkeypatch.setattr(nearest, "plan_search", lambda *_: SearchPlan(exact=False, candidates=1))
    assert len(more_like_this(target, limit=2)) == 2


def test_the_index_is_asked_for_as_many_candidates_as_the_page_is_long(
    everything: None, settings: Settings
) -> None:
    fill_library(60)
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "EF_SEARCH": 5,
        "ITERATIVE_SCAN": "off",
        "LIMIT": 20,
    }
    picture = Artwork.objects.order_by("pk")[0]
    with connection.cursor() as cursor:  # the only way is the index
        for setting in ("enable_seqscan", "enable_sort"):
            cursor.execute(f"SET LOCAL {setting} = off")
    with CaptureQueriesContext(connection) as queries:
        assert len(more_like_this(picture)) == 20
    assert len(queries) == 1  # no exact scan had to fill the page


@pytest.mark.parametrize("exact_rows", [0, 3000])
def test_equal_pictures_come_in_the_order_of_their_keys_wherever_their_rows_lie(
    settings: Settings, exact_rows: int
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": exact_rows}
    target = make_embedded("target", [1, 0])
    equals = [make_embedded(f"equal {number}", [1, 1]) for number in range(4)]
    Artwork.objects.filter(pk=equals[0].pk).update(artist="rewritten behind the others")
    assert _titles(more_like_this(target, limit=4)) == [artwork.title for artwork in equals]


def test_what_the_index_takes_for_equal_is_told_apart_by_the_vectors_themselves(
    everything: None,
) -> None:
    # Its halves are rounded once more, so near pictures change places in it.
    random = np.random.default_rng(3)
    style, colour = random.normal(size=256), random.random(216)
    targets = [
        make_embedded(
            str(number),
            style + 0.1 * random.normal(size=256),
            colour + 0.05 * random.normal(size=216),
        )
        for number in range(40)
    ]
    for target in targets:
        exact = order_by_similarity(
            Artwork.objects.all(), stored_vector(Library.of(Artwork), target), exact=True
        )
        assert _titles(more_like_this(target, limit=5)) == [one.title for one in exact[:5]]


def test_an_exact_search_pages_through_equal_pictures_in_that_order() -> None:
    target = make_embedded("target", [1, 0])
    equals = [make_embedded(f"equal {number}", [1, 1]) for number in range(4)]
    Artwork.objects.filter(pk=equals[0].pk).update(artist="rewritten behind the others")
    titles = _titles(more_like_this(target, limit=4))
    assert titles == [artwork.title for artwork in equals]
    page = more_like_this(target, limit=3)
    assert _titles(page) == titles[:3]
    assert _titles(more_like_this(target, limit=3, after=page.next_page)) == titles[3:]


def test_similarity_queryset_hides_rows() -> None:
    target = make_embedded("target")
    make_embedded("hidden", published=False)
    make_embedded("shown")
    assert _titles(more_like_this(target)) == ["shown"]


def test_a_queryset_narrows_but_never_widens_what_is_visible() -> None:
    target = make_embedded("target")
    make_embedded("hidden", published=False, artist="A")
    make_embedded("shown", artist="A")
    make_embedded("another artist", artist="B")
    by_artist = Artwork.objects.filter(artist="A")
    assert _titles(more_like_this(target, queryset=by_artist)) == ["shown"]


def test_similarity_queryset_is_handed_the_request(
    monkeypatch: pytest.MonkeyPatch, rf: Any
) -> None:
    seen: list[Any] = []

    def visible(cls: type[Artwork], request: Any = None) -> Any:
        seen.append(request)
        return cls.objects.all()

    monkeypatch.setattr(Artwork, "similarity_queryset", classmethod(visible))
    request = rf.get("/")
    more_like_this(make_embedded("target"), request=request)
    assert seen == [request]


@pytest.mark.parametrize("limit", [0, -1, 49])
def test_refuses_a_limit_out_of_range(limit: int) -> None:
    with pytest.raises(ValueError, match="MAX_LIMIT"):
        more_like_this(make_embedded("target"), limit=limit)


class TestWhyThereIsNothing:
    def test_the_picture_is_not_embedded_yet(self) -> None:
        make_embedded("other")
        neighbours = more_like_this(make_artwork())
        assert (len(neighbours), neighbours.status) == (0, "pending")
        assert "in a little while" in neighbours.message

    def test_the_picture_failed_and_the_visitor_is_not_told_the_details(self) -> None:
        artwork = make_artwork()
        Artwork.objects.update(embedding_status="failed", embedding_error="/srv/secret: broken")
        artwork.refresh_from_db()
        neighbours = more_like_this(artwork)
        assert (len(neighbours), neighbours.status) == (0, "failed")
        assert "secret" not in neighbours.message

    def test_there_is_no_picture(self) -> None:
        artwork = Artwork.objects.create(title="catalogued, not scanned")
        assert more_like_this(artwork).status == "no-picture"

    def test_the_instance_is_not_saved(self) -> None:
        assert more_like_this(Artwork(title="new")).status == "no-picture"

    def test_nothing_else_is_in_the_library(self) -> None:
        assert more_like_this(make_embedded("alone")).status == "ready"


class TestSeveralExamples:
    """more_like_these(): the middle of some pictures, away from others."""

    @pytest.fixture
    def corners(self) -> list[Artwork]:
        """Two examples, and what lies beside the first, between them, and beside the second."""
        make_embedded("left", [1, 0.1])
        make_embedded("between", [1, 1])
        make_embedded("right", [0.1, 1])
        return [make_embedded("first", [1, 0]), make_embedded("second", [0, 1])]

    def test_find_what_lies_between_them_and_not_themselves(self, corners: list[Artwork]) -> None:
        found = more_like_these(corners, style=1)
        assert _titles(found)[0] == "between"
        assert sorted(_titles(found)) == ["between", "left", "right"]
        assert found.status == "ready"

    def test_to_move_away_from_push_the_other_way(self, corners: list[Artwork]) -> None:
        between = Artwork.objects.get(title="between")
        first, second = corners
        assert _titles(more_like_these([between], [first], style=1))[0] == "right"
        assert _titles(more_like_these([between], [second], style=1))[0] == "left"

    def test_of_one_are_that_pictures_neighbours(self, corners: list[Artwork]) -> None:
        alone = more_like_this(corners[0], style=1)
        assert _titles(more_like_these(corners[:1], style=1)) == _titles(alone)

    def test_named_twice_count_once(self, corners: list[Artwork]) -> None:
        first, second = corners
        found = more_like_these([first, first, first, second], style=1)
        assert _titles(found)[0] == "between"

    def test_that_count_more_are_nearer_to_what_is_found(self, corners: list[Artwork]) -> None:
        first, second = corners
        assert _titles(more_like_these([(first, 9), second], style=1))[0] == "left"
        assert _titles(more_like_these([first, (second, 9)], style=1))[0] == "right"
        assert _titles(more_like_these([(first, 9), (second, 9)], style=1))[0] == "between"

    def test_that_count_little_push_away_less(self, corners: list[Artwork]) -> None:
        first, second = corners

        def score(weight: float) -> float:
            found = more_like_these([first], [(second, weight)], style=1)
            return next(one.similarity for one in found if one.title == "between")

        assert score(2) < score(1) < score(0.1) < more_like_these([first], style=1)[1].similarity

    def test_named_twice_count_by_the_last_weight(self, corners: list[Artwork]) -> None:
        first, second = corners
        found = more_like_these([(first, 9), (first, 1), second], style=1)
        assert _titles(found)[0] == "between"

    def test_with_other_weights_are_never_answered_by_what_is_remembered(
        self, corners: list[Artwork], settings: Any
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 60}
        for weights, nearest_one in (((9, 1), "left"), ((1, 9), "right"), ((1, 1), "between")):
            examples = list(zip(corners, weights, strict=True))
            assert _titles(more_like_these(examples, style=1))[0] == nearest_one

    @pytest.mark.parametrize("role", ["liked", "unlike"])
    def test_that_are_hidden_do_not_count(self, corners: list[Artwork], role: str) -> None:
        hidden = make_embedded("hidden", [0, 1], published=False)
        liked, unlike = [corners[0]], []
        (liked if role == "liked" else unlike).append(hidden)
        found, plain = (
            more_like_these(liked, unlike, style=1),
            more_like_these(corners[:1], style=1),
        )
        assert [(p.title, p.similarity) for p in found] == [(p.title, p.similarity) for p in plain]

    def test_all_hidden_answer_as_none_at_all(self, corners: list[Artwork]) -> None:
        hidden = make_embedded("hidden", [1, 0], published=False)
        assert more_like_these([hidden], corners) == more_like_these([])

    def test_that_nobody_but_some_may_see_are_asked_of_the_visitor(
        self, corners: list[Artwork], rf: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def visible(cls: type[Artwork], request: Any = None) -> Any:
            everything = cls.objects.all()
            return everything if request.GET else everything.exclude(title="second")

        monkeypatch.setattr(Artwork, "similarity_queryset", classmethod(visible))
        guest = more_like_these(corners, style=1, request=rf.get("/"))
        member = more_like_these(corners, style=1, request=rf.get("/?member"))
        assert (_titles(guest)[0], _titles(member)[0]) == ("left", "between")

    def test_need_not_be_among_the_rows_to_choose_from(self, corners: list[Artwork]) -> None:
        rows = Artwork.objects.filter(title="right")
        assert _titles(more_like_these(corners, queryset=rows)) == ["right"]

    def test_that_wait_for_a_worker_do_not_count_and_say_so_if_alone(
        self, corners: list[Artwork]
    ) -> None:
        waiting = make_artwork()
        assert more_like_these([waiting]).status == "pending"
        assert more_like_these([waiting, waiting], corners).status == "pending"
        found = more_like_these([waiting, *corners], style=1)
        assert (_titles(found)[0], found.status) == ("between", "ready")

    def test_of_several_models_are_refused(self, corners: list[Artwork]) -> None:
        user = User.objects.create_user("editor")
        user.pk = corners[0].pk
        with pytest.raises(TypeError, match="User"):
            more_like_these([corners[1], user])  # type: ignore[list-item]

    def test_give_pages_that_follow_each_other(self, corners: list[Artwork]) -> None:
        page = more_like_these(corners, limit=2, style=1)
        rest = more_like_these(corners, limit=2, style=1, after=page.next_page)
        assert len({*_titles(page), *_titles(rest)}) == 3
        assert rest.next_page == ""

    def test_can_be_asked_for_variety(self, corners: list[Artwork]) -> None:
        make_embedded("between again", [1, 1])
        plain = more_like_these(corners, limit=2, style=1)
        varied = more_like_these(corners, limit=2, style=1, diversify=0.9)
        assert set(_titles(plain)) == {"between", "between again"}
        assert len({*_titles(varied)} & {"left", "right"}) == 1
