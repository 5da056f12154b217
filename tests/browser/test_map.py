"""The map in a browser: drawn, moved, zoomed, by mouse and by keys; a list without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from demo_site.library.models import Artwork
from tests.atlas.drawn import fill_map, make_mapped, put
from tests.browser.conftest import Visit

pytestmark = pytest.mark.django_db(transaction=True)

VIEW = ".artsimilarity-map-view"
DRAWN = f"{VIEW}[data-shown]"
STATUS = ".artsimilarity-map-status"


def shown(page: Any) -> int:
    """How many pictures are on the screen, once all are there."""
    return int(page.locator(DRAWN).get_attribute("data-shown"))


class TestWithScripts:
    def test_shows_the_whole_library(self, page: Any) -> None:
        make_mapped(20)
        page.goto("/map/")
        assert 10 <= shown(page) <= 20

    def test_arrow_keys_go_from_picture_to_picture_and_enter_opens_one(self, page: Any) -> None:
        make_mapped(20)
        page.goto("/map/")
        shown(page)
        page.locator(VIEW).focus()
        page.keyboard.press("ArrowRight")
        words = page.locator(STATUS).inner_text()
        title = words.split(";")[0]
        page.keyboard.press("Enter")
        page.wait_for_url("**/artworks/**")
        assert page.get_by_role("heading", name=title, exact=True).is_visible()

    def test_a_click_opens_the_picture_below_it(self, page: Any) -> None:
        artwork = make_mapped(3)[1]
        page.goto(f"/map/?from={artwork.pk}")
        shown(page)
        page.locator(VIEW).click()  # the picture that one came from stands in the middle
        page.wait_for_url(f"**{artwork.get_absolute_url()}")

    def test_dragging_moves_the_map_and_opens_nothing(self, page: Any) -> None:
        (artwork,) = make_mapped(1)
        page.goto(f"/map/?from={artwork.pk}")
        shown(page)
        box = page.locator(VIEW).bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 200, middle[1], steps=5)
        page.mouse.up()
        page.mouse.move(*middle)
        assert "/map/" in page.url
        assert page.locator(STATUS).inner_text() == ""  # it is not there any more
        page.mouse.move(middle[0] + 200, middle[1])
        assert page.locator(STATUS).inner_text() == "0"

    @pytest.mark.parametrize("way", ["wheel", "button", "key"])
    def test_coming_nearer_shows_finer_cells(self, page: Any, way: str) -> None:
        make_mapped(20)
        page.goto("/map/")
        shown(page)
        view = page.locator(VIEW)
        assert view.get_attribute("data-level") == "0"
        if way == "wheel":
            view.hover()
            for _turn in range(4):
                page.mouse.wheel(0, -200)
        elif way == "button":
            page.get_by_role("button", name="Nearer").click()
            page.get_by_role("button", name="Nearer").click()
        else:
            view.focus()
            page.keyboard.press("+")
            page.keyboard.press("+")
        page.locator(f"{VIEW}:not([data-level='0'])").wait_for()
        page.get_by_role("button", name="Whole map").click()
        page.locator(f"{DRAWN}[data-level='0']").wait_for()

    def test_two_fingers_come_nearer(self, visit: Visit) -> None:
        make_mapped(20)
        page = visit(has_touch=True)
        page.goto("/map/")
        shown(page)
        box = page.locator(VIEW).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = page.context.new_cdp_session(page)
        for kind, apart in (("touchStart", 20), ("touchMove", 60), ("touchMove", 120)):
            points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.locator(f"{VIEW}:not([data-level='0'])").wait_for()
        assert page.url.endswith("/map/")

    def test_another_layout_is_taken_without_a_new_page_and_its_list_comes_too(
        self, page: Any
    ) -> None:
        make_mapped(26)
        page.goto("/map/")
        shown(page)
        before = page.locator(".artsimilarity-title").all_inner_texts()
        page.evaluate("window.stayed = true")
        page.get_by_role("link", name="Colours").click()
        page.wait_for_url("**/map/?layout=colours")
        page.wait_for_function(
            "before => [...document.querySelectorAll('.artsimilarity-title')]"
            ".map((one) => one.innerText).join() !== before",
            arg=",".join(before),
        )
        assert page.evaluate("window.stayed")
        assert page.get_by_role("link", name="Colours").get_attribute("aria-current") == "true"
        assert shown(page) > 10

    def test_begins_at_the_picture_that_one_came_from(self, page: Any) -> None:
        artworks = make_mapped(26)
        # Each in a cell of its own, as the status tells of a crowd.
        put(artworks, *((10_000 * (turn % 6), 10_000 * (turn // 6)) for turn in range(26)))
        artwork = artworks[3]
        page.goto(artwork.get_absolute_url())
        page.get_by_role("link", name="On the map").click()
        shown(page)
        assert page.locator(STATUS).inner_text() == "3"
        page.locator(VIEW).hover()  # its middle
        assert page.locator(STATUS).inner_text() == "3"
        page.locator(VIEW).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{artwork.get_absolute_url()}")

    def test_begins_where_one_was_when_one_comes_back(self, page: Any) -> None:
        artwork = make_mapped(20)[3]
        page.goto(f"/map/?from={artwork.pk}")
        shown(page)
        page.locator(VIEW).focus()
        page.keyboard.press("+")
        page.keyboard.press("+")
        page.wait_for_timeout(800)
        level = page.locator(VIEW).get_attribute("data-level")
        page.keyboard.press("Enter")
        page.wait_for_url("**/artworks/**")
        page.go_back()
        shown(page)
        assert page.locator(VIEW).get_attribute("data-level") == level

    def test_begins_anew_where_it_was_never_seen_before(self, page: Any) -> None:
        make_mapped(3)
        unseen = f"{VIEW} {{ display: none; }}"  # as in a box that is closed
        page.route("**/map.css", lambda route: route.fulfill(body=unseen, content_type="text/css"))
        page.goto("/map/")
        page.emulate_media(color_scheme="dark")
        assert not page.locator(VIEW).is_visible()
        page.unroute("**/map.css")
        page.reload()
        assert shown(page) > 0

    def test_a_hidden_picture_is_not_drawn(self, page: Any) -> None:
        put(make_mapped(3), (0, 0), (10_000, 0), (20_000, 0))
        Artwork.objects.filter(title="1").update(published=False)
        page.goto("/map/")
        assert shown(page) == 2

    def test_who_wants_no_motion_gets_none(self, visit: Visit) -> None:
        make_mapped(20)
        page = visit(reduced_motion="reduce")
        page.goto("/map/")
        shown(page)
        page.get_by_role("button", name="Nearer").click()
        page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        assert page.locator(VIEW).get_attribute("data-level") != "0"


class TestFrames:
    @pytest.mark.figures
    @pytest.mark.parametrize("count", [2_000, 20_000])
    def test_are_drawn_while_one_goes_about(self, page: Any, count: int) -> None:
        """Prints how long they take, and asserts nothing of it: other work takes time, too."""
        fill_map(count)
        page.goto("/map/")
        shown(page)
        page.wait_for_timeout(500)  # sheets
        page.evaluate(_RECORD)
        view = page.locator(VIEW)
        view.hover()
        box = view.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for _turn in range(12):
            page.mouse.wheel(0, -60)
            page.wait_for_timeout(50)
        page.mouse.down()
        page.mouse.move(middle[0] - 300, middle[1] - 200, steps=30)
        page.mouse.up()
        page.get_by_role("link", name="Colours").click()
        page.wait_for_timeout(800)
        page.get_by_role("button", name="Whole map").click()
        page.wait_for_timeout(800)
        times = sorted(page.evaluate("window.frames_ms"))
        assert len(times) > 20
        share = sum(one < 33 for one in times) / len(times)
        print(
            f"{count} pictures: {len(times)} frames, {100 * share:.1f} % below 33 ms, "
            f"median {times[len(times) // 2]:.1f} ms, 95 % within "
            f"{times[int(0.95 * len(times))]:.1f} ms"
        )


# Times from frame to frame, as the browser has them.
_RECORD = """() => {
  window.frames_ms = [];
  let last = performance.now();
  const note = (now) => {
    window.frames_ms.push(now - last);
    last = now;
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


class TestWithoutScripts:
    def test_the_list_leads_through_all_neighbourhoods(self, visit: Visit) -> None:
        make_mapped(26)
        page = visit(java_script_enabled=False)
        page.goto("/map/")
        assert not page.locator(VIEW).is_visible()
        seen = page.locator(".artsimilarity-title").all_inner_texts()
        page.get_by_role("link", name="Next neighbourhood").click()
        seen += page.locator(".artsimilarity-title").all_inner_texts()
        assert len(set(seen)) == 26
        page.get_by_role("link", name="Colours").click()
        assert page.locator(".artsimilarity-title").count() == 24
        page.locator(".artsimilarity-link").first.click()
        page.wait_for_url("**/artworks/**")
