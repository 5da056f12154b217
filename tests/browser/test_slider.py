"""The balance of brushwork and colours on a picture's page, moved by a visitor."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.pictures import make_embedded

NEAR_BY_STYLE = ["Same brush", "Same colours"]
NEAR_BY_COLOUR = NEAR_BY_STYLE[::-1]


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A picture with one neighbour by style and one by colour."""
    make_embedded("Same brush", [1, 0], [0, 1])
    make_embedded("Same colours", [0, 1], [1, 0])
    return make_embedded("Wave", [1, 0], [1, 0])


def slider(page: Page) -> Any:
    return page.get_by_role("slider", name="Compare by")


def neighbours(page: Page) -> Any:
    return page.locator(".artsimilarity-title")


def test_the_keyboard_moves_it_and_the_list_follows_without_a_reload(
    page: Page, artwork: Artwork
) -> None:
    page.goto(artwork.get_absolute_url())
    expect(neighbours(page)).to_have_text(NEAR_BY_STYLE)
    page.evaluate("window.sameDocument = true")
    slider(page).focus()

    page.keyboard.press("Home")

    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)
    assert page.evaluate("window.sameDocument")
    expect(slider(page)).to_be_focused()


def test_an_arrow_key_is_one_step_and_told_in_words(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())
    expect(slider(page)).to_have_attribute("aria-valuetext", "75 % brushwork, 25 % colours")
    slider(page).focus()

    page.keyboard.press("ArrowLeft")

    expect(slider(page)).to_have_attribute("aria-valuetext", "70 % brushwork, 30 % colours")
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?style=0.7")


def test_the_tab_key_leads_from_the_slider_to_the_list(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())
    slider(page).focus()

    page.keyboard.press("Tab")

    expect(page.locator(".artsimilarity-link").first).to_be_focused()


def test_a_mouse_moves_it_too(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())
    box = slider(page).bounding_box()

    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)

    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)


def test_the_number_found_is_announced(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())
    slider(page).press("Home")

    expect(page.locator(".artsimilarity-slider-status")).to_have_text("Similar pictures: 2")


def test_its_value_in_the_address_is_where_it_starts(page: Page, artwork: Artwork) -> None:
    page.goto(f"{artwork.get_absolute_url()}?style=0.2")

    expect(slider(page)).to_have_value("0.2")
    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)


def test_back_leads_to_the_page_before_and_forward_to_the_last_balance(
    page: Page, artwork: Artwork
) -> None:
    page.goto("/")
    page.goto(artwork.get_absolute_url())
    slider(page).press("ArrowLeft")
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?style=0.7")
    slider(page).press("Home")
    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)

    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collection")
    page.go_forward()

    expect(page.get_by_role("heading", level=1)).to_have_text("Wave")
    expect(slider(page)).to_have_value("0")
    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)


def test_a_newer_move_takes_the_place_of_one_still_under_way(page: Page, artwork: Artwork) -> None:
    held: list[Route] = []
    dropped: list[str] = []
    page.goto(artwork.get_absolute_url())
    page.on("requestfailed", lambda request: dropped.append(request.url))
    page.route("**/*style=1", lambda route: held.append(route))
    with page.expect_request("**/*style=1"):
        slider(page).press("End")

    slider(page).press("Home")

    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)
    assert [url.rpartition("?")[2] for url in dropped] == ["style=1"]
    expect(page.locator("#alike")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": "<p>Please log in</p>"}, None])
def test_an_error_leaves_the_list_and_says_so_until_the_next_move(
    page: Page, artwork: Artwork, answer: dict[str, Any] | None
) -> None:
    page.goto(artwork.get_absolute_url())
    page.route("**/*style=0", lambda route: route.fulfill(**answer) if answer else route.abort())

    slider(page).press("Home")

    expect(page.locator(".artsimilarity-slider-status")).to_contain_text("could not be updated")
    expect(neighbours(page)).to_have_text(NEAR_BY_STYLE)
    slider(page).press("ArrowRight")
    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)
    expect(page.locator(".artsimilarity-slider-status")).to_have_text("Similar pictures: 2")


def test_it_asks_once_for_many_moves_in_a_row(page: Page, artwork: Artwork) -> None:
    asked: list[str] = []
    page.goto(artwork.get_absolute_url())
    slider(page).focus()
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        """() => {
            const slider = document.querySelector("input[type=range]");
            for (const value of [0.5, 0.25, 0]) {
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )

    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)
    assert [url.partition("?")[2] for url in asked if "?" in url] == ["style=0"]


def test_without_scripts_it_is_a_form_with_a_button(visit: Visit, artwork: Artwork) -> None:
    page = visit(java_script_enabled=False)
    page.goto(artwork.get_absolute_url())
    slider(page).press("Home")
    expect(neighbours(page)).to_have_text(NEAR_BY_STYLE)

    page.get_by_role("button", name="Show").press("Enter")

    expect(neighbours(page)).to_have_text(NEAR_BY_COLOUR)
    assert "?style=0#" in page.url
    expect(slider(page)).to_have_value("0")


def test_with_scripts_the_button_is_not_needed(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())

    expect(page.get_by_role("button", name="Show")).to_be_hidden()


def test_nothing_moves_for_those_who_want_no_motion(visit: Visit, artwork: Artwork) -> None:
    durations = []
    for wish in ("no-preference", "reduce"):
        page = visit(reduced_motion=wish)
        page.goto(artwork.get_absolute_url())
        durations.append(
            page.locator(".artsimilarity-list").evaluate(
                "list => getComputedStyle(list).transitionDuration"
            )
        )

    assert durations == ["0.15s", "0s"]
