from __future__ import annotations

from pathlib import Path

from PIL import Image

from artsimilarity.lab.encoding_speed.pictures import choose_pictures, make_pictures


def test_the_same_pictures_are_drawn_every_time(folder: Path) -> None:
    assert choose_pictures(folder, 2).paths == choose_pictures(folder, 2).paths
    assert len(choose_pictures(folder, 2).paths) == 2


def test_made_pictures_have_the_size_asked_for_and_the_proportions(
    folder: Path, tmp_path: Path
) -> None:
    (made,) = make_pictures([folder / "one.png"], 0.48, tmp_path)
    with Image.open(made) as image:
        assert image.format == "JPEG"
        assert image.size == (800, 600)


def test_files_that_cannot_be_read_are_counted(folder: Path) -> None:
    choice = choose_pictures(folder, 9)
    assert (len(choice.paths), choice.skipped) == (3, 2)
