from __future__ import annotations

import base64
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artsimilarity.lab.evaluation.contact_sheet import contact_sheet
from artsimilarity.lab.evaluation.evaluate import EvaluationProtocol, evaluate
from artsimilarity.lab.evaluation.summary import Row
from tests.lab.evaluation.drawn import COARSE, FRAME, QUICK, library

pytestmark = pytest.mark.usefixtures("one_thread")


class Sheet(HTMLParser):
    """Collects what a reader would meet, and refuses tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def thumbnail(image: dict[str, str | None]) -> np.ndarray:
    source = image["src"] or ""
    return np.asarray(Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))))


def is_framed(image: dict[str, str | None]) -> bool:
    corner = thumbnail(image)[4, 4].astype(int)
    return bool(np.abs(corner - FRAME).max() < 12)


@pytest.fixture(scope="module")
def rows(folder: Path, framed: Path) -> list[Row]:
    """The library as it is, framed queries, and half of the library framed."""
    protocol = EvaluationProtocol(scans=[framed])
    return list(evaluate(library(folder), [QUICK], protocol, device="cpu"))


def test_the_sheet_is_sound_html_with_a_text_for_every_picture(folder: Path) -> None:
    chosen = library(folder)
    protocol = EvaluationProtocol(shares=(0.75, 1))
    rows = list(evaluate(chosen, [QUICK, COARSE], protocol, device="cpu"))
    sheet = Sheet(contact_sheet(chosen, rows, queries=3, neighbours=6))
    images = sheet.all("img")
    assert len(images) == 3 * (1 + 4 * 6)
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in images)
    assert all(image["alt"].endswith("” & more.png") for image in images)
    assert sheet.all("html") == [{"lang": "en"}]
    assert len(sheet.all("caption")) == len(sheet.all("table")) == len(sheet.all("h2")) == 3
    assert sheet.all("th") == [{"scope": "row"}] * 12


def test_a_neighbour_is_marked_as_of_the_same_label_or_of_another(
    folder: Path, rows: list[Row]
) -> None:
    sheet = contact_sheet(library(folder), rows[:1], queries=1, neighbours=11)
    assert sheet.count('<span class="same">(same)</span>') == 5
    assert sheet.count(" (other)") == 6


def test_under_scans_the_query_is_shown_as_it_asked_and_neighbours_as_they_were(
    folder: Path, rows: list[Row]
) -> None:
    chosen, half = library(folder), rows[2]
    sheet = Sheet(contact_sheet(chosen, rows, queries=2, neighbours=5))
    images = np.array([is_framed(image) for image in sheet.all("img")]).reshape(2, 1 + 3 * 6)
    assert not images[:, 0].any(), "above the table the query is the library's own"
    tables = images[:, 1:].reshape(2, 3, 6)
    assert not tables[:, 0].any()
    assert tables[:, 1].tolist() == [[True] + [False] * 5] * 2
    assert half.scans is not None
    assert half.scans.places is not None
    asked = [image["alt"] for image in sheet.all("img")][::19]
    places = [chosen.paths.index(str(path)) for path in asked]
    shown = half.quality.neighbours[places, :5]
    expected = half.scans.places[np.column_stack([places, shown])]
    assert tables[:, 2].tolist() == expected.tolist()


def test_a_picture_of_a_folder_of_scans_names_the_folder(folder: Path, rows: list[Row]) -> None:
    chosen = library(folder)
    text = contact_sheet(chosen, rows[:2], queries=1, neighbours=3)
    assert text.count("<br>framed</figcaption>") == 1
    assert "The query as it asked" in text
    assert "The query as it asked" not in contact_sheet(chosen, rows[:1], queries=1)


def test_pictures_are_shown_as_a_worker_reads_them(
    folder: Path, rows: list[Row], tmp_path: Path
) -> None:
    chosen = replace(library(folder), directory=tmp_path)
    for path in chosen.paths:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        # Of 16 bits a pixel, whose high byte is 128; clipped to 8 bits it would be white.
        Image.fromarray(np.full((64, 32), 128 * 257, np.uint16)).save(tmp_path / path)
    sheet = Sheet(contact_sheet(chosen, rows[:1], queries=1, neighbours=1))
    pixels = thumbnail(sheet.all("img")[0])
    assert pixels.shape[:2] == (64, 32), "in its proportions, not enlarged"
    assert np.abs(pixels.astype(int) - 128).max() < 4
