"""The light table, filled and turned by a visitor, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

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
    # The page that is left has the same button.
    expect(page.get_by_role("heading", level=1)).to_have_text("Between")

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
    unlike = page.get_by_role("group", name="What “Left”").get_by_role("button", name="Unlike")
    unlike.click()
    expect(unlike).to_have_attribute("aria-pressed", "true")
    slider = page.get_by_role("slider", name="Compare by")

    slider.press("Home")
    expect(neighbours(page).first).to_have_text("Same colours")
    page.get_by_role("button", name="Remove “Left”").click()

    expect(page.get_by_text("1 of 12 pictures")).to_be_visible()
    expect(slider).to_have_value("0")


class TestASliderThatIsMovedWhileAPressIsUnderWay:
    @pytest.fixture
    def table(self, page: Page, library: None) -> Page:
        """The table with a picture that other ones are like by colours than by brushwork."""
        make_embedded("Same colours", [0, 0, 1], [0, 1])
        make_embedded("Blue", [1, 0.5], [0, 1])
        page.goto("/")
        add(page, "Blue")
        page.goto("/light-table/")
        return page

    def test_has_the_last_word_of_the_balance(self, table: Page) -> None:
        held: list[Route] = []
        table.route(
            "**/light-table/*",
            lambda route: (
                held.append(route) if route.request.method == "POST" else route.fallback()
            ),
        )
        table.get_by_role("button", name="×2").click()
        with table.expect_response(lambda response: "style=0" in response.url):
            table.get_by_role("slider", name="Compare by").press("Home")
        expect(neighbours(table).first).to_have_text("Same colours")

        held[0].continue_()

        expect(table.locator("#table-news")).to_contain_text("“Blue”")
        expect(neighbours(table).first).to_have_text("Same colours")

    def test_shows_no_list_of_before_the_press(self, table: Page) -> None:
        held: list[tuple[Route, APIResponse]] = []
        table.route("**/*style=0", lambda route: held.append((route, route.fetch())), times=1)
        table.get_by_role("slider", name="Compare by").press("Home")
        table.locator("#alike[aria-busy]").wait_for()
        table.wait_for_timeout(300)  # the answer is on its way
        table.get_by_role("button", name="Add to light table “Same colours”").click()
        expect(table.locator("#table-news")).to_contain_text("“Same colours”")

        route, answer = held[0]
        route.fulfill(response=answer)

        expect(table.locator("#alike[aria-busy]")).to_have_count(0)
        expect(neighbours(table).get_by_text("Same colours")).to_have_count(0)


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

    assert page.url.endswith("?style=0")
    expect(slider).to_have_value("0")


def weigh(page: Page, title: str, sign: str) -> None:
    group = page.get_by_role("group", name=f"How much “{title}” counts")
    group.get_by_role("button", name=sign).press("Enter")
    expect(group.get_by_role("button", name=sign)).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_picture_is_made_to_count_more_and_less_by_keyboard(
    visit: Visit, library: None, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    page.goto("/")
    add(page, "Left")
    add(page, "Right")
    page.goto("/light-table/")

    weigh(page, "Left", "×2 counts much")
    weigh(page, "Right", "×½ counts little")
    expect(neighbours(page).first).to_have_text("Beside Left")
    weigh(page, "Left", "×½ counts little")
    weigh(page, "Right", "×2 counts much")
    expect(neighbours(page).first).to_have_text("Beside Right")


# Of all that has moved since the last time, without what a press within half a second excuses.
_SHIFTS = """() => {
    window.shifts = window.shifts || [];
    if (window.watch) return;
    window.watch = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifts.push(entry.value);
    });
    window.watch.observe({ type: "layout-shift" });
}"""


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("where", ["collection", "picture"])
def test_a_press_changes_nothing_but_the_button_and_the_count(
    visit: Visit, library: None, width: int, where: str
) -> None:
    page = visit(viewport={"width": width, "height": 700})
    page.goto("/")
    if where == "picture":
        page.get_by_role("link", name="Between").click()
        page.wait_for_url("**/artworks/*/")
    page.get_by_role("button", name="Add to light table “Between”").focus()
    page.evaluate("window.isTheSame = true")
    page.evaluate(_SHIFTS)
    steps, scroll = page.evaluate("[history.length, scrollY]")

    add(page, "Between")
    expect(page.locator("#table-news")).to_contain_text("“Between” is on the light table: 1 of 12")
    page.get_by_role("button", name="Take off light table “Between”").press("Enter")
    expect(page.get_by_role("button", name="Add to light table “Between”")).to_be_focused()
    expect(page.locator("#table-news")).to_have_text("“Between” is off the light table.")
    page.wait_for_timeout(100)

    assert page.evaluate("window.isTheSame")
    assert page.evaluate("[history.length, scrollY]") == [steps, scroll]
    assert page.evaluate("window.shifts") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


class TestOnItsOwnPage:
    @pytest.fixture
    def table(self, page: Page, library: None) -> Page:
        """The table with two pictures."""
        page.goto("/")
        add(page, "Left")
        add(page, "Right")
        page.goto("/light-table/")
        page.evaluate("window.isTheSame = true")
        return page

    def test_a_press_loads_nothing_anew_and_leaves_no_trace_in_the_history(
        self, table: Page
    ) -> None:
        steps = table.evaluate("history.length")
        right = table.get_by_role("group", name="What “Right”")
        right.get_by_role("button", name="Unlike").press("Enter")
        expect(neighbours(table).first).to_have_text("Beside Left")
        expect(table.locator("#table-news")).to_have_text("“Right”: Unlike.")
        expect(right.get_by_role("button", name="Unlike")).to_be_focused()
        assert table.evaluate("[window.isTheSame, history.length]") == [True, steps]

    def test_what_is_taken_off_leaves_the_keyboard_on_the_next(self, table: Page) -> None:
        table.get_by_role("button", name="Remove “Left”").press("Enter")
        expect(table.get_by_role("button", name="Remove “Right”")).to_be_focused()
        table.get_by_role("button", name="Remove “Right”").press("Enter")
        expect(table.get_by_role("heading", name="Light table")).to_be_focused()
        expect(table.get_by_text("stands under every picture")).to_be_visible()
        expect(table.get_by_role("slider")).to_be_hidden()

    def test_a_neighbour_that_is_added_leaves_the_others_where_they_were(self, table: Page) -> None:
        heading = table.get_by_role("heading", name="More like this")
        heading.scroll_into_view_if_needed()
        top = heading.bounding_box()["y"]
        button = table.get_by_role("button", name="Add to light table “Between”")
        button.evaluate("one => one.focus({ preventScroll: true })")
        table.keyboard.press("Enter")
        expect(table.locator(".count")).to_contain_text("3 of 12 pictures")
        expect(button).to_have_count(0)
        assert table.locator("#alike .table-button").first.evaluate(
            "one => one === document.activeElement"
        )
        limit = table.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY")
        assert heading.bounding_box()["y"] == pytest.approx(top, abs=1) or limit == 0

    def test_the_slider_goes_on_working_after_a_press(self, table: Page) -> None:
        weigh(table, "Left", "×2")
        with table.expect_response(lambda response: "style=0" in response.url):
            table.get_by_role("slider", name="Compare by").press("Home")
        weigh(table, "Left", "×1")
        assert table.url.endswith("?style=0")
        assert table.evaluate("window.isTheSame")

    def test_its_link_is_copied_with_the_balance_and_opens_for_somebody_else(
        self, table: Page, visit: Visit
    ) -> None:
        weigh(table, "Left", "×2")
        with table.expect_response(lambda response: "style=0" in response.url):
            table.get_by_role("slider", name="Compare by").press("Home")
        table.get_by_text("Share or save").click()
        field = table.get_by_label("Address of this light table")
        expect(field).to_have_value(re.compile(r":much&.*&style=0$"))
        link = field.input_value()

        other = visit(java_script_enabled=False)
        other.goto(link)
        expect(other.get_by_role("heading", level=1)).to_have_text("A light table sent to you")
        expect(other.locator(".slide .title")).to_have_text(["Left", "Right"])
        other.get_by_role("button", name="Lay these on my light table").click()
        expect(other.get_by_role("link", name="Light table 2 pictures")).to_be_visible()
        expect(
            other.get_by_role("group", name="How much “Left”").get_by_role("button", name="×2")
        ).to_have_attribute("aria-pressed", "true")

    def test_it_fits_a_narrow_window(self, table: Page) -> None:
        table.set_viewport_size({"width": 320, "height": 700})
        table.get_by_text("Share or save").click()
        assert table.evaluate("document.documentElement.scrollWidth") <= 320


class TestGoingBackToAPageFromTheBrowserSMemory:
    """It is as it was when it was left, and takes over what was pressed since."""

    def _leave(self, page: Page) -> Callable[[], None]:
        """What goes back to the page as it is now; playwright's browser keeps none by itself."""
        address = page.url
        html = page.context.request.get(address).text()

        def answer(route: Route) -> None:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")

        def go_back() -> None:
            page.route(address, answer, times=1)
            page.go_back()

        return go_back

    def test_shows_what_was_pressed_there_and_later(self, page: Page, library: None) -> None:
        page.goto("/")
        add(page, "Left")
        go_back = self._leave(page)
        page.goto("/light-table/")
        page.get_by_role("button", name="Remove “Left”").click()
        expect(page.get_by_text("stands under every picture")).to_be_visible()

        go_back()

        expect(page.get_by_role("button", name="Add to light table “Left”")).to_be_visible()
        expect(page.locator(".tally")).to_have_count(0)

    def test_shows_what_lies_on_a_table_that_was_empty(self, page: Page, library: None) -> None:
        page.goto("/light-table/")
        go_back = self._leave(page)
        page.get_by_role("link", name="To the collection").click()
        add(page, "Left")

        go_back()

        expect(page.get_by_text("1 of 12 pictures")).to_be_visible()
        expect(neighbours(page).first).to_have_text("Beside Left")
        expect(page.get_by_role("slider", name="Compare by")).to_be_visible()

    def test_shows_nothing_like_a_table_that_was_emptied(self, page: Page, library: None) -> None:
        page.goto("/")
        add(page, "Left")
        page.goto("/light-table/")
        go_back = self._leave(page)
        page.locator(".slide .mount").click()
        page.get_by_role("button", name="Take off light table “Left”").click()
        expect(page.locator(".tally")).to_have_count(0)

        go_back()

        expect(page.get_by_text("stands under every picture")).to_be_visible()
        expect(neighbours(page)).to_have_count(0)
        expect(page.get_by_role("slider")).to_have_count(0)


def test_a_press_that_fails_is_said_and_changes_nothing(page: Page, library: None) -> None:
    page.goto("/")
    page.route("**/light-table/", lambda route: route.abort())

    page.get_by_role("button", name="Add to light table “Left”").press("Enter")

    expect(page.get_by_text("That did not work.")).to_be_visible()
    expect(page.get_by_role("button", name="Add to light table “Left”")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#table-news[data-error]")).to_have_count(0)
