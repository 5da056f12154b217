"""Searches by colour and by a picture of one's own, made by a visitor in a browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.browser.conftest import Visit
from tests.pictures import BLUE, RED, make_artwork, picture_bytes
from tests.worker import Worker, run_worker, wait_until


@pytest.fixture
def library(live_server: Any, dead_broker: None, quick_encoder: None) -> None:
    """A red picture and a blue one."""
    cache.clear()
    pictures = [make_artwork("The red one", RED), make_artwork("The blue one", BLUE)]
    pipeline.embed(Library.of(Artwork), [picture.pk for picture in pictures])


def found(page: Page) -> Any:
    return page.locator(".found .title")


class TestByColour:
    def test_a_swatch_is_chosen_with_the_keyboard_and_stands_in_the_address(
        self, page: Page, library: None
    ) -> None:
        page.goto(reverse("library:colours"))
        swatch = page.locator("a.swatch").first
        swatch.focus()
        page.keyboard.press("Enter")
        expect(found(page)).to_have_count(2)
        assert "colour=" in page.url

    def test_another_colour_brings_another_order(self, page: Page, library: None) -> None:
        for colour, titles in (
            ("#c81e1e", ["The red one", "The blue one"]),
            ("#1e3cc8", ["The blue one", "The red one"]),
        ):
            page.goto(reverse("library:colours"))
            page.get_by_label("Colour 1", exact=True).fill(colour)
            page.get_by_role("button", name="Find pictures").click()
            expect(found(page)).to_have_text(titles)

    def test_a_chosen_colour_is_removed_again(self, page: Page, library: None) -> None:
        page.goto(reverse("library:colours"))
        page.locator("a.swatch").first.click()
        page.get_by_role("link", name="Remove").click()
        expect(page.locator(".found")).to_have_count(0)

    def test_works_without_scripts(self, visit: Visit, library: None) -> None:
        page = visit(java_script_enabled=False)
        page.goto(reverse("library:colours"))
        page.locator("a.swatch").first.click()
        expect(found(page)).to_have_count(2)


@pytest.fixture
def worker(
    library: None, broker: Broker, broker_url: str, tmp_path: Path, settings: Any
) -> Iterator[Worker]:
    """A worker that serves searches, and is warm."""
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 20.0}
    log = tmp_path / "worker.log"
    with run_worker(broker_url, log, ENCODER="artsimilarity.testing.QuickEncoder") as worker:
        wait_until(lambda: "warm_up" in worker.log and "succeeded" in worker.log)
        yield worker


# Drops or pastes a file of these bytes, as a browser does.
_HAND_OVER = """([kind, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "mine.png", { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    document.body.dispatchEvent(
        kind === "drop"
            ? new DragEvent("drop", { ...options, dataTransfer: transfer })
            : new ClipboardEvent("paste", { ...options, clipboardData: transfer })
    );
}"""


class TestByOwnPicture:
    def test_a_file_is_chosen(self, page: Page, worker: Worker) -> None:
        page.goto(reverse("library:picture"))
        file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(BLUE)}
        page.get_by_label("Your picture").set_input_files(file)
        page.get_by_role("button", name="Find pictures").click()
        expect(found(page)).to_have_text(["The blue one", "The red one"])

    @pytest.mark.parametrize("event", ["drop", "paste"])
    def test_a_picture_is_dropped_or_pasted(self, page: Page, worker: Worker, event: str) -> None:
        page.goto(reverse("library:picture"))
        text = base64.b64encode(picture_bytes(RED)).decode()
        page.evaluate(_HAND_OVER, [event, text])
        expect(found(page)).to_have_text(["The red one", "The blue one"])

    def test_works_without_scripts(self, visit: Visit, worker: Worker) -> None:
        page = visit(java_script_enabled=False)
        page.goto(reverse("library:picture"))
        file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(RED)}
        page.get_by_label("Your picture").set_input_files(file)
        page.get_by_role("button", name="Find pictures").click()
        expect(found(page)).to_have_text(["The red one", "The blue one"])

    def test_what_was_found_stays_when_a_picture_of_it_is_laid_on_the_light_table(
        self, visit: Visit, worker: Worker
    ) -> None:
        page = visit(java_script_enabled=False)
        page.goto(reverse("library:picture"))
        file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(RED)}
        page.get_by_label("Your picture").set_input_files(file)
        page.get_by_role("button", name="Find pictures").click()
        page.get_by_role("button", name="Add to light table “The blue one”").click()
        expect(found(page)).to_have_text(["The red one", "The blue one"])
        expect(page.locator(".tally")).to_contain_text("1")
        page.get_by_role("button", name="Take off light table “The blue one”").click()
        expect(found(page)).to_have_text(["The red one", "The blue one"])
        expect(page.locator(".tally")).to_have_count(0)

    def test_says_what_to_do_where_no_worker_answers(self, page: Page, library: None) -> None:
        page.goto(reverse("library:picture"))
        file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(RED)}
        page.get_by_label("Your picture").set_input_files(file)
        page.get_by_role("button", name="Find pictures").click()
        expect(page.get_by_role("alert")).to_contain_text("Try again")
