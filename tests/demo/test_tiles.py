"""Tiles of large pictures: what they show, of which there are any, and how they are named."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from PIL import Image

from artsimilarity.embedding import pipeline
from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.limits import TooMuchMemory
from artsimilarity.library import Library
from demo_site.library import tasks, tiles
from demo_site.library.models import Artwork
from demo_site.library.pyramid import TILE, Pyramid
from demo_site.library.tiles import Tiles, make_tiles

# Its longer side is above LEAST; no side is a multiple of a tile's.
WIDTH, HEIGHT = 2200, 700


def picture(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Slow waves of colour, so that every place is told from every other."""
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    bands = [x + 0 * y, 0 * x + y, (np.sin(9 * x) * np.cos(7 * y) + 1) / 2]
    return Image.fromarray((255 * np.stack(bands, axis=-1)).astype(np.uint8))


def stored(image: Image.Image | None = None, name: str = "scan.png", **facts: Any) -> Artwork:
    """A picture whose file a worker has read."""
    buffer = BytesIO()
    (image or picture()).save(buffer, {"png": "PNG", "tif": "TIFF"}[name.rpartition(".")[2]])
    content = buffer.getvalue()
    artwork = Artwork.objects.create(title="Scan", image=ContentFile(content, name=name), **facts)
    read = {"embedding_image": artwork.image.name, "embedding_status": "ready"}
    digest = hashlib.sha256(content).hexdigest()
    Artwork.objects.filter(pk=artwork.pk).update(**read, embedding_digest=digest)
    return Artwork.objects.get(pk=artwork.pk)


def files(media: Path) -> list[str]:
    """What lies in the folder of tiles."""
    folder = media / tiles.FOLDER
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def together(media: Path, found: Tiles, level: int) -> Image.Image:
    """The picture that the tiles of a level make."""
    folder = media / found.address.removeprefix("/media/") / str(level)
    whole = Image.new("RGB", Pyramid(found.width, found.height).size(level))
    for path in folder.iterdir():
        column, row = (int(number) for number in path.stem.split("_"))
        with Image.open(path) as tile:
            whole.paste(tile, (column * TILE, row * TILE))
    return whole


def difference(one: Image.Image, other: Image.Image) -> float:
    """Of values 0 to 255, the mean."""
    pixels = [np.asarray(image, dtype=float) for image in (one, other)]
    assert pixels[0].shape == pixels[1].shape
    return float(np.abs(pixels[0] - pixels[1]).mean())


class TestPyramid:
    @pytest.mark.parametrize("size", [(1300, 1700), (2600, 300), (700, 1025), (512, 512), (90, 40)])
    def test_every_level_is_the_whole_picture(
        self, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("demo_site.library.pyramid._BLOCK", 2 * TILE)
        monkeypatch.setattr("demo_site.library.pyramid._HALVINGS", 1)
        image = picture(*size)
        width, height = size

        def read(box: Area, side: int) -> Image.Image:
            edges = (box.left * width, box.top * height, box.right * width, box.bottom * height)
            return image.resize((side, side), Image.Resampling.BILINEAR, box=edges)

        pyramid = Pyramid(width, height)
        levels = range(pyramid.first, pyramid.last + 1)
        whole = {level: Image.new("RGB", pyramid.size(level)) for level in levels}
        for tile in pyramid.cut(read):
            whole[tile.level].paste(tile.image, (tile.column * TILE, tile.row * TILE))

        for level in levels:
            small = image.resize(pyramid.size(level), Image.Resampling.BOX)
            assert difference(whole[level], small) < (0.5 if level == pyramid.last else 2)

    def test_each_level_is_half_the_next_down_to_one_tile(self) -> None:
        pyramid = Pyramid(5001, 3001)
        sizes = [pyramid.size(level) for level in range(pyramid.first, pyramid.last + 1)]
        assert sizes == [(313, 188), (626, 376), (1251, 751), (2501, 1501), (5001, 3001)]
        assert pyramid.halved() == Pyramid(2501, 1501)


@pytest.mark.django_db
class TestTiles:
    def test_show_the_picture_on_every_level(self, media: Path) -> None:
        artwork = stored()
        assert make_tiles(artwork)
        found = Tiles.of(artwork)
        assert found
        assert (found.width, found.height) == (WIDTH, HEIGHT)
        for level, size in ((12, (2200, 700)), (11, (1100, 350)), (9, (275, 88))):
            small = picture().resize(size, Image.Resampling.BOX)
            assert difference(together(media, found, level), small) < 2

    def test_are_made_once(self, media: Path) -> None:
        artwork = stored()
        assert make_tiles(artwork)
        assert not make_tiles(artwork)

    def test_that_a_worker_did_not_finish_are_none_and_are_made_again(self, media: Path) -> None:
        artwork = stored()
        make_tiles(artwork)
        complete = files(media)
        (description,) = (media / tiles.FOLDER).glob("*.dzi")
        description.write_text("<Image")
        assert Tiles.of(artwork) is None

        assert make_tiles(artwork)

        assert files(media) == complete
        assert Tiles.of(artwork)

    def test_of_another_file_under_the_same_name_are_others(self, media: Path) -> None:
        artwork = stored()
        make_tiles(artwork)
        before = Tiles.of(artwork)
        Path(artwork.image.path).unlink()
        artwork.delete()

        again = stored(picture().transpose(Image.Transpose.ROTATE_180))

        assert again.image.name == artwork.image.name
        assert Tiles.of(again) is None
        make_tiles(again)
        assert Tiles.of(again) not in (None, before)

    def test_of_a_file_that_no_worker_has_read_yet_are_not_those_of_the_one_before(self) -> None:
        artwork = stored()
        make_tiles(artwork)
        artwork.image = "another.png"
        assert Tiles.of(artwork) is None

    def test_are_not_made_of_what_browsers_take_whole(self) -> None:
        assert not tiles.is_large(stored(picture(tiles.LEAST, 90)))

    def test_are_made_of_what_browsers_cannot_show(self) -> None:
        artwork = stored(picture(600, 400), "scan.tif")
        assert tiles.is_large(artwork)
        make_tiles(artwork)
        found = Tiles.of(artwork)
        assert found
        assert (found.width, found.height) == (600, 400)

    def test_come_half_as_near_where_the_whole_takes_too_much_memory(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = tiles._Scan.read

        def refuse(scan: Any, box: Area, side: int) -> Image.Image:
            if side > WIDTH / 2:
                raise TooMuchMemory("It is too large.")
            return read(scan, box, side)

        monkeypatch.setattr(tiles._Scan, "read", refuse)
        artwork = stored()
        make_tiles(artwork)
        found = Tiles.of(artwork)
        assert found
        assert (found.width, found.height) == (WIDTH / 2, HEIGHT / 2)

    def test_browsers_keep_them_for_good(self, client: Client) -> None:
        artwork = stored()
        make_tiles(artwork)
        found = Tiles.of(artwork)
        assert found
        answer = client.get(f"{found.address}/9/0_0.jpg")
        answer.close()
        assert answer["Cache-Control"] == "private, max-age=31536000, immutable"

    def test_a_picture_s_page_has_a_viewer_once_they_are_there_and_a_link_until_then(
        self, client: Client
    ) -> None:
        artwork = stored()
        assert "viewer" not in client.get(artwork.get_absolute_url()).content.decode()
        make_tiles(artwork)
        found = Tiles.of(artwork)
        assert found
        page = client.get(artwork.get_absolute_url()).content.decode()
        assert f'data-tiles="{found.address}"' in page
        assert f'data-width="{WIDTH}"' in page


@pytest.mark.django_db
class TestTask:
    def test_leaves_hidden_pictures_alone(self, media: Path) -> None:
        tasks.make_tiles_of(stored(published=False).pk)
        assert files(media) == []

    def test_logs_what_cannot_be_cut(self, media: Path, caplog: pytest.LogCaptureFixture) -> None:
        artwork = stored()
        Path(artwork.image.path).write_bytes(b"no picture")
        tasks.make_tiles_of(artwork.pk)
        assert f"No tiles of picture {artwork.pk}" in caplog.text

    @pytest.mark.usefixtures("quick_encoder", "dead_broker")
    def test_is_sent_for_large_pictures_alone_once_a_worker_has_read_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Artwork] = []
        monkeypatch.setattr(tasks, "send", sent.append)
        large, small = stored(), stored(picture(60, 40))
        Artwork.objects.update(embedding_status="pending")
        pipeline.embed(Library.of(Artwork), [large.pk, small.pk])
        assert sent == [large]

    def test_is_sent_by_a_command_for_what_was_embedded_before(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Artwork] = []

        def send(artwork: Artwork) -> bool:
            sent.append(artwork)
            return True

        monkeypatch.setattr("demo_site.library.management.commands.make_tiles.send", send)
        lacking, done = stored(), stored(name="done.png")
        stored(picture(60, 40))
        stored(published=False)
        make_tiles(done)
        call_command("make_tiles", verbosity=0)
        assert sent == [lacking]
