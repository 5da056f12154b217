"""The light table, filled and turned by a visitor, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.pictures import make_embedded


@pytest.fixture
def library(live_server: Any) -> None:
    """Two pictures far from each other, one between them, and one beside each."""
    make_embedded("Beside Left", [1, 0.1])
    make_embedded("Between", [1, 1])
    make_embedded("Beside Right", [0.1, 1])
    make_embedded("Left", [1, 0])
    make_embedded("Right", [0, 1])


def neighbours(page: Page) -> Any:
    return page.locator(".artsimilarity-title")


def add(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"Add to light table “{title}”").press("Enter")
    expect(page.get_by_role("button", name=f"Take off light table “{title}”")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_pictures_are_added_turned_and_removed_by_keyboard(
    visit: Visit, library: None, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    page.goto("/")
    add(page, "Left")
    add(page, "Right")
    page.get_by_role("link", name="Light table 2 pictures").press("Enter")
    expect(neighbours(page).first).to_have_text("Between")

    right = page.get_by_role("group", name="What “Right” is an example of")
    right.get_by_role("button", name="Unlike").press("Enter")
    expect(right.get_by_role("button", name="Unlike")).to_have_attribute("aria-pressed", "true")
    expect(neighbours(page).first).to_have_text("Beside Left")

    right.get_by_role("button", name="Remove “Right”").press("Enter")
    expect(page.get_by_text("1 of 12 pictures")).to_be_visible()

    page.get_by_role("button", name="Clear the table").press("Enter")
    expect(page.get_by_text("stands under every picture")).to_be_visible()


def test_the_keyboard_stays_where_it_was_when_a_button_is_pressed(
    page: Page, library: None
) -> None:
    page.goto("/")

    add(page, "Between")

    expect(page.get_by_role("button", name="Take off light table “Between”")).to_be_focused()


def test_a_picture_is_added_on_its_own_page(page: Page, library: None) -> None:
    page.goto("/")
    page.get_by_role("link", name="Between").click()

    add(page, "Between")

    expect(page.get_by_role("heading", level=1)).to_have_text("Between")
    expect(page.get_by_role("link", name="Light table 1 pictures")).to_be_visible()


def test_the_slider_moves_it_and_turning_a_picture_keeps_the_balance(
    page: Page, library: None
) -> None:
    make_embedded("Same colours", [0, 0, 1], [0, 1])
    make_embedded("Blue", [1, 0.5], [0, 1])
    page.goto("/")
    add(page, "Blue")
    add(page, "Left")
    page.goto("/light-table/")
    page.get_by_role("group", name="What “Left”").get_by_role("button", name="Unlike").click()
    slider = page.get_by_role("slider", name="Compare by")

    slider.press("Home")
    expect(neighbours(page).first).to_have_text("Same colours")
    assert page.url.endswith("?style=0#table-" + page.url.rpartition("-")[2])

    page.get_by_role("button", name="Remove “Left”").click()

    expect(page.get_by_text("1 of 12 pictures")).to_be_visible()
    expect(slider).to_have_value("0")


def test_a_neighbour_is_added_from_the_list_that_the_slider_has_filled(
    page: Page, library: None
) -> None:
    page.goto("/")
    page.get_by_text("Left", exact=True).click()
    page.wait_for_url("**/artworks/*/")  # loaded, with the script that listens to the slider
    slider = page.get_by_role("slider", name="Compare by")
    with page.expect_response(lambda response: "style=0" in response.url):
        slider.press("Home")

    add(page, "Between")

    assert "?style=0#table-" in page.url
    expect(slider).to_have_value("0")
