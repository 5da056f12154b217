"""A visitor adds a picture, and is told what becomes of it, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.pictures import BLUE, picture_bytes

pytestmark = pytest.mark.usefixtures("live_server", "dead_broker", "quick_encoder")


def add(page: Page, data: bytes) -> None:
    page.goto("/upload/")
    file = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": data}
    page.get_by_label("Picture", exact=True).set_input_files(file)
    page.get_by_role("textbox", name="Title").fill("Mine")
    page.get_by_role("button", name="Add the picture").click()
    expect(heading(page)).to_have_text("“Mine” is waiting to be read")


def heading(page: Page) -> Any:
    return page.get_by_role("heading", level=1)


def sound() -> bytes:
    return picture_bytes(BLUE, "JPEG", side=64)


def truncated() -> bytes:
    data = sound()
    return data[: data.index(b"\xff\xda") + 20]


def embed() -> None:
    pipeline.embed(Library.of(Artwork), list(Artwork.objects.values_list("pk", flat=True)))


def test_the_page_follows_by_itself_until_the_picture_is_shown(page: Page) -> None:
    add(page, sound())
    page.evaluate("window.isTheSame = true")
    page.get_by_role("link", name="Look again").focus()
    embed()
    expect(heading(page)).to_have_text("“Mine” is in the collection")
    expect(page.get_by_role("status").filter(has_text="in the collection")).to_be_visible()
    assert page.evaluate("window.isTheSame")
    expect(page.locator("#upload-state a").first).to_be_focused()
    page.get_by_role("link", name="See it, and what is like it").click()
    expect(heading(page)).to_have_text("Mine")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_picture_that_cannot_be_read_is_not_shown_and_the_reason_is(
    visit: Visit, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    add(page, truncated())
    embed()
    if not scripts:
        page.get_by_role("link", name="Look again").click()
    expect(heading(page)).to_have_text("“Mine” cannot be shown")
    page.reload()
    expect(page.get_by_text("damaged or incomplete")).to_be_visible()
    address = page.url
    page.goto("/")
    expect(page.get_by_text("The library is empty")).to_be_visible()
    page.goto(address)
    page.get_by_role("link", name="Add another copy").click()
    expect(heading(page)).to_have_text("Add a picture")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("data", [sound, truncated])
def test_axe_finds_nothing_and_a_narrow_window_is_wide_enough(
    visit: Visit, axe: str, scheme: str, data: Any
) -> None:
    page = visit(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    add(page, data())
    assert violations(page, axe) == []
    embed()
    expect(heading(page)).not_to_contain_text("waiting")
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
