"""The demo as a gallery: rows, keys, more neighbours, wandering, light and dark, small windows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.pictures import make_embedded, picture_file

SIZES = [(1600, 1000), (900, 1200), (1000, 1000), (4000, 700), (300, 1500)]


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A picture with thirty neighbours of all proportions."""
    for number in range(30):
        width, height = SIZES[number % len(SIZES)]
        make_embedded(
            f"A picture with a title of some length {number:02}",
            [1, 0.05 * number],
            artist=f"An Artist with a Long Name {number % 4}",
            year=str(1500 + 17 * number),
            technique="woodcut",
            width=width,
            height=height,
        )
    return make_embedded("Wave", [1, 0], width=1600, height=1100)


def tiles(page: Page) -> Any:
    return page.locator(".rows .tile")


def rows(page: Page) -> list[list[dict[str, float]]]:
    """The frames' boxes, line by line."""
    boxes = page.eval_on_selector_all(
        ".rows .frame",
        "all => all.map((one) => one.getBoundingClientRect().toJSON())",
    )
    lines: dict[int, list[dict[str, float]]] = {}
    for box in boxes:
        lines.setdefault(round(box["top"]), []).append(box)
    return list(lines.values())


@pytest.mark.parametrize("width", [390, 820, 1280, 1920])
def test_rows_are_justified(visit: Visit, artwork: Artwork, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    page.goto("/")
    for line in rows(page)[:-1]:
        heights = [box["height"] for box in line]
        assert max(heights) - min(heights) < 1
    room = page.locator(".rows").bounding_box()["width"]
    for line in rows(page)[:-1]:
        assert abs(line[-1]["right"] - line[0]["left"] - room) < 2
    last = rows(page)[-1]
    assert last[0]["height"] < 1.5 * max(box["height"] for box in rows(page)[0])


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_the_first_row_of_neighbours_is_above_the_fold(
    visit: Visit, artwork: Artwork, size: tuple[int, int]
) -> None:
    page = visit(viewport={"width": size[0], "height": size[1]})
    page.goto(artwork.get_absolute_url())
    [first, *_others] = rows(page)
    assert len(first) >= 4
    assert max(box["bottom"] for box in first) < size[1] - 30

    paths = [*(f"/artworks/9{number}/" for number in range(4)), artwork.get_absolute_url()]
    way = [{"path": path, "search": "", "title": "A long title " * 5} for path in paths]
    page.evaluate("way => sessionStorage.setItem('trail', JSON.stringify(way))", way)
    page.reload()
    expect(page.locator("[data-trail] a")).to_have_count(4)
    [first, *_others] = rows(page)
    assert max(box["bottom"] for box in first) < size[1] - 30


@pytest.mark.parametrize(
    "address", ["/", "/?technique=woodcut", "{}", "/light-table/", "/by-colour/", "/by-picture/"]
)
def test_nothing_scrolls_sideways_at_320_pixels(
    visit: Visit, artwork: Artwork, address: str
) -> None:
    page = visit(viewport={"width": 320, "height": 640})
    page.goto(address.format(artwork.get_absolute_url()))
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        details.evaluate("one => { one.open = false; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


class TestKeys:
    def test_a_slash_leads_to_the_search_and_is_a_letter_there(
        self, page: Page, artwork: Artwork
    ) -> None:
        page.goto(artwork.get_absolute_url())
        page.keyboard.press("/")
        search = page.get_by_role("searchbox", name="Search title")
        expect(search).to_be_focused()
        expect(search).to_have_value("")
        page.keyboard.type("1498/1500")
        expect(search).to_have_value("1498/1500")

    def test_arrows_lead_through_the_neighbours_and_enter_opens_one(
        self, page: Page, artwork: Artwork
    ) -> None:
        page.goto(artwork.get_absolute_url())
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        expect(tiles(page).nth(1).locator("a")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("length 01")

    def test_arrows_still_move_the_slider(self, page: Page, artwork: Artwork) -> None:
        page.goto(artwork.get_absolute_url())
        slider = page.get_by_role("slider")
        slider.press("ArrowLeft")
        expect(slider).to_be_focused()
        expect(slider).to_have_value("0.7")

    def test_escape_closes_what_narrows(self, page: Page, artwork: Artwork) -> None:
        page.goto("/")
        summary = page.get_by_text("Artist", exact=True)
        summary.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.locator("details.facet[open]")).to_have_count(0)
        expect(summary).to_be_focused()


class TestMore:
    def test_comes_below_what_is_there(self, page: Page, artwork: Artwork) -> None:
        page.goto(artwork.get_absolute_url())
        expect(tiles(page)).to_have_count(12)
        page.get_by_role("link", name="Show more").click()
        expect(tiles(page)).to_have_count(24)
        expect(tiles(page).nth(12).locator("a")).to_be_focused()
        page.get_by_role("link", name="Show more").press("Enter")
        expect(tiles(page)).to_have_count(30)
        expect(page.get_by_role("link", name="Show more")).to_have_count(0)

    def test_is_a_page_of_its_own_without_scripts(self, visit: Visit, artwork: Artwork) -> None:
        page = visit(java_script_enabled=False)
        page.goto(f"{artwork.get_absolute_url()}?style=0.9")
        page.get_by_role("link", name="Show more").click()
        expect(page.get_by_role("heading", name="More like this, continued")).to_be_visible()
        expect(tiles(page).first).to_contain_text("length 12")
        expect(page.get_by_role("slider")).to_have_value("0.9")
        page.get_by_role("link", name="Back to the nearest").click()
        expect(tiles(page).first).to_contain_text("length 00")

    def test_begins_anew_at_another_balance(self, page: Page, artwork: Artwork) -> None:
        page.goto(artwork.get_absolute_url())
        more = page.get_by_role("link", name="Show more").get_attribute("href")
        page.goto(f"{artwork.get_absolute_url()}{more}")
        page.get_by_role("slider").press("End")
        expect(page).to_have_url(re.compile(r"\?style=1(#.*)?$"))
        expect(tiles(page).first).to_contain_text("length 00")


@pytest.mark.parametrize("scripts", [True, False])
def test_one_wanders_ten_pictures_deep_with_the_balance(
    visit: Visit, artwork: Artwork, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    page.goto(f"{artwork.get_absolute_url()}?style=0.4")
    seen = {page.url}
    for _ in range(10):
        addresses = tiles(page).locator("a").evaluate_all("all => all.map((one) => one.href)")
        unseen = next(index for index, one in enumerate(addresses) if one not in seen)
        tiles(page).nth(unseen).locator("a").click()
        page.wait_for_url(addresses[unseen])
        seen.add(page.url)
        expect(page.get_by_role("slider")).to_have_value("0.4")
    assert len(seen) == 11


def test_the_list_is_narrowed_by_plain_links(visit: Visit, artwork: Artwork) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/")
    page.get_by_text("Century", exact=True).click()
    page.get_by_role("link", name="16th century").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("16th century")
    tiles(page).first.locator("a").click()
    page.get_by_role("link", name="16th century").click()
    page.get_by_role("link", name="Century: 16th century").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collection")


def test_the_page_is_dark_for_those_who_have_it_dark(visit: Visit, artwork: Artwork) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        page.goto("/")
        colours.append(
            page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
        )
    assert int(colours[0]) > 240
    assert int(colours[1]) < 40


@pytest.mark.parametrize(("width", "sharpness"), [(390, 1), (390, 2), (390, 3), (1280, 1)])
def test_a_tile_is_sent_about_as_many_pixels_as_it_shows(
    visit: Visit, live_server: Any, width: int, sharpness: int
) -> None:
    for number in range(8):
        picture = picture_file(side=1000)
        assert Artwork.objects.create(title=str(number), image=picture).thumbnail
    page = visit(viewport={"width": width, "height": 844}, device_scale_factor=sharpness)
    page.goto("/", wait_until="networkidle")
    ratios = page.eval_on_selector_all(
        ".frame img",
        """all => all.map((one) =>
            Number(one.currentSrc.match(/(\\d+).webp/)[1]) / one.getBoundingClientRect().width)""",
    )
    assert len(ratios) == 8
    assert all(0.75 * min(sharpness, 2) < one < 2 * min(sharpness, 2) for one in ratios)
