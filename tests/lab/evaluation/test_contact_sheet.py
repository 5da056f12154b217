from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from artsimilarity.lab.evaluation.contact_sheet import contact_sheet
from artsimilarity.lab.evaluation.evaluate import EvaluationProtocol, evaluate
from tests.lab.evaluation.drawn import COARSE, QUICK, library

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


def test_a_neighbour_is_marked_as_of_the_same_label_or_of_another(folder: Path) -> None:
    chosen = library(folder)
    rows = list(evaluate(chosen, [QUICK], EvaluationProtocol(), device="cpu"))
    sheet = contact_sheet(chosen, rows, queries=1, neighbours=11)
    assert sheet.count('<span class="same">(same)</span>') == 5
    assert sheet.count(" (other)") == 6
