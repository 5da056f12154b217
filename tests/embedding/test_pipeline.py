"""What becomes of a row: embedded, failed, tried again, or left to somebody else."""

from __future__ import annotations

import hashlib
import io
import threading
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.embedding import pipeline, receivers
from artsimilarity.encoder.pictures.limits import DecoderCrashed
from artsimilarity.encoder.pictures.processes import DecodingProcesses
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests import fakes
from tests.encoder.hostile import with_scans
from tests.pictures import (
    BLACK,
    BLUE,
    RED,
    make_artwork,
    make_embedded,
    picture_bytes,
    picture_file,
)
from tests.storages import ObjectStorage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


def _use(settings: Settings, **values: Any) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **values}


def _embed(*artworks: Artwork) -> pipeline.Result:
    return pipeline.embed(Library.of(Artwork), [artwork.pk for artwork in artworks])


def _stored(artwork: Artwork) -> Artwork:
    return Artwork.objects.defer(None).get(pk=artwork.pk)


class TestSuccess:
    def test_stores_the_vector_and_where_it_came_from(self) -> None:
        artwork = make_artwork(colour=RED)
        result = _embed(artwork)
        assert result.embedded == [str(artwork.pk)]
        stored = _stored(artwork)
        (vector,) = fakes.QuickEncoder(get_settings().recipe).encode(
            [read_square(picture_bytes(RED))]
        )
        np.testing.assert_allclose(stored.embedding, vector, atol=1e-3)
        assert stored.embedding_status == "ready"
        assert stored.embedding_recipe == get_settings().recipe.fingerprint
        assert stored.embedding_digest == hashlib.sha256(picture_bytes(RED)).hexdigest()
        assert stored.embedding_image == stored.image.name
        assert stored.embedded_at is not None
        assert stored.embedding_claimed_at is None
        assert stored.embedding_attempts == 0

    def test_embeds_more_pictures_than_go_through_the_network_at_once(self) -> None:
        artworks = [make_artwork(f"{i}") for i in range(11)]
        progress: list[int] = []
        pipeline.embed(Library.of(Artwork), [a.pk for a in artworks], on_progress=progress.append)
        assert Artwork.objects.ready().count() == 11
        assert sum(progress) == 11

    def test_is_idempotent(self) -> None:
        artwork = make_artwork()
        _embed(artwork)
        before = _stored(artwork).embedded_at
        assert _embed(artwork).skipped == 1
        assert _stored(artwork).embedded_at == before

    def test_a_row_that_is_gone_is_skipped(self) -> None:
        result = pipeline.embed(Library.of(Artwork), ["123456"])
        assert (result.skipped, result.retry) == (1, [])

    def test_a_storage_without_local_paths_will_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Artwork._meta.get_field("image"), "storage", ObjectStorage())
        artwork = make_artwork()
        with pytest.raises(NotImplementedError):
            assert artwork.image.path
        assert _embed(artwork).embedded == [str(artwork.pk)]

    def test_a_file_replaced_by_update_is_embedded_anew(self) -> None:
        artwork = make_artwork(colour=RED)
        _embed(artwork)
        other = make_artwork(colour=BLUE)
        Artwork.objects.filter(pk=artwork.pk).update(image=other.image.name)
        _embed(artwork)
        assert _stored(artwork).embedding_digest == hashlib.sha256(picture_bytes(BLUE)).hexdigest()


class TestFailure:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"This is no picture.", "not a picture"),
            (picture_bytes(side=1), "1 x 1"),
            (picture_bytes(side=200)[:60], "damaged"),
        ],
    )
    def test_a_bad_file_fails_at_once_with_words_for_an_administrator(
        self, content: bytes, words: str
    ) -> None:
        artwork = Artwork.objects.create(title="bad", image=ContentFile(content, name="bad.jpg"))
        assert _embed(artwork).failed == [str(artwork.pk)]
        stored = _stored(artwork)
        assert stored.embedding_status == "failed"
        assert words in stored.embedding_reason
        assert list(Artwork.objects.failed()) == [artwork]

    def test_a_bad_file_does_not_touch_the_others_of_its_chunk(self) -> None:
        bad = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
        good = make_artwork()
        result = _embed(bad, good)
        assert (result.failed, result.embedded) == ([str(bad.pk)], [str(good.pk)])

    def test_the_limits_of_the_settings_hold(self, settings: Settings) -> None:
        _use(settings, MAX_BYTES=50)
        artwork = make_artwork()
        _embed(artwork)
        assert "MAX_BYTES" in _stored(artwork).embedding_reason
        _use(settings, MAX_BYTES=5000, MAX_PIXELS=1000)
        Library.of(Artwork).rows.mark_pending()
        _embed(artwork)
        assert "MAX_PIXELS" in _stored(artwork).embedding_reason

    def test_a_failed_picture_is_not_tried_again_unasked(self) -> None:
        artwork = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
        _embed(artwork)
        assert _embed(artwork).skipped == 1

    def test_a_failure_of_a_new_file_leaves_no_old_vector(self) -> None:
        artwork = make_artwork()
        _embed(artwork)
        artwork.image = ContentFile(b"?", name="bad.jpg")
        artwork.save()
        _embed(artwork)
        assert _stored(artwork).embedding is None


class TestThreads:
    """Several pictures of a claim are decoded at once; all else stays as it was."""

    @pytest.fixture(autouse=True)
    def _several(self, settings: Settings) -> None:
        _use(settings, THREADS=3)

    def test_each_picture_gets_its_own_vector(self) -> None:
        artworks = [make_artwork(colour=colour) for colour in (RED, BLUE, BLACK) * 4]
        assert len(_embed(*artworks).embedded) == 12
        expected = fakes.QuickEncoder(get_settings().recipe).encode(
            [read_square(picture_bytes(colour)) for colour in (RED, BLUE, BLACK)]
        )
        for artwork, vector in zip(artworks, [*expected] * 4, strict=True):
            np.testing.assert_allclose(_stored(artwork).embedding, vector, atol=1e-3)

    def test_a_bad_file_fails_alone(self) -> None:
        bad = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
        good = [make_artwork() for _ in range(5)]
        result = _embed(good[0], bad, *good[1:])
        assert result.failed == [str(bad.pk)]
        assert len(result.embedded) == 5
        assert "not a picture" in _stored(bad).embedding_reason

    def test_storages_are_read_in_the_thread_that_has_the_database_connection(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        readers = set()
        fetch_file = pipeline.fetch_file

        def noting(*args: Any) -> bytes:
            readers.add(threading.get_ident())
            return fetch_file(*args)

        monkeypatch.setattr(pipeline, "fetch_file", noting)
        assert len(_embed(*[make_artwork() for _ in range(4)]).embedded) == 4
        assert readers == {threading.get_ident()}


class TestWhatMayPass:
    def test_a_missing_file_is_tried_again_until_the_attempts_are_used_up(self) -> None:
        artwork = Artwork.objects.create(title="lost", image="lost.png")
        for _ in range(2):
            assert _embed(artwork).retry == [str(artwork.pk)]
            assert _stored(artwork).embedding_status == "pending"
        assert _embed(artwork).failed == [str(artwork.pk)]
        assert "missing from the storage" in _stored(artwork).embedding_reason

    def test_a_storage_that_comes_back_is_forgiven(self, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = ObjectStorage()
        monkeypatch.setattr(Artwork._meta.get_field("image"), "storage", storage)
        artwork = make_artwork()
        storage.down = True
        assert _embed(artwork).retry == [str(artwork.pk)]
        assert "503 Slow Down" in _stored(artwork).embedding_reason
        storage.down = False
        assert _embed(artwork).embedded == [str(artwork.pk)]
        assert _stored(artwork).embedding_reason == ""

    def test_a_picture_that_the_encoder_chokes_on_does_not_take_its_batch_down(
        self, settings: Settings
    ) -> None:
        _use(settings, ENCODER="tests.fakes.BrokenEncoder")
        good, bad = make_artwork(), make_artwork(colour=BLACK)
        result = _embed(good, bad)
        assert (result.embedded, result.retry) == ([str(good.pk)], [str(bad.pk)])
        _embed(bad)
        assert _embed(bad).failed == [str(bad.pk)]
        assert "out of memory" in _stored(bad).embedding_reason

    def test_a_picture_that_killed_its_worker_too_often_fails(self) -> None:
        artwork = make_artwork()
        # What a worker leaves that dies at work: the attempt counted, the claim standing.
        Artwork.objects.update(embedding_attempts=3)
        assert _embed(artwork).failed == [str(artwork.pk)]
        assert "stopped 3 times" in _stored(artwork).embedding_reason

    def test_pictures_tried_before_go_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes: list[int] = []
        encode = fakes.QuickEncoder.encode

        def counting(self: fakes.QuickEncoder, pictures: Any) -> Any:
            sizes.append(len(pictures))
            return encode(self, pictures)

        monkeypatch.setattr(fakes.QuickEncoder, "encode", counting)
        artworks = [make_artwork(f"{i}") for i in range(4)]
        Artwork.objects.filter(pk__in=[a.pk for a in artworks[:2]]).update(embedding_attempts=1)
        assert len(_embed(*artworks).embedded) == 4
        assert sorted(sizes) == [1, 1, 2]


class TestFiles:
    """What may be wrong with a file, and what becomes of its row."""

    def test_one_whose_end_is_missing_is_embedded_and_the_row_says_so(self) -> None:
        artwork = make_artwork()
        buffer = io.BytesIO()
        Image.effect_noise((64, 64), 50).convert("RGB").save(buffer, "JPEG")
        name = default_storage.save("cut.jpg", ContentFile(buffer.getvalue()[:-2]))
        Artwork.objects.filter(pk=artwork.pk).update(image=name)
        assert _embed(artwork).embedded == [str(artwork.pk)]
        assert _stored(artwork).embedding_damaged
        assert not _stored(artwork).embedding_reason

    def test_unless_the_site_wants_none_such(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "ACCEPT_DAMAGED": False}
        artwork = make_artwork()
        buffer = io.BytesIO()
        Image.effect_noise((64, 64), 50).convert("RGB").save(buffer, "JPEG")
        name = default_storage.save("cut.jpg", ContentFile(buffer.getvalue()[:-2]))
        Artwork.objects.filter(pk=artwork.pk).update(image=name)
        assert _embed(artwork).failed == [str(artwork.pk)]

    def test_one_that_costs_too_much_fails_with_the_setting_and_others_go_on(self) -> None:
        good, hostile = make_artwork(), make_artwork()
        name = default_storage.save("scans.jpg", ContentFile(with_scans(2000, 3000)))
        Artwork.objects.filter(pk=hostile.pk).update(image=name)
        result = _embed(good, hostile)
        assert (result.embedded, result.failed) == ([str(good.pk)], [str(hostile.pk)])
        assert "more than 100 scans" in _stored(hostile).embedding_reason

    def test_one_that_ends_its_decoder_is_tried_again_and_then_fails(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*args: Any, **kwargs: Any) -> Any:
            raise DecoderCrashed("The file ended the process that decoded it.")

        monkeypatch.setattr(DecodingProcesses, "read", crash)
        artwork = make_artwork()
        for _attempt in range(get_settings().MAX_ATTEMPTS - 1):
            assert _embed(artwork).retry == [str(artwork.pk)]
        assert _embed(artwork).failed == [str(artwork.pk)]


class TestRaces:
    """Something happens between the claim and the write: hooked in where the file is encoded."""

    def _meanwhile(self, monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
        encode = fakes.QuickEncoder.encode

        def interrupted(self: fakes.QuickEncoder, pictures: Any) -> Any:
            monkeypatch.setattr(fakes.QuickEncoder, "encode", encode)
            happens()
            return encode(self, pictures)

        monkeypatch.setattr(fakes.QuickEncoder, "encode", interrupted)

    def test_the_old_files_vector_never_lands_on_a_replaced_picture(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artwork = make_artwork(colour=RED)

        def replace() -> None:
            artwork.image = picture_file(BLUE)
            artwork.save()

        self._meanwhile(monkeypatch, replace)
        assert _embed(artwork).skipped == 1
        assert _stored(artwork).embedding is None
        assert _stored(artwork).embedding_status == "pending"

    def test_nor_does_it_if_the_new_file_has_the_old_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artwork = make_artwork(colour=RED)

        def overwrite() -> None:
            receivers.reset_if_replaced(Library.of(Artwork), artwork, uploaded=True)

        self._meanwhile(monkeypatch, overwrite)
        assert _embed(artwork).skipped == 1
        assert _stored(artwork).embedding is None

    def test_nor_on_one_whose_file_was_changed_behind_the_signals_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artwork = make_artwork(colour=RED)
        rows = Artwork.objects.filter(pk=artwork.pk)
        self._meanwhile(monkeypatch, lambda: rows.update(image="another.png"))
        assert _embed(artwork).skipped == 1
        assert _stored(artwork).embedding is None

    def test_the_later_of_two_workers_wins_and_the_picture_ends_ready(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artwork = make_artwork()
        self._meanwhile(monkeypatch, lambda: _embed(artwork))
        assert _embed(artwork).skipped == 1
        assert _stored(artwork).embedding_status == "ready"

    def test_a_picture_deleted_meanwhile_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        artwork = make_artwork()
        pk = artwork.pk
        self._meanwhile(monkeypatch, artwork.delete)
        assert pipeline.embed(Library.of(Artwork), [pk]).skipped == 1


def test_a_ready_picture_that_is_embedded_again_is_served_all_the_time() -> None:
    artwork = make_embedded("one")
    Library.of(Artwork).rows.mark_pending()
    stored = _stored(artwork)
    assert stored.embedding_status == "pending"
    assert stored.embedding is not None
