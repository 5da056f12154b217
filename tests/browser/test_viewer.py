"""Looking closely at a picture: with mouse, fingers and keys, by tiles and by the file itself."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from demo_site.library.models import Artwork
from demo_site.library.tiles import make_tiles
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.browser.policies import under_policy
from tests.demo.test_tiles import stored

WIDTH, HEIGHT = 2800, 1400
QUARTERS = {
    (0, 0): (200, 40, 40),
    (1, 0): (40, 160, 60),
    (0, 1): (40, 60, 200),
    (1, 1): (220, 200, 60),
}


def quarters(width: int, height: int) -> Image.Image:
    """A colour a quarter."""
    image = Image.new("RGB", (width, height))
    for (column, row), colour in QUARTERS.items():
        image.paste(colour, (column * width // 2, row * height // 2, width, height))
    return image


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A large scan, cut into tiles."""
    artwork = stored(quarters(WIDTH, HEIGHT))
    make_tiles(artwork)
    assert artwork.thumbnail
    return artwork


@pytest.fixture
def small(live_server: Any) -> Artwork:
    """A picture that browsers take whole."""
    artwork = stored(quarters(600, 400))
    assert artwork.thumbnail
    return artwork


def link(page: Page) -> Any:
    return page.get_by_role("link", name="Look closely")


def view(page: Page) -> Any:
    return page.get_by_role("application", name="Scan")


def opened(page: Page, artwork: Artwork) -> Page:
    """The page of a picture whose viewer is open and at rest."""
    page.goto(artwork.get_absolute_url())
    link(page).click()
    return settled(page)


def settled(page: Page) -> Page:
    """When nothing moves any more, and all of what is in view is sharp."""
    expect(view(page)).to_have_attribute("data-still", "true")
    expect(view(page)).to_have_attribute("data-sharp", "true")
    return page


def scale_of(page: Page) -> float:
    """CSS pixels a pixel of the scan."""
    return float(view(page).get_attribute("data-scale"))


def colour_at(page: Page, across: float, down: float) -> tuple[int, ...]:
    """What is drawn at a place of the canvas, in shares of its sides."""
    script = """([x, y]) => {
      const canvas = document.querySelector(".viewer canvas");
      const place = [x * canvas.width, y * canvas.height].map(Math.floor);
      return [...canvas.getContext("2d").getImageData(...place, 1, 1).data].slice(0, 3);
    }"""
    return tuple(page.evaluate(script, [across, down]))


def is_quarter(colour: tuple[int, ...], quarter: tuple[int, int]) -> bool:
    pairs = zip(colour, QUARTERS[quarter], strict=True)
    return max(abs(one - other) for one, other in pairs) < 8


def test_shows_the_whole_picture_first(page: Page, artwork: Artwork) -> None:
    opened(page, artwork)
    assert page.get_by_role("dialog", name="Scan").is_visible()
    for column, row in QUARTERS:
        colour = colour_at(page, 0.4 + 0.2 * column, 0.4 + 0.2 * row)
        assert is_quarter(colour, (column, row))


def test_keys_alone_open_move_and_close_it(page: Page, artwork: Artwork) -> None:
    page.goto(artwork.get_absolute_url())
    link(page).focus()
    page.keyboard.press("Enter")
    expect(view(page)).to_be_focused()
    whole = scale_of(settled(page))

    for _ in range(4):
        page.keyboard.press("+")
    assert scale_of(settled(page)) > 4 * whole
    for key in ("ArrowRight", "ArrowDown"):
        for _ in range(3):
            page.keyboard.press(key)
    assert is_quarter(colour_at(settled(page), 0.5, 0.5), (1, 1))
    page.keyboard.press("-")
    assert whole < scale_of(settled(page)) < 6 * whole
    page.keyboard.press("0")
    assert scale_of(settled(page)) == whole

    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(link(page)).to_be_focused()


def test_the_keyboard_stays_within_it(page: Page, artwork: Artwork) -> None:
    opened(page, artwork)
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = (
            "document.activeElement === document.body || document.activeElement.closest('dialog')"
        )
        assert page.evaluate(f"Boolean({inside})")
    page.keyboard.press("/")  # which leads to the search on the page below
    expect(
        page.get_by_role("searchbox", name="Search title", include_hidden=True)
    ).not_to_be_focused()


def test_nothing_is_nearer_than_four_pixels_a_pixel_or_farther_than_whole(
    page: Page, artwork: Artwork
) -> None:
    whole = scale_of(opened(page, artwork))
    for _ in range(20):
        page.keyboard.press("+")
    assert scale_of(settled(page)) == 4
    for _ in range(20):
        page.keyboard.press("-")
    assert scale_of(settled(page)) == whole


def test_the_wheel_comes_nearer_to_what_is_under_the_mouse(page: Page, artwork: Artwork) -> None:
    whole = scale_of(opened(page, artwork))
    box = view(page).bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    for _ in range(4):
        page.mouse.wheel(0, -200)
    assert scale_of(settled(page)) > 5 * whole
    assert is_quarter(colour_at(page, 0.5, 0.5), (0, 0))


def test_pressing_twice_comes_nearer_and_dragging_moves(page: Page, artwork: Artwork) -> None:
    whole = scale_of(opened(page, artwork))
    view(page).dblclick()
    nearer = scale_of(settled(page))
    assert nearer == pytest.approx(2.5 * whole, rel=0.01)

    box = view(page).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 300, middle[1] + 200, steps=4)
    page.mouse.up()
    assert scale_of(settled(page)) == nearer
    assert is_quarter(colour_at(page, 0.5, 0.5), (0, 0))


def test_two_fingers_come_nearer(visit: Visit, artwork: Artwork) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    whole = scale_of(opened(page, artwork))
    touch = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), *(("touchMove", 40 + 20 * n) for n in range(1, 6))):
        points = [{"x": 195 - apart, "y": 400, "id": 1}, {"x": 195 + apart, "y": 400, "id": 2}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert scale_of(settled(page)) > 2 * whole


def test_only_tiles_in_view_are_asked_for_and_never_the_file(page: Page, artwork: Artwork) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, artwork)
    assert not [url for url in asked if url.endswith("/12/0_0.jpg")]
    for _ in range(8):
        page.keyboard.press("+")
    settled(page)
    finest = [url for url in asked if "/12/" in url]
    assert 0 < len(finest) < 16
    assert not [url for url in asked if url.endswith(artwork.image.url)]


def test_a_small_picture_is_its_file(page: Page, small: Artwork) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, small)
    assert [url for url in asked if url.endswith(small.image.url)]
    assert scale_of(page) == 1


def test_says_so_where_a_tile_cannot_be_loaded_and_tries_again(
    page: Page, artwork: Artwork
) -> None:
    page.goto(artwork.get_absolute_url())
    page.route("**/tiles/**", lambda route: route.abort())
    link(page).click()
    status = page.locator(".viewer-status")
    expect(status).to_have_text("A part of the picture could not be loaded. Move it to try again.")
    page.unroute("**/tiles/**")
    page.keyboard.press("+")
    settled(page)
    expect(status).to_contain_text("% of the scan’s size")


def test_without_motion_it_is_there_at_once(visit: Visit, artwork: Artwork) -> None:
    page = visit(reduced_motion="reduce")
    whole = scale_of(opened(page, artwork))
    script = """() => new Promise((done) => {
      const view = document.querySelector(".viewer-view");
      view.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
      requestAnimationFrame(() => requestAnimationFrame(() => done(Number(view.dataset.scale))));
    })"""
    assert page.evaluate(script) == pytest.approx(1.6 * whole, rel=0.01)


def test_without_javascript_the_picture_leads_to_its_file(visit: Visit, artwork: Artwork) -> None:
    page = visit(java_script_enabled=False)
    page.goto(artwork.get_absolute_url())
    link(page).click()
    assert page.url.endswith(artwork.image.url)


def test_a_strict_policy_refuses_nothing_of_it(page: Page, artwork: Artwork) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))

    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "style-src-attr 'unsafe-inline'; connect-src 'self'"
    )
    page.route(f"**{artwork.get_absolute_url()}", under_policy(policy))
    opened(page, artwork)
    page.keyboard.press("+")
    settled(page)
    assert not [text for text in refused if "Content Security Policy" in text]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    visit: Visit, artwork: Artwork, axe: str, width: int, scheme: str
) -> None:
    page = visit(viewport={"width": width, "height": 640}, color_scheme=scheme)
    opened(page, artwork)
    assert violations(page, axe) == []
    for button in page.get_by_role("dialog").get_by_role("button").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert view(page).bounding_box()["height"] > 300
