"""Scans of one print: found by workers, remembered, hidden on demand, and nothing given away."""

from __future__ import annotations

import importlib.util
import io
import itertools
import logging
import random
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import models
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import isolate_apps
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from artsimilarity.duplicates import detection, pairs
from artsimilarity.embedding import pipeline, sweep
from artsimilarity.encoder import copy_descriptor as descriptors
from artsimilarity.encoder.pictures.crop import WHOLE, Area
from artsimilarity.library import Library
from artsimilarity.models import DuplicatePair, SimilarityMixin
from artsimilarity.schema.fields import COPY_DESCRIPTOR_DIMENSIONS
from artsimilarity.search import more_like_these, more_like_this
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.encoder.scans import SCANS, in_frame, painting
from tests.encoder.shared import BENCH, SHARED, needs_bench
from tests.pictures import RED, make_artwork, make_embedded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


def drawing(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((400, 320), Image.Resampling.BICUBIC)


def upload(picture: Image.Image, title: str = "", quality: int = 90, **fields: Any) -> Artwork:
    """A saved artwork, not embedded yet."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    file = ContentFile(buffer.getvalue(), name="scan.jpg")
    return Artwork.objects.create(title=title or "A scan", image=file, **fields)


def embed(*artworks: Artwork) -> pipeline.Result:
    return pipeline.embed(Library.of(Artwork), [artwork.pk for artwork in artworks])


def copies(seed: int) -> list[Image.Image]:
    """What becomes of a print that is scanned again and again."""
    picture = drawing(seed)
    cropped = picture.crop((20, 16, 400, 320))
    return [
        picture,
        picture.resize((120, 96)),
        picture.convert("L"),
        cropped,
        cropped.convert("L").resize((150, 120)),
    ]


def recorded_pairs() -> set[tuple[str, str]]:
    return {(pair.first, pair.second) for pair in pairs.recorded(Library.of(Artwork))}


def pair_of(one: Artwork, other: Artwork, **fields: Any) -> DuplicatePair:
    """A recorded pair of two pictures, as a worker leaves it."""
    first, second = sorted([one, other], key=lambda artwork: str(artwork.pk))
    given = {
        "first_digest": first.embedding_digest,
        "second_digest": second.embedding_digest,
        "score": 0.95,
        **fields,
    }
    return DuplicatePair.objects.create(
        model_label="library.Artwork", first=str(first.pk), second=str(second.pk), **given
    )


def ladder(count: int, **fields: Any) -> list[Artwork]:
    """Embedded pictures, each farther from the first than the one before it."""
    return [
        make_embedded(f"{i}", [1, i / 10], [1, 0], embedding_digest=f"{i:064}", **fields)
        for i in range(count)
    ]


@pytest.fixture
def without_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not look for them."""
    monkeypatch.setattr(Artwork, "similarity_finds_duplicates", False)


@pytest.mark.usefixtures("without_duplicates")
class TestDoingWithout:
    def test_drops_the_index_of_the_descriptors_and_no_other(self) -> None:
        @isolate_apps("demo_site.library")
        def indexed(finds: bool) -> list[list[str]]:
            class Photo(SimilarityMixin, models.Model):  # noqa: DJ008
                similarity_finds_duplicates = finds
                image = models.ImageField()

                class Meta:
                    app_label = "library"

            assert Photo._meta.original_attrs["indexes"] == Photo._meta.indexes
            return [index.fields for index in Photo._meta.indexes]

        assert indexed(True) == [["embedding_status"], ["embedding_copy_descriptor"]]
        assert indexed(False) == [["embedding_status"]]

    def test_embeds_without_describing_or_comparing(self, caplog: pytest.LogCaptureFixture) -> None:
        first, second = upload(drawing(1)), upload(drawing(1), quality=40)
        assert len(embed(first, second).embedded) == 2
        assert Artwork.objects.filter(embedding_copy_descriptor=None).count() == 2
        assert recorded_pairs() == set()

    def test_the_command_names_what_to_take_away(self) -> None:
        with pytest.raises(CommandError, match="similarity_finds_duplicates = False"):
            call_command("find_duplicates")

    def test_the_admin_offers_no_report(self, admin_client: Client, dead_broker: None) -> None:
        page = admin_client.get(reverse("admin:library_artwork_library")).content.decode()
        assert "There are no pictures yet." in page
        assert "Near-duplicates" not in page

    def test_pairs_from_before_go_on_counting(self) -> None:
        target, near, copy = ladder(3)
        pair_of(near, copy)
        assert list(more_like_this(target, hide_duplicates=True)) == [near]

    def test_can_be_undone_by_describing_what_was_embedded_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        embed(upload(drawing(1)), upload(drawing(1), quality=40))
        monkeypatch.setattr(Artwork, "similarity_finds_duplicates", True)
        call_command("find_duplicates", "--describe", stdout=io.StringIO())
        assert len(recorded_pairs()) == 1


class TestDetection:
    def test_a_worker_records_scans_of_one_print_as_it_embeds_them(self) -> None:
        scans = [upload(copy, quality=30 + 10 * i) for i, copy in enumerate(copies(1))]
        others = [upload(drawing(seed)) for seed in range(2, 8)]
        embed(*others, *scans)
        keys = sorted(str(scan.pk) for scan in scans)
        assert recorded_pairs() == set(itertools.combinations(keys, 2))

    def test_finds_them_also_when_they_come_one_by_one(self) -> None:
        first, second = upload(drawing(1)), upload(drawing(1).convert("L"))
        embed(first)
        assert recorded_pairs() == set()
        embed(second)
        assert len(recorded_pairs()) == 1

    def test_says_how_alike_they_are(self) -> None:
        embed(upload(drawing(1)), upload(drawing(1), quality=40))
        assert 0.99 < DuplicatePair.objects.get().score <= 1

    def test_flat_pictures_are_nobodys_duplicates(self) -> None:
        one, other = make_artwork("first", RED), make_artwork("second", RED)
        embed(one, other)
        assert Artwork.objects.filter(embedding_copy_descriptor=None).count() == 2
        assert recorded_pairs() == set()

    def test_is_idempotent(self) -> None:
        scans = [upload(drawing(1)), upload(drawing(1), quality=50)]
        embed(*scans)
        before = DuplicatePair.objects.get().pk
        detection.look_for_duplicates(Library.of(Artwork), [scan.pk for scan in scans])
        assert DuplicatePair.objects.get().pk == before

    def test_the_threshold_is_a_setting(self, settings: Settings) -> None:
        embed(upload(drawing(1)), upload(drawing(1), quality=10))
        assert len(recorded_pairs()) == 1
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "DUPLICATE_SCORE": 1.0}
        assert recorded_pairs() == set()

    def test_its_failure_never_fails_the_embedding(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*args: Any) -> None:
            raise ValueError("no such luck")

        monkeypatch.setattr(descriptors, "similarity", fail)
        first, second = upload(drawing(1)), upload(drawing(1))
        with caplog.at_level(logging.ERROR, "artsimilarity.duplicates.detection"):
            assert len(embed(first, second).embedded) == 2
        assert "find_duplicates" in caplog.text
        assert Artwork.objects.ready().count() == 2

    def test_the_column_is_as_wide_as_the_copy_descriptor(self) -> None:
        assert descriptors.SIZE == COPY_DESCRIPTOR_DIMENSIONS

    def test_ordinary_pages_do_not_load_the_copy_descriptor(self) -> None:
        embed(upload(drawing(1)))
        assert "embedding_copy_descriptor" in Artwork.objects.get().get_deferred_fields()


class TestScansInFrames:
    """Under a recipe that looks for the picture's own area."""

    @pytest.fixture(autouse=True)
    def finds_area(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.AREA"}

    def _give(self, artwork: Artwork, area: Area | None) -> None:
        rows = Library.of(Artwork).rows.filter(pk=artwork.pk)
        rows.update(embedding_area_by_hand=area)
        rows.mark_pending()
        embed(artwork)

    def test_the_framed_and_the_unframed_scan_are_duplicates(self, settings: Settings) -> None:
        scans = [upload(scan(painting(1))[0]) for scan in SCANS.values()]
        embed(upload(painting(1)), *scans, upload(painting(2)))
        assert len(recorded_pairs()) == len(SCANS) * (len(SCANS) + 1) // 2
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "FIND_AREA": False}
        Library.of(Artwork).rows.mark_pending()
        embed(*Artwork.objects.all())
        assert len(recorded_pairs()) < len(SCANS)

    @needs_bench
    @pytest.mark.slow
    def test_reproductions_are_found_in_mat_and_frame_and_no_two_frames_are_alike(self) -> None:
        spec = importlib.util.spec_from_file_location("scans", SHARED / "scans" / "scans.py")
        assert spec
        assert spec.loader
        scans = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(scans)
        wanted = set()
        artworks = []
        for path in sorted(BENCH.rglob("*.jpg"))[::9]:
            with Image.open(path) as picture:
                clean = picture.convert("RGB")
            framed = scans.mat_and_frame(clean, random.Random(path.name))
            both = [upload(clean), upload(framed)]
            artworks += both
            wanted.add(tuple(sorted(str(one.pk) for one in both)))
        embed(*artworks)
        found = recorded_pairs()
        assert len(found & wanted) >= 0.95 * len(wanted) > 30
        assert found <= wanted

    def test_pictures_described_later_are_described_in_the_same_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Artwork, "similarity_finds_duplicates", False)
        embed(upload(painting(1)), upload(in_frame(painting(1))[0]))
        monkeypatch.setattr(Artwork, "similarity_finds_duplicates", True)
        call_command("find_duplicates", "--describe", stdout=io.StringIO())
        assert len(recorded_pairs()) == 1

    def test_are_none_any_more_once_another_area_is_given_by_hand(self) -> None:
        other, framed = upload(painting(1)), upload(in_frame(painting(1))[0])
        embed(other, framed)
        assert len(recorded_pairs()) == 1
        self._give(framed, WHOLE)
        assert DuplicatePair.objects.count() == 0
        self._give(framed, None)
        assert len(recorded_pairs()) == 1

    def test_stay_dismissed_whatever_area_is_looked_at(self) -> None:
        other, framed = upload(painting(1)), upload(in_frame(painting(1))[0])
        embed(other, framed)
        DuplicatePair.objects.update(state="dismissed")
        self._give(framed, WHOLE)
        self._give(framed, None)
        assert DuplicatePair.objects.get().state == "dismissed"

    def test_are_none_where_the_area_is_flat(self) -> None:
        other, framed = upload(painting(1)), upload(in_frame(painting(1))[0])
        embed(other, framed)
        self._give(framed, Area(0, 0, 1, 0.02))
        assert DuplicatePair.objects.count() == 0


class TestWhatHappensToPairs:
    @pytest.fixture
    def scans(self) -> list[Artwork]:
        scans = [upload(drawing(1)), upload(drawing(1), quality=50)]
        embed(*scans)
        assert len(self._counting()) == 1
        return scans

    @staticmethod
    def _counting() -> list[DuplicatePair]:
        keys = [str(pk) for pk in Artwork.objects.values_list("pk", flat=True)]
        return pairs.pairs_among(Library.of(Artwork), keys)

    def _replace(self, artwork: Artwork, picture: Image.Image) -> None:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG")
        artwork.image = ContentFile(buffer.getvalue(), name="other.jpg")
        artwork.save()

    def test_a_replaced_picture_loses_its_pairs_at_once(self, scans: list[Artwork]) -> None:
        self._replace(scans[0], drawing(2))
        assert self._counting() == []
        embed(scans[0])
        assert DuplicatePair.objects.count() == 0

    def test_a_deleted_picture_loses_its_pairs(self, scans: list[Artwork], broker: Broker) -> None:
        Artwork.objects.filter(pk=scans[0].pk).delete()
        assert self._counting() == []
        sweep.sweep(Library.of(Artwork))
        assert DuplicatePair.objects.count() == 0

    def test_the_sweep_leaves_the_others(self, scans: list[Artwork], broker: Broker) -> None:
        sweep.sweep(Library.of(Artwork))
        assert len(self._counting()) == 1

    def test_what_was_dismissed_stays_so_while_both_files_stay_the_same(
        self, scans: list[Artwork]
    ) -> None:
        DuplicatePair.objects.update(state="dismissed")
        Library.of(Artwork).rows.mark_pending()
        embed(*scans)
        call_command("find_duplicates")
        assert DuplicatePair.objects.get().state == "dismissed"
        assert self._counting() == []

    def test_a_new_file_is_judged_anew(self, scans: list[Artwork]) -> None:
        DuplicatePair.objects.update(state="dismissed")
        self._replace(scans[0], drawing(1).convert("L"))
        embed(scans[0])
        assert len(self._counting()) == 1


class TestCommand:
    def test_looks_through_the_whole_library(self, capsys: pytest.CaptureFixture[str]) -> None:
        embed(*(upload(copy) for copy in copies(1)))
        DuplicatePair.objects.all().delete()
        call_command("find_duplicates")
        assert len(recorded_pairs()) == 10
        assert "10 pairs" in capsys.readouterr().out

    def test_describes_pictures_that_were_embedded_without_a_descriptor(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        embed(upload(drawing(1)), upload(drawing(1), quality=50), make_artwork("flat"))
        DuplicatePair.objects.all().delete()
        Artwork.objects.update(embedding_copy_descriptor=None)
        call_command("find_duplicates")
        assert recorded_pairs() == set()
        assert "3 embedded pictures have no copy descriptor" in capsys.readouterr().out
        call_command("find_duplicates", describe=True)
        assert len(recorded_pairs()) == 1
        assert "1 embedded pictures have no copy descriptor" in capsys.readouterr().out

    def test_does_not_describe_a_file_that_is_not_the_embedded_one(self) -> None:
        artwork = upload(drawing(1))
        embed(artwork)
        Artwork.objects.update(embedding_copy_descriptor=None, embedding_digest="0" * 64)
        call_command("find_duplicates", describe=True)
        assert Artwork.objects.filter(embedding_copy_descriptor=None).exists()

    def test_goes_on_where_it_was_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(detection, "_SLICE", 1)
        scans = [upload(drawing(1 + i // 2), quality=50 + i) for i in range(4)]
        embed(*scans)
        DuplicatePair.objects.all().delete()
        look, calls = detection.look_for_duplicates, iter([True, True, False])

        def interrupted(*args: Any, **options: Any) -> int:
            if not next(calls):
                raise KeyboardInterrupt
            return look(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(detection, "look_for_duplicates", interrupted)
            with pytest.raises(CommandError, match=f"--after {scans[1].pk}"):
                call_command("find_duplicates")
        assert len(recorded_pairs()) == 1
        call_command("find_duplicates", after=str(scans[1].pk))
        assert len(recorded_pairs()) == 2

    def test_refuses_what_is_no_key(self) -> None:
        with pytest.raises(CommandError, match="no primary key"):
            call_command("find_duplicates", after="mona-lisa")


_KEYS = st.lists(st.sampled_from("abcdefgh"), unique=True)
_PAIRS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")))
_REAL_PAIRS = _PAIRS.map(lambda found: [pair for pair in found if pair[0] != pair[1]])


class TestKeepNearest:
    @given(_KEYS, _REAL_PAIRS)
    def test_no_two_that_are_kept_are_paired(
        self, keys: list[str], found: list[tuple[str, str]]
    ) -> None:
        kept = set(pairs.keep_nearest(keys, found))
        assert not [pair for pair in found if set(pair) <= kept]

    @given(_KEYS, _REAL_PAIRS)
    def test_keeps_the_order_and_whatever_has_no_nearer_partner(
        self, keys: list[str], found: list[tuple[str, str]]
    ) -> None:
        either_way = {*found, *((second, first) for first, second in found)}
        expected = [
            key
            for place, key in enumerate(keys)
            if not any((key, nearer) in either_way for nearer in keys[:place])
        ]
        assert pairs.keep_nearest(keys, found) == expected

    @given(_KEYS, _REAL_PAIRS, st.integers(0, 8))
    def test_a_longer_list_begins_as_a_shorter_one(
        self, keys: list[str], found: list[tuple[str, str]], count: int
    ) -> None:
        shorter = pairs.keep_nearest(keys[:count], found)
        assert pairs.keep_nearest(keys, found)[: len(shorter)] == shorter

    @given(_KEYS, _REAL_PAIRS, st.sets(st.sampled_from("abcdefgh")))
    def test_what_is_hidden_changes_nothing(
        self, keys: list[str], found: list[tuple[str, str]], hidden: set[str]
    ) -> None:
        visible = [key for key in keys if key not in hidden]
        among_visible = [pair for pair in found if not set(pair) & hidden]
        assert pairs.keep_nearest(visible, found) == pairs.keep_nearest(visible, among_visible)


class TestSearch:
    def _titles(self, target: Artwork, **options: Any) -> list[str]:
        return [one.title for one in more_like_this(target, hide_duplicates=True, **options)]

    def test_shows_only_the_nearest_of_a_group(self) -> None:
        target, *others = ladder(6)
        pair_of(others[0], others[2])
        pair_of(others[2], others[3])
        assert self._titles(target) == ["1", "2", "5"]

    def test_leaves_out_duplicates_of_the_picture_itself(self) -> None:
        target, *others = ladder(4)
        pair_of(target, others[0])
        assert self._titles(target) == ["2", "3"]

    def test_leaves_out_duplicates_of_each_of_several_examples(self) -> None:
        first, second, *others = ladder(6)
        pair_of(first, others[0])
        pair_of(second, others[1])
        pair_of(others[2], others[3])
        found = more_like_these([first, second], hide_duplicates=True)
        assert {one.title for one in found} <= {"4", "5"}
        assert len(found) == 1
        assert len(more_like_these([first, second])) == 4

    def test_duplicates_of_a_hidden_example_are_not_left_out(self) -> None:
        first, second, *others = ladder(4)
        pair_of(second, others[0])
        Artwork.objects.filter(pk=second.pk).update(published=False)
        found = more_like_these([first, second], hide_duplicates=True)
        assert {one.title for one in found} == {"2", "3"}

    def test_the_page_is_full_all_the_same(self) -> None:
        target, *others = ladder(30)
        for one, other in itertools.combinations(others[:20], 2):
            pair_of(one, other)
        assert self._titles(target, limit=6) == ["1", "21", "22", "23", "24", "25"]
        assert len(self._titles(target, limit=20)) == 10

    def test_dismissed_pairs_and_those_of_old_files_hide_nothing(self) -> None:
        target, *others = ladder(4)
        pair_of(others[0], others[1], state="dismissed")
        pair_of(others[1], others[2], second_digest="f" * 64)
        assert self._titles(target) == ["1", "2", "3"]

    def test_nothing_is_hidden_unless_asked_for(self) -> None:
        target, *others = ladder(3)
        pair_of(*others)
        assert len(more_like_this(target)) == 2

    def test_the_setting_decides_where_nobody_does(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "HIDE_DUPLICATES": True}
        target, *others = ladder(3)
        pair_of(*others)
        assert len(more_like_this(target)) == 1
        assert len(more_like_this(target, hide_duplicates=False)) == 2

    def test_costs_two_queries_where_there_are_no_pairs(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        target, *_ = ladder(40)
        Artwork.objects.update(published=True)
        more_like_this(target, limit=3)  # what the planner says is remembered from now on
        with django_assert_num_queries(20, exact=False) as plain:
            more_like_this(target, limit=3)
        with django_assert_num_queries(len(plain) + 2):
            more_like_this(target, limit=3, hide_duplicates=True)

    def test_pages_follow_each_other_without_repeating_or_losing_any(self) -> None:
        target, *others = ladder(16)
        pair_of(others[0], others[1])
        pair_of(others[2], others[9])  # the nearer one is on the first page, the other on a later
        pair_of(others[10], others[11])
        expected = [str(i) for i in range(1, 16) if i not in (2, 10, 12)]
        shown: list[str] = []
        after = None
        while after is None or after:
            page = more_like_this(target, limit=4, hide_duplicates=True, after=after)
            shown += [one.title for one in page]
            after = page.next_page
        assert shown == expected

    def test_a_varied_list_holds_one_of_a_group_too(self) -> None:
        target, *others = ladder(8)
        for one, other in itertools.combinations(others[:4], 2):
            pair_of(one, other)
        assert sorted(self._titles(target, diversify=0.5)) == ["1", "5", "6", "7"]

    def test_what_is_remembered_hides_nothing_that_was_dismissed_since(
        self, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 60}
        target, *others = ladder(4)
        pair_of(others[0], others[1])
        assert self._titles(target) == ["1", "3"]
        DuplicatePair.objects.update(state="dismissed")
        assert self._titles(target) == ["1", "2", "3"]

    def test_the_tag_takes_it(self) -> None:
        target, *others = ladder(3)
        pair_of(*others)
        request = RequestFactory().get("/")
        source = (
            "{% load artsimilarity %}"
            "{% get_more_like_this picture hide_duplicates=True as found %}{{ found|length }}"
            "{% more_like_this picture hide_duplicates=True %}"
        )
        page = Template(source).render(Context({"picture": target, "request": request}))
        assert page.startswith("1")
        assert page.count("artsimilarity-item") == 1

    @pytest.mark.parametrize(("query", "count"), [("true", 1), ("false", 2), (None, 2)])
    def test_the_api_takes_it(self, client: Client, query: str | None, count: int) -> None:
        target, *others = ladder(3)
        pair_of(*others)
        url = f"/api/artworks/{target.pk}/similar/"
        found = client.get(url, {} if query is None else {"hide_duplicates": query}).json()
        assert len(found["results"]) == count

    def test_the_api_leaves_it_to_the_setting(self, client: Client, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "HIDE_DUPLICATES": True}
        target, *others = ladder(3)
        pair_of(*others)
        url = f"/api/artworks/{target.pk}/similar/"
        assert len(client.get(url).json()["results"]) == 1

    def test_the_api_refuses_what_is_neither(self, client: Client) -> None:
        url = f"/api/artworks/{ladder(1)[0].pk}/similar/"
        assert client.get(url, {"hide_duplicates": "perhaps"}).status_code == 400


class TestPrivacy:
    @pytest.mark.parametrize("seed", range(12))
    def test_a_page_is_as_if_hidden_pictures_did_not_exist(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        target, *others = ladder(14)
        for one, other in itertools.combinations([target, *others], 2):
            if random.random() < 0.15:
                pair_of(one, other)
        hidden = [artwork.pk for artwork in [target, *others] if random.random() < 0.4]
        Artwork.objects.filter(pk__in=hidden).update(published=False)
        with_them = [one.pk for one in more_like_this(target, limit=5, hide_duplicates=True)]
        Artwork.objects.filter(pk__in=hidden).exclude(pk=target.pk).delete()
        if target.pk in hidden:  # as if it were nobody's duplicate
            DuplicatePair.objects.filter(first=str(target.pk)).delete()
            DuplicatePair.objects.filter(second=str(target.pk)).delete()
        without = [one.pk for one in more_like_this(target, limit=5, hide_duplicates=True)]
        assert with_them == without

    def test_a_hidden_picture_between_two_does_not_join_them(self) -> None:
        target, *others = ladder(4)
        pair_of(others[0], others[1])
        pair_of(others[0], others[2])
        Artwork.objects.filter(pk=others[0].pk).update(published=False)
        found = more_like_this(target, hide_duplicates=True)
        assert [one.title for one in found] == ["2", "3"]
