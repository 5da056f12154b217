"""Thumbnails: whom pages ask for them, and those that are made and kept here."""

from __future__ import annotations

import hashlib
import io
import logging
import multiprocessing
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.signals import request_finished, request_started
from django.db import DatabaseError, models
from django.db.models.fields.files import FieldFile
from PIL import Image
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.encoder.pictures.limits import Limits
from artsimilarity.encoder.pictures.processes import DecodersBusy
from artsimilarity.library import Library, patience, stored_thumbnails, thumbnail_adapters
from artsimilarity.library import files as reading_files
from artsimilarity.library.files import read_for_detail, read_for_thumbnail
from artsimilarity.library.made_once import MadeOnce
from artsimilarity.library.remembered import Remembered
from artsimilarity.library.stored_thumbnails import NameNotKept, StoredThumbnails
from artsimilarity.library.thumbnails import Thumbnail, load_adapter, thumbnail_of
from demo_site.library.models import Artwork
from tests.encoder.raw_files import tiff
from tests.storages import ObjectStorage

GREEN = (20, 160, 60)
BLUE = (30, 60, 200)


def picture(
    colour: Any = GREEN, size: tuple[int, int] = (600, 400), kind: str = "JPEG", mode: str = "RGB"
) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, kind)
    return buffer.getvalue()


def artwork(data: bytes, name: str = "horse.jpg") -> Artwork:
    """An artwork with a file, not in the database."""
    made = Artwork(pk=1, title="Horse", image=name)
    made.image.storage.save(name, ContentFile(data))
    return made


def ask(made: Artwork) -> Thumbnail:
    found = StoredThumbnails()(made, made.image)
    assert found is not None
    return found


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*.webp"))


def opened(media: Path, url: str) -> Image.Image:
    with Image.open(media / url.removeprefix("/media/")) as image:
        image.load()
        assert image.format == "WEBP"
        return image


class TestMadeHere:
    def test_show_the_whole_picture_in_two_sizes(self, media: Path) -> None:
        found = ask(artwork(picture()))
        small, large = (part.split() for part in found.srcset.split(", "))
        assert (found.width, found.height) == opened(media, found.url).size == (240, 160)
        assert small == [found.url, "240w"]
        assert large[1] == "480w"
        assert opened(media, large[0]).size == (480, 320)

    def test_lie_beside_the_pictures_under_a_name_that_people_recognise(self, media: Path) -> None:
        found = ask(artwork(picture(), "artworks/2024/horse.jpg"))
        assert found.url.startswith("/media/similarity-thumbnails/artworks/2024/horse.jpg.")

    def test_may_have_a_quality_for_each_size(self, media: Path) -> None:
        class Coarse(StoredThumbnails):
            def quality_of(self, size: int) -> int:
                return 5 if size == self.sizes[-1] else self.quality

        noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "PNG")
        sizes: dict[str, list[int]] = {}
        for maker in (StoredThumbnails, Coarse):
            made = artwork(buffer.getvalue(), f"{maker.__name__}.png")
            assert maker()(made, made.image)
            found = sorted(media.rglob(f"*{maker.__name__}*.webp"))
            sizes[maker.__name__] = [path.stat().st_size for path in found]
        small, large = sizes["StoredThumbnails"]
        assert sizes["Coarse"][0] == small
        assert sizes["Coarse"][1] < large / 2

    def test_of_a_small_picture_are_one_of_its_own_size(self, media: Path) -> None:
        made = artwork(picture(size=(120, 90)))
        found = ask(made)
        assert (found.width, found.height, found.srcset) == (120, 90, "")
        assert len(files(media)) == 1
        assert ask(made) == found

    def test_of_a_picture_between_the_sizes_show_all_its_pixels(self, media: Path) -> None:
        found = ask(artwork(picture(size=(300, 300))))
        assert found.srcset.endswith(" 300w")

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("a.tif", picture(kind="TIFF")),
            ("a.png", picture(kind="PNG")),
            ("a.gif", picture(kind="GIF")),
            ("a.webp", picture(kind="WEBP")),
            ("cmyk.jpg", picture((225, 95, 195, 0), mode="CMYK")),
            ("cmyk.tif", picture((225, 95, 195, 0), kind="TIFF", mode="CMYK")),
            (
                "deep.tif",
                tiff(
                    np.tile(np.uint16(GREEN) * 257, (400, 600, 1)).astype("<u2").tobytes(),
                    600,
                    400,
                    bits=16,
                    channels=3,
                    photometric=2,
                ),
            ),
        ],
    )
    def test_of_all_kinds_of_files_show_their_colours(
        self, media: Path, name: str, data: bytes
    ) -> None:
        found = ask(artwork(data, name))
        assert (found.width, found.height) == (240, 160)
        pixel = opened(media, found.url).convert("RGB").getpixel((120, 80))
        assert np.abs(np.subtract(pixel, GREEN)).max() <= 12

    def test_of_a_picture_on_its_side_are_upright(self, media: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        buffer = io.BytesIO()
        Image.new("RGB", (600, 400), GREEN).save(buffer, "JPEG", exif=exif)
        found = ask(artwork(buffer.getvalue()))
        assert (found.width, found.height) == (160, 240)

    def test_are_not_made_again_by_another_process(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = ask(artwork(picture()))
        monkeypatch.setattr(stored_thumbnails, "fetch_file", None)
        assert ask(Artwork(pk=1, image="horse.jpg")) == first

    @pytest.mark.parametrize("sizes", [(240, 480, 560), (240, 360, 480)])
    def test_get_a_size_that_was_added_once_there_is_time(
        self, media: Path, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = artwork(picture())
        first = ask(made)
        monkeypatch.setattr(StoredThumbnails, "sizes", sizes)
        with patience.page():
            assert ask(made).url == first.url
        assert len(files(media)) == 2
        assert [part.split()[1] for part in ask(made).srcset.split(", ")] == [
            f"{size}w" for size in sizes
        ]
        with patience.page():
            assert ask(made).srcset == ask(made).srcset
        assert len(files(media)) == 3

    @pytest.mark.parametrize("side", [200, 300, 480, 600])
    def test_are_complete_of_a_picture_of_any_size(
        self, media: Path, side: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = artwork(picture(size=(side, side)))
        first = ask(made)
        monkeypatch.setattr(stored_thumbnails, "fetch_file", None)
        assert ask(made) == first

    def test_are_not_looked_for_in_the_storage_at_every_show(self, media: Path) -> None:
        adapter, made = StoredThumbnails(), artwork(picture())
        first = adapter(made, made.image)
        for path in media.rglob("*.webp"):
            path.unlink()
        assert adapter(made, made.image) == first

    @pytest.mark.parametrize("is_digested", [True, False])
    def test_give_the_file_of_the_smallest_by_one_look(
        self, media: Path, monkeypatch: pytest.MonkeyPatch, is_digested: bool
    ) -> None:
        made = artwork(picture())
        if is_digested:
            digested(made)
        ask(made)
        named: list[str] = []
        look = FileSystemStorage.open

        def noted(storage: FileSystemStorage, name: str, mode: str = "rb") -> Any:
            named.append(name)
            return look(storage, name, mode)

        monkeypatch.setattr(FileSystemStorage, "open", noted)
        data = StoredThumbnails().stored_bytes(made, made.image)
        assert data is not None
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (240, 160)
        assert len([name for name in named if name.endswith(".webp")]) == 1

    def test_give_no_file_where_none_is_stored_or_half_of_one(self, media: Path) -> None:
        made = artwork(picture())
        digested(made)
        assert StoredThumbnails().stored_bytes(made, made.image) is None
        ask(made)
        for path in media.rglob("*.240.webp"):
            path.write_bytes(path.read_bytes()[:-1])
        assert StoredThumbnails().stored_bytes(made, made.image) is None

    def test_of_a_replaced_picture_under_the_same_name_are_others(self, media: Path) -> None:
        made = artwork(picture(GREEN, kind="PNG"), "horse.png")
        digested(made)
        adapter = StoredThumbnails()
        old = adapter(made, made.image)
        (media / "horse.png").write_bytes(picture(BLUE, kind="PNG"))
        digested(made)
        new = adapter(made, made.image)
        assert new.url != old.url
        pixel = opened(media, new.url).convert("RGB").getpixel((9, 9))
        assert np.abs(np.subtract(pixel, BLUE)).max() <= 12

    def test_of_a_file_overwritten_behind_the_row_show_it_as_it_is(self, media: Path) -> None:
        made = artwork(picture())
        digested(made)
        old = ask(made)
        (media / "horse.jpg").write_bytes(picture(BLUE))
        for path in media.rglob("*.webp"):
            path.unlink()
        new = ask(made)
        assert new.url != old.url
        assert ask(made) == new
        digested(made)
        assert ask(made) == new
        assert len(files(media)) == 2

    def test_made_before_a_worker_has_read_the_file_are_not_made_again_after(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = artwork(picture())
        while_pending = ask(made)
        monkeypatch.setattr(stored_thumbnails, "fetch_file", None)
        digested(made)
        assert ask(made) == while_pending
        assert len(files(media)) == 2

    def test_are_of_the_new_file_where_a_note_of_the_old_one_is_left(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = artwork(picture(GREEN, kind="BMP"), "horse.bmp")
        old = ask(made)
        (media / "horse.bmp").write_bytes(picture(BLUE, kind="BMP"))
        for path in media.rglob("*.webp"):
            path.unlink()
        new = ask(made)
        assert new.url != old.url
        monkeypatch.setattr(stored_thumbnails, "fetch_file", None)  # the note tells of the new one
        assert ask(made) == new

    def test_made_again_leave_the_note_of_the_same_file_where_it_is(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = artwork(picture())
        old = ask(made)
        for path in media.rglob("*.webp"):
            path.unlink()
        monkeypatch.setattr(made.image.storage, "delete", None)
        assert ask(made) == old

    def test_leave_one_note_where_two_processes_write_it(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Raced(FileSystemStorage):
            def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
                if name.endswith(".sha256"):
                    super().save(name, ContentFile(b"of another process"))
                return super().save(name, content, max_length)

        made = artwork(picture())
        monkeypatch.setattr(made.image, "storage", Raced())
        ask(made)
        (note,) = media.rglob("*.sha256*")
        assert note.read_bytes() == b"of another process"

    def test_are_made_once_by_many_threads(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetched: list[str] = []
        fetch = stored_thumbnails.fetch_file

        def counted(library: Library, name: str) -> Any:
            fetched.append(name)
            return fetch(library, name)

        monkeypatch.setattr(stored_thumbnails, "fetch_file", counted)
        adapter, made = StoredThumbnails(), artwork(picture())
        start = threading.Barrier(8)

        def show(_number: int) -> Thumbnail | None:
            start.wait(10)
            return adapter(made, made.image)

        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(show, range(8)))
        assert len(found) == len(fetched) == 1

    def test_are_kept_once_of_many_processes(self, media: Path) -> None:
        made = artwork(picture(size=(2000, 1500)))
        # Forked, so that they share this test's settings; nothing of theirs holds a lock.
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        start = context.Barrier(4)

        def show() -> None:
            start.wait(20)
            answers.put(StoredThumbnails()(made, made.image))

        processes = [context.Process(target=show) for _ in range(4)]
        for one in processes:
            one.start()
        found = {answers.get(timeout=30) for _ in processes}
        for one in processes:
            one.join(10)
        assert len(found) == 1
        assert len(files(media)) == 2
        assert opened(media, found.pop().url).size == (240, 180)

    def test_that_a_dying_process_left_half_written_are_made_again(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored_thumbnails, "_WRITING_SECONDS", 0.05)
        made = artwork(picture())
        found = ask(made)
        path = media / found.url.removeprefix("/media/")
        path.write_bytes(path.read_bytes()[:50])
        assert ask(made) == found
        assert opened(media, found.url).size == (240, 160)
        assert len(files(media)) == 2

    def test_may_lie_in_a_storage_of_their_own(
        self, settings: Settings, media: Path, tmp_path: Path
    ) -> None:
        place = {"location": str(tmp_path / "small"), "base_url": "https://cdn.example/"}
        settings.STORAGES = {
            **settings.STORAGES,
            "small": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": place,
            },
        }
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAIL_STORAGE": "small"}
        found = ask(artwork(picture()))
        assert found.url.startswith("https://cdn.example/similarity-thumbnails/horse.jpg.")
        assert files(media) == []
        assert len(files(tmp_path / "small")) == 2

    def test_need_no_local_paths(self, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = ObjectStorage()
        monkeypatch.setattr(storage, "url", lambda name: f"https://bucket.example/{name}")
        monkeypatch.setattr(Artwork._meta.get_field("image"), "storage", storage)
        made = artwork(picture())
        assert ask(made).url.startswith("https://bucket.example/similarity-thumbnails/")
        assert ask(made).width == 240

    def test_need_a_storage_that_keeps_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Renaming(FileSystemStorage):
            def save(self, name: Any, content: Any, max_length: int | None = None) -> str:
                return super().save(f"other-{Path(name).name}", content, max_length)

        made = artwork(picture())
        storage = Renaming()
        monkeypatch.setattr(made.image, "storage", storage)
        with pytest.raises(NameNotKept, match="THUMBNAIL_STORAGE"):
            StoredThumbnails()(made, made.image)

    def test_need_a_storage_that_there_is(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAIL_STORAGE": "nowhere"}
        with pytest.raises(ImproperlyConfigured, match="THUMBNAIL_STORAGE"):
            StoredThumbnails()

    def test_need_a_pillow_that_writes_webp(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stored_thumbnails.features, "check", lambda name: name != "webp")
        with pytest.raises(ImproperlyConfigured, match="without WebP"):
            StoredThumbnails()


def digested(made: Artwork) -> None:
    """The row as a worker leaves it."""
    made.embedding_image = made.image.name
    with made.image.storage.open(made.image.name) as file:
        made.embedding_digest = hashlib.sha256(file.read()).hexdigest()


@pytest.fixture
def without_hook(settings: Settings) -> None:
    """A host that says nothing of thumbnails, neither in its model nor in settings."""
    settings.ARTSIMILARITY = {}


def by_function(picture: models.Model, file: FieldFile) -> Thumbnail:
    return Thumbnail(f"/small/{file.name}")


asked: list[str] = []


def failing(picture: models.Model, file: FieldFile) -> Thumbnail:
    asked.append(str(file.name))
    raise SyntaxError("not a PNG file")


def busy(picture: models.Model, file: FieldFile) -> Thumbnail:
    asked.append(str(file.name))
    raise DecodersBusy("All 2 processes were busy.")


def without_database(picture: models.Model, file: FieldFile) -> Thumbnail:
    raise DatabaseError("gone")


def use(adapter: str, settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAILS": adapter}


@pytest.mark.usefixtures("without_hook")
class TestAskedFor:
    def test_are_made_here_unless_a_setting_says_otherwise(self, media: Path) -> None:
        found = thumbnail_of(artwork(picture()))
        assert found is not None
        assert found.url.startswith("/media/similarity-thumbnails/")

    def test_may_come_from_a_function(self, settings: Settings) -> None:
        use("tests.library.test_thumbnails.by_function", settings)
        assert thumbnail_of(Artwork(image="a.png")) == Thumbnail("/small/a.png")

    def test_may_come_from_the_models_own_method(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = Thumbnail("/own.png", 30, 20)
        monkeypatch.setattr(Artwork, "similarity_thumbnail", lambda self: own, raising=False)
        assert thumbnail_of(Artwork(image="a.png")) is own

    def test_may_be_an_address_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Artwork, "similarity_thumbnail", lambda s: f"/{s.title}", raising=False)
        assert thumbnail_of(Artwork(title="a", image="a.png")) == Thumbnail("/a")

    def test_may_come_from_a_class_method_that_takes_the_picture(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hook = classmethod(lambda cls, picture: f"/{cls.__name__}/{picture.title}")
        monkeypatch.setattr(Artwork, "similarity_thumbnail", hook, raising=False)
        assert thumbnail_of(Artwork(title="a", image="a.png")) == Thumbnail("/Artwork/a")

    def test_are_none_where_there_is_no_file(self) -> None:
        assert thumbnail_of(Artwork()) is None

    @pytest.mark.parametrize("data", [b"", b"no picture", picture(size=(900, 900))[:700]])
    def test_are_none_where_the_file_cannot_be_read_which_is_logged_once(
        self, data: bytes, media: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = artwork(data)
        with caplog.at_level(logging.WARNING, "artsimilarity"):
            assert [thumbnail_of(made), thumbnail_of(made)] == [None, None]
        (record,) = caplog.records
        assert "library.Artwork 1 (horse.jpg)" in record.message
        assert files(media) == []

    def test_are_none_where_the_file_is_gone(self, caplog: pytest.LogCaptureFixture) -> None:
        assert thumbnail_of(Artwork(pk=1, image="gone.png")) is None
        assert "gone.png" in caplog.text

    @pytest.mark.parametrize("limit", [{"MAX_BYTES": 1000}, {"MAX_PIXELS": 239_999}])
    def test_are_none_over_the_limits_that_workers_have(
        self, limit: dict[str, int], settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.ARTSIMILARITY = limit
        assert thumbnail_of(artwork(picture())) is None
        assert next(iter(limit)) in caplog.text

    def test_are_not_asked_for_again_at_once_where_an_adapter_failed(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        use("tests.library.test_thumbnails.failing", settings)
        asked.clear()
        assert [thumbnail_of(Artwork(pk=7, image="a.png")) for _ in range(3)] == [None] * 3
        assert asked == ["a.png"]
        assert len(caplog.records) == 1

    def test_are_asked_for_again_at_once_where_all_decoders_were_busy(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        use("tests.library.test_thumbnails.busy", settings)
        asked.clear()
        assert [thumbnail_of(Artwork(pk=7, image="a.png")) for _ in range(2)] == [None] * 2
        assert asked == ["a.png"] * 2
        assert not caplog.records

    def test_are_none_where_the_setting_cannot_work(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        use("no.such.thing", settings)
        assert thumbnail_of(Artwork(pk=1, image="a.png")) is None
        assert "no.such.thing" in caplog.text

    def test_do_not_hide_a_failing_database(self, settings: Settings) -> None:
        use("tests.library.test_thumbnails.without_database", settings)
        with pytest.raises(DatabaseError):
            thumbnail_of(Artwork(pk=1, image="a.png"))


def test_an_adapter_that_is_no_function_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="neither"):
        load_adapter("artsimilarity.library.thumbnails.SIZES")


def test_what_sorl_could_not_make_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sorl = SimpleNamespace(get_thumbnail=lambda *args, **options: SimpleNamespace(size=None))
    monkeypatch.setitem(sys.modules, "sorl.thumbnail", sorl)
    monkeypatch.setattr(thumbnail_adapters, "_require", lambda app, distribution: None)
    made = Artwork(image="a.png")
    with pytest.raises(ValueError, match="made none"):
        thumbnail_adapters.SorlThumbnail()(made, made.image)


def test_versions_of_one_width_are_listed_once() -> None:
    assert Thumbnail.of([("/a", 100, 50), ("/b", 100, 50)]).srcset == ""


@pytest.fixture
def slow_storage(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Files come once the event is set."""
    come = threading.Event()
    fetch = stored_thumbnails.fetch_file

    def fetched(library: Library, name: str) -> Any:
        assert come.wait(10)
        return fetch(library, name)

    monkeypatch.setattr(stored_thumbnails, "fetch_file", fetched)
    return come


@pytest.mark.usefixtures("without_hook")
class TestOfAPage:
    def test_are_waited_for_half_a_second_in_all_and_there_for_the_next(
        self, media: Path, slow_storage: threading.Event
    ) -> None:
        pictures = [artwork(picture(), f"{number}.jpg") for number in range(5)]
        begin = time.monotonic()
        with patience.page():
            assert [thumbnail_of(one) for one in pictures] == [None] * 5
        assert 0.4 < time.monotonic() - begin < 1.5
        slow_storage.set()
        until = time.monotonic() + 10
        while len(files(media)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        with patience.page():
            assert thumbnail_of(pictures[0]) is not None

    def test_that_are_quick_are_all_there(self) -> None:
        # A decoding process may take longer to start than a page has, on a busy machine.
        read_for_thumbnail(io.BytesIO(picture(size=(60, 40))), 64, hurried=True)
        pictures = [artwork(picture(size=(60, 40)), f"{number}.jpg") for number in range(3)]
        with patience.page():
            assert all(thumbnail_of(one) for one in pictures)

    def test_that_are_there_are_shown_however_little_time_is_left(
        self, settings: Settings, media: Path
    ) -> None:
        settings.ARTSIMILARITY = {"THUMBNAIL_SECONDS": 0}
        made, later = artwork(picture()), artwork(picture(BLUE), "later.jpg")
        thumbnail = thumbnail_of(made)
        assert thumbnail is not None
        with patience.page():
            assert thumbnail_of(made) == thumbnail
            assert thumbnail_of(later) is None
        assert len(files(media)) == 2

    def test_that_failed_when_the_page_had_gone_are_logged_and_not_tried_again(
        self,
        slow_storage: threading.Event,
        caplog: pytest.LogCaptureFixture,
        settings: Settings,
    ) -> None:
        settings.ARTSIMILARITY = {"THUMBNAIL_SECONDS": 0.05}
        made = artwork(b"no picture")
        with patience.page():
            assert thumbnail_of(made) is None
        assert not caplog.records
        slow_storage.set()
        until = time.monotonic() + 10
        while not caplog.records and time.monotonic() < until:
            with patience.page():
                assert thumbnail_of(made) is None
        (record,) = caplog.records
        assert "horse.jpg" in record.message

    def test_inside_of_it_have_the_time_of_the_page_around(self) -> None:
        with patience.page():
            whole = patience.patience()
            with patience.page():
                assert patience.patience() is whole
        assert patience.patience() is None

    @pytest.mark.django_db
    def test_every_request_has_its_time_and_nothing_outside_of_one(self) -> None:
        request_started.send(sender=None, environ={})
        first = patience.patience()
        assert first is not None
        with first.spending():
            time.sleep(0.01)
        assert first.left < get_settings().THUMBNAIL_SECONDS
        request_started.send(sender=None, environ={})
        second = patience.patience()
        assert second is not None
        assert second.left == get_settings().THUMBNAIL_SECONDS
        request_finished.send(sender=None)
        assert patience.patience() is None


@pytest.mark.parametrize(("of_workers", "of_pages"), [(60, 3), (2, 2)])
def test_visitors_wait_for_no_more_processor_time_than_searches_have(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, of_workers: int, of_pages: int
) -> None:
    settings.ARTSIMILARITY = {"MAX_SECONDS": of_workers, "SEARCH_MAX_SECONDS": 3}
    seen: list[float] = []

    class Decoders:
        def __init__(self, processes: int, limits: Limits, wait: float | None) -> None:
            self.limits = limits

        def read(self, contents: Any, sides: list[int], **options: Any) -> dict[int, None]:
            seen.append(options.get("limits", self.limits).max_seconds)
            return dict.fromkeys(sides)

    monkeypatch.setattr(reading_files, "_decoders", Decoders)
    read_for_thumbnail(io.BytesIO(), 64, hurried=False)
    read_for_thumbnail(io.BytesIO(), 64, hurried=True)
    read_for_detail(io.BytesIO(), 64)
    assert seen == [of_workers, of_pages, of_pages]


class TestMadeOnce:
    def test_no_more_are_made_behind_pages_than_there_is_room_for(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {"THUMBNAIL_SECONDS": 0.05}
        making, end = MadeOnce[int, int](behind=2), threading.Event()
        begun: list[int] = []

        def maker(number: int) -> int:
            begun.append(number)
            assert end.wait(10)
            return number

        for number in range(5):
            time_of_page = patience.Patience()
            assert making.make_within(number, partial(maker, number), time_of_page) is None
            assert time_of_page.left == 0
        assert begun == [0, 1]
        end.set()
        assert making.make(7, lambda: 7) == 7

    def test_a_failure_that_no_page_waited_for_is_told_to_the_next(
        self, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {"THUMBNAIL_SECONDS": 0.05}
        making, end = MadeOnce[int, int](behind=1), threading.Event()

        def maker() -> int:
            assert end.wait(10)
            raise ValueError("damaged")

        assert making.make_within(1, maker, patience.Patience()) is None
        end.set()
        for thread in threading.enumerate():
            if "_run_behind" in thread.name:
                thread.join(10)
        with pytest.raises(ValueError, match="damaged"):
            making.make_within(1, lambda: 1, patience.Patience())

    def test_room_is_given_back_where_another_page_began_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        making, made = MadeOnce[int, int](behind=1), Future[int]()
        made.set_result(1)
        monkeypatch.setattr(making, "_begin", lambda key: (made, False))
        for _ in range(2):
            assert making.make_within(1, lambda: 2, patience.Patience()) == 1


class TestRemembered:
    def test_is_forgotten_after_a_while(self) -> None:
        shortly: Remembered[str, int] = Remembered(seconds=0, most=9)
        shortly.put("a", 1)
        assert shortly.get("a") is None

    def test_is_made_once_as_long_as_it_is_remembered(self) -> None:
        made = iter([1, 2])
        long: Remembered[str, int] = Remembered(seconds=60, most=9)
        assert [long.get_or_make("a", lambda: next(made)) for _ in range(2)] == [1, 1]
        shortly: Remembered[str, int] = Remembered(seconds=0, most=9)
        shortly.put("a", 1)
        assert shortly.get_or_make("a", lambda: next(made)) == 2

    def test_gives_way_to_what_is_newer(self) -> None:
        two: Remembered[str, int] = Remembered(seconds=60, most=2)
        for number, key in enumerate("abca"):
            two.put(key, number)
        assert [two.get(key) for key in "abc"] == [3, None, 2]
