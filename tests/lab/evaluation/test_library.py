from __future__ import annotations

from pathlib import Path

from artsimilarity.lab.evaluation.library import read_library
from tests.lab.evaluation.drawn import library


def test_the_label_can_be_chosen(folder: Path) -> None:
    chosen = library(folder, label="school")
    assert set(chosen.labels.labels) == {"one", "two"}


def test_an_empty_group_is_a_picture_of_its_own(folder: Path, tmp_path: Path) -> None:
    text = (folder / "labels.csv").read_text().replace(",stripes,", ",,")
    (tmp_path / "labels.csv").write_text(text)
    found = read_library(
        folder, tmp_path / "labels.csv", path="path", label="school", exclude_same="artist"
    )
    assert len(set(found.labels.groups)) == 6 + 1
