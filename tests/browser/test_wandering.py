"""From picture to picture: pages fetched beforehand, and the way that led there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.pictures import make_embedded


@pytest.fixture
def library(live_server: Any) -> None:
    """Four pictures that are like each other."""
    for number, title in enumerate(("One", "Two", "Three", "Four")):
        make_embedded(title, [1, 0.1 * number])


def open_picture(page: Page, title: str) -> None:
    page.locator(".mount", has=page.get_by_text(title, exact=True)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


class TestFetchedBeforehand:
    def _fetched(self, page: Page) -> list[str]:
        """Addresses of pages that the browser has fetched beforehand since."""
        found: list[str] = []
        page.on(
            "request",
            lambda asked: asked.headers.get("sec-purpose") and found.append(asked.url),
        )
        return found

    def test_a_picture_that_is_pointed_at_is_there_when_it_is_opened(
        self, page: Page, library: None
    ) -> None:
        fetched = self._fetched(page)
        page.goto("/")
        with page.expect_response("**/artworks/*/"):
            page.get_by_role("link", name="One").hover()
        page.get_by_role("link", name="One").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("One")
        assert fetched == [page.url]
        kind = "performance.getEntriesByType('navigation')[0].deliveryType"
        assert page.evaluate(kind) == "navigational-prefetch"

    def test_who_saves_data_has_nothing_fetched_beforehand(
        self, visit: Visit, library: None
    ) -> None:
        page = visit(extra_http_headers={"Save-Data": "on"})
        fetched = self._fetched(page)
        page.goto("/")
        page.get_by_role("link", name="One").hover()
        page.wait_for_timeout(600)
        assert fetched == []

    def test_a_press_after_it_was_fetched_shows_on_it(self, page: Page, library: None) -> None:
        page.goto("/")
        with page.expect_response("**/artworks/*/"):
            page.get_by_role("link", name="One").hover()
        page.get_by_role("button", name="Add to light table “One”").click()
        expect(page.locator(".tally")).to_contain_text("1")

        open_picture(page, "One")

        expect(page.get_by_role("button", name="Take off light table “One”")).to_be_visible()
        expect(page.locator(".tally")).to_contain_text("1")


class TestTheWay:
    def _way(self, page: Page) -> Any:
        return page.get_by_role("navigation", name="Where you came from").get_by_role("link")

    def test_leads_back_to_the_pictures_before(self, page: Page, library: None) -> None:
        page.goto("/")
        open_picture(page, "One")
        expect(self._way(page)).to_have_count(0)
        open_picture(page, "Two")
        open_picture(page, "Three")
        expect(self._way(page)).to_have_text(["One", "Two"])

        self._way(page).first.click()

        expect(page.get_by_role("heading", level=1)).to_have_text("One")
        expect(self._way(page)).to_have_count(0)

    def test_is_that_of_the_page_after_going_back_and_loading_anew(
        self, page: Page, library: None
    ) -> None:
        page.goto("/")
        for title in ("One", "Two", "Three"):
            open_picture(page, title)
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Two")
        expect(self._way(page)).to_have_text(["One"])
        page.reload()
        expect(self._way(page)).to_have_text(["One"])

    def test_begins_anew_from_a_list(self, page: Page, library: None) -> None:
        page.goto("/")
        open_picture(page, "One")
        page.goto("/")
        open_picture(page, "Two")
        expect(self._way(page)).to_have_count(0)

    def test_keeps_the_balance_of_each_step(self, page: Page, library: None) -> None:
        page.goto("/")
        page.goto(page.get_by_role("link", name="One").get_attribute("href") + "?style=0.5")
        open_picture(page, "Two")
        expect(self._way(page).first).to_have_attribute("href", re.compile(r"/\?style=0\.5$"))

    def test_is_a_few_steps_long_and_moves_nothing(self, page: Page, library: None) -> None:
        page.goto("/")
        open_picture(page, "One")
        # The page writes its own step first, which may be a moment after its heading is there.
        page.wait_for_function("sessionStorage.getItem('trail')")
        titles = [f"<b>{number}</b>" for number in range(9)]
        steps = [{"path": f"/artworks/9{one[3]}/", "search": "", "title": one} for one in titles]
        page.evaluate("steps => sessionStorage.setItem('trail', JSON.stringify(steps))", steps)
        open_picture(page, "Two")
        expect(self._way(page)).to_have_text(titles[5:])
        shifts = """() => new Promise((done) => {
            new PerformanceObserver((list) => done(list.getEntries().map((one) => one.value)))
                .observe({ type: "layout-shift", buffered: true });
            setTimeout(() => done([]), 300);
        })"""
        assert sum(page.evaluate(shifts)) < 0.01

    def test_shows_nothing_without_scripts(self, visit: Visit, library: None) -> None:
        page = visit(java_script_enabled=False)
        page.goto("/")
        open_picture(page, "One")
        open_picture(page, "Two")
        expect(page.get_by_text("You came by")).to_be_hidden()
