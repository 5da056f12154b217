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
from artsimilarity.search.score_calibration import calibrate
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.pictures import (
    BLUE,
    RED,
    make_artwork,
    make_embedded,
    picture_bytes,
    unit_blocks,
)
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


@pytest.fixture
def answered(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker answers at once: the picture has the brush of one and the colours of another."""
    cache.clear()
    vector = [*unit_blocks([1, 0.2], [0.3, 1])]
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", lambda *_args: vector)
    make_embedded("Brush", [1, 0], [1, 0])
    make_embedded("Colours", [0, 1], [0, 1])


def ask(page: Page) -> None:
    """Search by a red picture."""
    page.goto(reverse("library:picture"))
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture_bytes(RED)}
    page.get_by_label("Your picture").set_input_files(file)
    page.get_by_role("button", name="Find pictures").click()


class TestAskedAgain:
    """What was found by a picture of one's own follows a slider; nothing is uploaded again."""

    def test_the_picture_that_was_asked_with_stands_beside_what_was_found(
        self, page: Page, answered: None
    ) -> None:
        ask(page)
        picture = page.get_by_alt_text("The picture that you searched by")
        expect(picture).to_be_visible()
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 160

    def test_the_slider_moves_what_was_found_in_place(self, page: Page, answered: None) -> None:
        ask(page)
        expect(found(page)).to_have_text(["Brush", "Colours"])
        page.evaluate("window.isTheSame = true")
        steps = page.evaluate("history.length")
        slider = page.get_by_role("slider", name="Compare by")
        with page.expect_request(lambda request: request.method == "POST") as asked:
            slider.press("Home")
        assert "mine.png" not in (asked.value.post_data or "")
        expect(found(page)).to_have_text(["Colours", "Brush"])
        expect(slider).to_be_focused()
        expect(page.locator(".again [role=status]")).to_have_text("2 pictures")
        expect(slider).to_have_attribute("aria-valuetext", "0 % brushwork, 100 % colours")
        assert page.evaluate("[window.isTheSame, history.length]") == [True, steps]

    def test_works_without_scripts(self, visit: Visit, answered: None) -> None:
        page = visit(java_script_enabled=False)
        ask(page)
        page.get_by_role("slider", name="Compare by").press("Home")
        page.get_by_role("button", name="Look again").click()
        expect(found(page)).to_have_text(["Colours", "Brush"])
        page.get_by_role("button", name="Add to light table “Brush”").click()
        expect(found(page)).to_have_text(["Colours", "Brush"])
        expect(page.get_by_role("slider", name="Compare by")).to_have_value("0")

    def test_only_close_ones_are_shown_in_place(self, page: Page, answered: None) -> None:
        for number in range(30):
            make_embedded(f"{number}", [0, 0, 1 + number % 3, number], [0, 0, 1, number % 7])
        calibrate(Library.of(Artwork))
        ask(page)
        expect(found(page)).to_have_count(24)
        page.get_by_label("Show").focus()
        page.get_by_label("Show").select_option("Very close ones")
        expect(found(page)).not_to_have_count(24)
        expect(page.get_by_label("Show")).to_be_focused()

    def test_a_picture_found_is_laid_on_the_light_table_in_place(
        self, page: Page, answered: None
    ) -> None:
        ask(page)
        page.evaluate("window.isTheSame = true")
        page.get_by_role("button", name="Add to light table “Brush”").click()
        expect(page.locator(".tally")).to_contain_text("1")
        assert page.evaluate("window.isTheSame")

    def test_a_page_that_is_too_old_says_so(self, page: Page, answered: None) -> None:
        ask(page)
        page.locator(".again [name=asked]").evaluate("one => { one.value = 'x'; }")
        page.get_by_role("slider", name="Compare by").press("Home")
        expect(page.get_by_text("This page is too old. Choose your picture again.")).to_be_visible()
        expect(found(page)).to_have_count(2)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_and_a_narrow_window_is_wide_enough(
        self, visit: Visit, answered: None, axe: str, scheme: str
    ) -> None:
        page = visit(viewport={"width": 320, "height": 700}, color_scheme=scheme)
        ask(page)
        assert violations(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_photo_can_be_taken_where_a_finger_points(visit: Visit, library: None) -> None:
    page = visit(has_touch=True, is_mobile=True)
    page.goto(reverse("library:picture"))
    with page.expect_file_chooser():
        page.get_by_role("button", name="Take a photo").tap()
    assert page.get_by_label("Your picture").get_attribute("capture") is None
    with_a_mouse = visit()
    with_a_mouse.goto(reverse("library:picture"))
    expect(with_a_mouse.get_by_role("button", name="Take a photo")).to_be_hidden()


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
