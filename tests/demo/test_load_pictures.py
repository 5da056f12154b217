"""``manage.py load_pictures`` and what it takes for pictures."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from demo_site.library.management.commands import load_pictures
from demo_site.library.models import Artwork
from demo_site.library.sources import SourceError, find_sources, readable_name


def draw(path: Path, colour: str = "teal") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), colour).save(path)
    return path


def load(*places: Path) -> str:
    output = StringIO()
    call_command("load_pictures", *places, stdout=output)
    return output.getvalue()


def write_table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_folder_is_walked_with_artists_from_its_folders(tmp_path: Path) -> None:
    draw(tmp_path / "vincent-van-gogh" / "starry_night.png")
    draw(tmp_path / "Katsushika Hokusai" / "The Great Wave.JPG")
    draw(tmp_path / ".trash" / "old.png")
    (tmp_path / "notes.txt").write_text("no picture")

    found = [(source.artist, source.title) for source in find_sources(tmp_path)]

    assert found == [("Katsushika Hokusai", "The Great Wave"), ("Vincent van Gogh", "Starry night")]


def test_a_folder_with_one_table_is_loaded_by_it(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "1.png")
    draw(tmp_path / "b" / "2.png")
    write_table(tmp_path / "other.csv", "name,weight", "x,1")
    write_table(
        tmp_path / "list.csv", "path,title,artist,year,note", "a/1.png,Wave,Hokusai,c. 1831,good"
    )

    [source] = find_sources(tmp_path)

    assert source.path == tmp_path / "a" / "1.png"
    assert (source.title, source.artist, source.year) == ("Wave", "Hokusai", "c. 1831")


def test_a_table_may_say_technique_and_rights(tmp_path: Path) -> None:
    draw(tmp_path / "1.png")
    table = write_table(
        tmp_path / "list.csv",
        "path,title,artist,year,technique,credit,licence",
        "1.png,Wave,Hokusai,1831,Woodcut,Museum,https://example.org/",
    )

    [source] = find_sources(table)

    assert (source.technique, source.credit) == ("Woodcut", "Museum")
    assert source.licence == "https://example.org/"


def test_a_table_written_by_a_spreadsheet_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    draw(tmp_path / "1.png")
    table = tmp_path / "list.csv"
    table.write_text("path,title,artist,year\n1.png,Wave,Hokusai,1831\n", encoding="utf-8-sig")

    assert [source.title for source in find_sources(table)] == ["Wave"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,title"], "lacks the columns artist, year"),
        (["path,title,artist,year", "gone.png,Wave,Hokusai,1831"], "line 2: .*gone.png does not"),
        (["path,title,artist,year", ",Wave,Hokusai,1831"], "line 2: the path is empty"),
        (["path,title,artist,year"], "no picture in"),
        (["path,title,artist,year,licence", "list.csv,,,,javascript:1"], "licence is no address"),
    ],
)
def test_a_table_that_cannot_be_loaded_is_refused_with_the_reason(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    table = write_table(tmp_path / "list.csv", *lines)

    with pytest.raises(SourceError, match=message):
        find_sources(table)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_bytes("path,title,artist,year\n1.png,D\xfcrer,,\n".encode("latin-1"))

    with pytest.raises(SourceError, match="is not UTF-8"):
        find_sources(table)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("leonardo-da-vinci", "Leonardo da Vinci"),
        ("hiroshige", "Hiroshige"),
        ("Albrecht Dürer", "Albrecht Dürer"),
        ("unknown, c. 1500", "unknown, c. 1500"),
        ("", ""),
    ],
)
def test_names_are_written_out_unless_they_are_already(text: str, name: str) -> None:
    assert readable_name(text) == name


@pytest.mark.django_db
def test_pictures_are_copied_into_the_library_and_wait_for_a_worker(
    tmp_path: Path, media: Path
) -> None:
    original = draw(tmp_path / "hokusai" / "wave.png")

    assert "1 pictures loaded, 0 were there already." in load(tmp_path / "hokusai")

    artwork = Artwork.objects.get()
    copy = Path(artwork.image.path)
    assert copy.is_relative_to(media)
    assert copy.read_bytes() == original.read_bytes()
    assert (artwork.title, artwork.artist) == ("Wave", "Hokusai")
    assert (artwork.width, artwork.height) == (30, 20)
    assert Artwork.objects.pending().get() == artwork


@pytest.mark.django_db
def test_loading_again_adds_only_what_is_new(tmp_path: Path) -> None:
    draw(tmp_path / "hokusai" / "a.png", "teal")
    load(tmp_path / "hokusai")
    draw(tmp_path / "hokusai" / "b.png", "navy")

    assert "1 pictures loaded, 1 were there already." in load(tmp_path / "hokusai")
    assert Artwork.objects.count() == 2


@pytest.mark.django_db
def test_a_mistyped_place_stops_the_command_before_it_loads_anything(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")

    with pytest.raises(CommandError, match="nowhere does not exist"):
        load(tmp_path, tmp_path / "nowhere")
    assert not Artwork.objects.exists()


@pytest.mark.django_db
def test_a_title_that_is_too_long_for_its_column_is_shortened(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    table = write_table(
        tmp_path / "list.csv", "path,title,artist,year", f"a.png,{'x' * 300},Hokusai,1831"
    )

    load(table)

    assert Artwork.objects.get().title == "x" * 200


def test_a_file_that_cannot_be_copied_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **facts: str) -> None:
        raise PermissionError("no room for it")

    monkeypatch.setattr(load_pictures, "load", refuse)
    draw(tmp_path / "a.png")

    with pytest.raises(CommandError, match=r"a\.png cannot be loaded: no room for it"):
        load(tmp_path)
