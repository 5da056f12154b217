"""A box drawn on a picture with mouse, finger and keys, and the pictures like what is in it.

A worker's part is stood in for: it takes the box for a vector, so that what is found tells which
box was asked for.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from playwright.sync_api import Page, Route, expect

from artsimilarity.own_picture import NotAnswered, asking
from artsimilarity.own_picture.message import Detail
from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.browser.policies import under_policy, until_loaded
from tests.pictures import make_embedded, picture_bytes, unit_blocks

pytestmark = pytest.mark.slow

NAMES = ("left", "top", "right", "bottom")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Detail]:
    """What a worker was asked for: a box left of the middle is like one picture, others another."""
    asked: list[Detail] = []

    def answer(_library: Any, message: Any, _recipe: Any) -> list[float]:
        asked.append(message)
        is_left = message.box.left + message.box.right < 1
        vector: list[float] = unit_blocks([is_left, not is_left], [1]).tolist()
        return vector

    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", answer)
    return asked


@pytest.fixture
def artwork(live_server: Any, asked: list[Detail]) -> Artwork:
    """A picture of two halves, and a picture like each."""
    cache.clear()
    make_embedded("Like the left", [1, 0])
    make_embedded("Like the right", [0, 1])
    artwork = make_embedded("Halves", [0.2, 1])
    artwork.image.save("halves.png", ContentFile(picture_bytes(side=600)), save=False)
    Artwork.objects.filter(pk=artwork.pk).update(
        image=artwork.image.name, embedding_image=artwork.image.name, embedding_status="ready"
    )
    assert artwork.thumbnail  # made before a page would wait for it
    return artwork


@pytest.fixture
def page(visit: Visit, artwork: Artwork) -> Any:
    """A visitor on the picture's page, who has opened the form."""
    page = visit()
    opened(page, artwork)
    yield page
    page.unroute_all(behavior="ignoreErrors")  # of a search that the test did not wait for


def opened(page: Page, artwork: Artwork) -> None:
    page.route(f"**{artwork.get_absolute_url()}*", under_policy())
    page.goto(artwork.get_absolute_url())
    page.get_by_text("Search by a detail", exact=True).click()
    until_loaded(page.locator(".artsimilarity-detail-image"))


def numbers(page: Page) -> list[float]:
    fields = (page.locator(f".artsimilarity-detail input[name={name}]") for name in NAMES)
    return [float(field.input_value()) for field in fields]


def drawing(page: Page) -> Any:
    return page.get_by_role("application", name="Detail to search by")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the picture to another, both in per cent."""
    drawing(page).scroll_into_view_if_needed()
    box = drawing(page).bounding_box()
    for place, press in ((start, page.mouse.down), (end, page.mouse.up)):
        across, down = place[0] / 100, place[1] / 100
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=5)
        press()


def status(page: Page) -> Any:
    return page.locator(".artsimilarity-detail [role=status]")


def first(page: Page) -> Any:
    return page.locator("#alike .artsimilarity-title").first


def test_a_box_drawn_with_the_mouse_shows_what_is_like_it(page: Page, asked: list[Detail]) -> None:
    expect(first(page)).to_have_text("Like the right")
    page.evaluate("window.sameDocument = true")

    drag(page, (10, 20), (45, 80))

    expect(first(page)).to_have_text("Like the left")
    expect(status(page)).to_have_text("Pictures like this detail: 2")
    expect(page.get_by_role("heading", name="More like this detail")).to_be_visible()
    assert numbers(page) == pytest.approx([10, 20, 45, 80], abs=1)
    (detail,) = asked
    assert detail.box.left == pytest.approx(0.1, abs=0.01)
    assert page.evaluate("window.sameDocument")


def test_it_is_moved_and_pulled_at_edges_and_corners(page: Page) -> None:
    drag(page, (20, 20), (60, 60))
    drag(page, (40, 40), (50, 30))
    assert numbers(page) == pytest.approx([30, 10, 70, 50], abs=1)
    drag(page, (30, 30), (10, 30))
    assert numbers(page) == pytest.approx([10, 10, 70, 50], abs=1)
    drag(page, (70, 50), (90, 90))
    assert numbers(page) == pytest.approx([10, 10, 90, 90], abs=1)
    drag(page, (50, 50), (100, 100))
    assert numbers(page) == pytest.approx([20, 20, 100, 100], abs=1)


def test_another_is_begun_beside_it(page: Page) -> None:
    drag(page, (10, 10), (30, 30))
    drag(page, (90, 90), (60, 50))
    assert numbers(page) == pytest.approx([60, 50, 90, 90], abs=1)


def test_one_is_drawn_although_a_field_is_empty(page: Page) -> None:
    page.get_by_label("Right, %").fill("")
    drawing(page).focus()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_label("Left, %").input_value() == "25"
    drag(page, (30, 30), (60, 70))
    assert numbers(page) == pytest.approx([30, 30, 60, 70], abs=1)


def test_it_is_never_smaller_than_is_searched_by(page: Page) -> None:
    drag(page, (97, 50), (99, 51))
    left, top, right, bottom = numbers(page)
    assert min(right - left, bottom - top) >= 5 - 1e-6
    assert max(right, bottom) <= 100


def test_a_click_draws_and_asks_nothing(page: Page, asked: list[Detail]) -> None:
    before = numbers(page)
    drag(page, (50, 50), (50, 50))
    assert numbers(page) == before
    assert asked == []


def test_the_keyboard_moves_it_resizes_it_and_searches(page: Page, asked: list[Detail]) -> None:
    drawing(page).focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert numbers(page) == [15, 23, 57, 75]
    expect(status(page)).to_have_text("From 15 to 57 % of the width, from 23 to 75 % of the height")
    assert asked == []

    page.keyboard.press("Enter")

    expect(first(page)).to_have_text("Like the left")
    expect(drawing(page)).to_be_focused()


def test_the_keyboard_does_not_leave_the_picture(page: Page) -> None:
    drawing(page).focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert numbers(page) == [50, 25, 100, 75]
    for _ in range(60):
        page.keyboard.press("Shift+ArrowLeft")
    assert numbers(page) == [50, 25, 55, 75]


def test_a_finger_draws_it(visit: Visit, artwork: Artwork) -> None:
    page = visit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    opened(page, artwork)
    drawing(page).scroll_into_view_if_needed()
    box = drawing(page).bounding_box()
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [
            {"x": box["x"] + x * box["width"] / 100, "y": box["y"] + y * box["height"] / 100}
            for x, y in places
        ]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (10, 10))
    for step in range(1, 9):
        touch("touchMove", (10 + 4 * step, 10 + 8 * step))
    touch("touchEnd")

    expect(first(page)).to_have_text("Like the left")
    assert numbers(page) == pytest.approx([10, 10, 42, 74], abs=2)


def test_what_is_typed_is_outlined_and_the_enter_key_searches(page: Page) -> None:
    page.get_by_label("Right, %").fill("40")
    assert page.locator(".artsimilarity-detail-box").get_attribute("width") == "15"
    page.get_by_label("Right, %").press("Enter")
    expect(first(page)).to_have_text("Like the left")


def test_the_box_stands_in_the_address_and_the_slider_keeps_it(
    page: Page, asked: list[Detail]
) -> None:
    drag(page, (10, 20), (45, 80))
    expect(first(page)).to_have_text("Like the left")
    page.get_by_role("slider", name="Compare by").press("End")
    expect(page).to_have_url(re.compile("style=1"))
    expect(page.locator("#alike")).not_to_have_attribute("aria-busy", "true")
    expect(first(page)).to_have_text("Like the left")
    assert {"left", "top", "right", "bottom", "style"} <= set(
        page.evaluate("[...new URL(location.href).searchParams.keys()]")
    )

    page.reload()

    expect(first(page)).to_have_text("Like the left")
    assert numbers(page) == pytest.approx([10, 20, 45, 80], abs=1)


def test_a_balance_moved_while_it_is_searched_for_holds(
    page: Page, asked: list[Detail], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, may_answer = asking.ask_worker, threading.Event()

    def answer_late(*args: Any) -> list[float]:
        assert may_answer.wait(10)
        return answer(*args)

    monkeypatch.setattr(asking, "ask_worker", answer_late)
    drag(page, (10, 20), (45, 80))
    with page.expect_response(re.compile("style=1$")):
        page.get_by_role("slider", name="Compare by").press("End")
    may_answer.set()

    expect(first(page)).to_have_text("Like the left")
    expect(page).to_have_url(re.compile("style=1&left=10"))
    assert len(asked) == 2


def test_an_older_balance_does_not_take_the_place_of_what_is_found(page: Page) -> None:
    late: list[Route] = []
    page.route(re.compile("style=1$"), lambda route: late.append(route))
    with page.expect_request(re.compile("style=1$")):
        page.get_by_role("slider", name="Compare by").press("End")
    drag(page, (10, 20), (45, 80))
    expect(first(page)).to_have_text("Like the left")

    with page.expect_response(re.compile("style=1$")):
        late[0].continue_()

    page.wait_for_timeout(300)
    expect(first(page)).to_have_text("Like the left")


def test_a_list_that_went_on_begins_anew(page: Page) -> None:
    page.evaluate("history.replaceState(null, '', '?after=further')")
    drag(page, (10, 20), (45, 80))
    expect(page).to_have_url(re.compile(r"/\?left="))
    page.evaluate("history.replaceState(null, '', location.href + '&after=further')")
    page.get_by_role("link", name="Search by the whole picture again").click()
    expect(page).to_have_url(re.compile(r"/(\?)?#alike$"))


def test_the_whole_picture_is_one_link_away(page: Page) -> None:
    link = page.get_by_role("link", name="Search by the whole picture again")
    expect(link).to_be_hidden()
    drag(page, (10, 20), (45, 80))
    expect(first(page)).to_have_text("Like the left")
    page.get_by_role("slider", name="Compare by").press("End")
    expect(page).to_have_url(re.compile("style=1"))
    link.click()
    expect(page).to_have_url(re.compile(r"/\?style=1#alike$"))
    expect(first(page)).to_have_text("Like the right")


def test_a_search_that_fails_leaves_the_list_and_says_why(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> Any:
        raise NotAnswered

    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", fail)
    drag(page, (10, 20), (45, 80))
    expect(status(page)).to_have_text(
        "No such search is possible right now. Try again in a moment."
    )
    expect(first(page)).to_have_text("Like the right")


def test_without_scripts_it_is_a_form_of_four_numbers(visit: Visit, artwork: Artwork) -> None:
    page = visit(java_script_enabled=False)
    page.goto(artwork.get_absolute_url())
    page.get_by_text("Search by a detail", exact=True).click()
    expect(drawing(page)).to_be_hidden()
    page.get_by_label("Right, %").fill("40")

    page.get_by_role("button", name="Search by this detail").click()

    expect(first(page)).to_have_text("Like the left")
    expect(page.get_by_label("Right, %")).to_have_value("40")
    page.get_by_role("link", name="Search by the whole picture again").click()
    expect(first(page)).to_have_text("Like the right")


def test_no_script_is_refused_by_a_strict_policy(visit: Visit, artwork: Artwork) -> None:
    page = visit()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    opened(page, artwork)
    drag(page, (10, 20), (45, 80))
    expect(first(page)).to_have_text("Like the left")
    # The demo's rows have styles of their own; that the form has none, its own tests say.
    assert [one for one in told if "inline style" not in one] == []
