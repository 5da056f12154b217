"""The picture's own area, drawn with the mouse and typed, on its admin page."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from artsimilarity.embedding import pipeline
from artsimilarity.encoder.pictures.crop import WHOLE
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.browser.policies import under_policy, until_loaded
from tests.encoder.scans import in_frame, painting

pytestmark = pytest.mark.slow

NAMES = ("left", "top", "right", "bottom")


@pytest.fixture
def scan(
    live_server: Any,
    settings: Settings,
    dead_broker: None,
    quick_encoder: None,
    no_worker_is_waited_for: None,
) -> Artwork:
    """A framed scan, embedded."""
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "RECIPE": "tests.recipes.AREA",
        "THUMBNAIL_SECONDS": 20.0,  # a busy machine shows a placeholder before
    }
    buffer = io.BytesIO()
    in_frame(painting(1))[0].save(buffer, "PNG")
    image = ContentFile(buffer.getvalue(), "scan.png")
    artwork = Artwork.objects.create(title="A scan", image=image)
    pipeline.embed(Library.of(Artwork), [artwork.pk])
    return artwork


@pytest.fixture
def page(visit: Visit, admin_client: Client, live_server: Any, scan: Artwork) -> Any:
    """An administrator on the scan's page, under a policy that allows no inline script or style."""

    page = visit()
    session = admin_client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text))
    page.route("**/change/", under_policy())
    page.goto(reverse("admin:library_artwork_change", args=[scan.pk]))
    # The picture has its size once it is there.
    until_loaded(page.locator(".artsimilarity-scan img"))
    yield page
    assert not [one for one in violations if "artsimilarity" in one]


def numbers(page: Page) -> list[float]:
    return [float(page.locator(f"#artsimilarity-area-{name}").input_value()) for name in NAMES]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the picture to another, both in per cent."""
    drawing = page.locator(".artsimilarity-scan svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box
    for place, press in ((start, page.mouse.down), (end, page.mouse.up)):
        across, down = place[0] / 100, place[1] / 100
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=5)
        press()


def test_a_rectangle_drawn_over_the_picture_fills_the_numbers(page: Page) -> None:
    before = page.locator(".artsimilarity-outline").get_attribute("points")
    drag(page, (40, 50), (70, 80))
    assert numbers(page) == pytest.approx([40, 50, 70, 80], abs=1)
    assert page.locator(".artsimilarity-outline").get_attribute("points") != before
    drag(page, (30, 20), (5, 10))
    assert numbers(page) == pytest.approx([5, 10, 30, 20], abs=1)


def test_its_edges_and_corners_are_pulled(page: Page) -> None:
    drag(page, (20, 20), (80, 80))
    drag(page, (20, 50), (30, 60))
    assert numbers(page) == pytest.approx([30, 20, 80, 80], abs=1)
    drag(page, (80, 80), (70, 60))
    assert numbers(page) == pytest.approx([30, 20, 70, 60], abs=1)
    drag(page, (70, 40), (10, 40))
    assert numbers(page) == pytest.approx([30, 20, 31, 60], abs=1)


def test_a_click_changes_nothing(page: Page) -> None:
    before = numbers(page)
    drag(page, (50, 50), (50, 50))
    assert numbers(page) == before


def test_what_is_typed_is_outlined_at_once(page: Page) -> None:
    drag(page, (20, 20), (80, 80))
    straight = page.locator(".artsimilarity-outline").get_attribute("points")
    page.get_by_label("Turned, °").fill("10")
    turned = page.locator(".artsimilarity-outline").get_attribute("points")
    assert turned != straight
    page.get_by_label("Left, %").press("ArrowUp")
    assert page.locator(".artsimilarity-outline").get_attribute("points") != turned


def test_is_drawn_on_the_scan_as_it_lies_turned_back(page: Page) -> None:
    page.get_by_label("Turned, °").fill("45")
    drag(page, (50, 50), (60, 50))
    left, top, right, bottom = numbers(page)
    # To the right on the screen is up and to the right on what lies turned clockwise by 45 degrees.
    assert left == pytest.approx(50, abs=1)
    assert bottom == pytest.approx(50, abs=1)
    assert right > 55
    assert top < 45


def test_is_kept_without_leaving_the_page_and_its_unsaved_edits(page: Page, scan: Artwork) -> None:
    page.get_by_label("Title").fill("An unsaved title")
    drag(page, (20, 20), (80, 80))
    page.get_by_role("button", name="Use this area").click()
    expect(page.locator("#artsimilarity-area-status")).to_contain_text("The area is kept")
    expect(page.get_by_label("Title")).to_have_value("An unsaved title")
    expect(page.get_by_role("button", name="Use this area")).to_be_focused()
    row = Artwork.objects.get(pk=scan.pk)
    assert row.embedding_area_by_hand.left == pytest.approx(0.2, abs=0.01)
    assert (row.title, row.embedding_status) == ("A scan", "pending")


def test_the_enter_key_uses_the_area_that_was_typed(page: Page, scan: Artwork) -> None:
    page.get_by_label("Left, %").fill("25")
    page.get_by_label("Left, %").press("Enter")
    expect(page.locator("#artsimilarity-area-status")).to_contain_text("The area is kept")
    assert Artwork.objects.get(pk=scan.pk).embedding_area_by_hand.left == 0.25


def test_the_whole_picture_is_shown_in_numbers_and_outline(page: Page, scan: Artwork) -> None:
    page.get_by_label("Left, %").fill("200")  # which no browser would send
    page.get_by_role("button", name="Use the whole picture").click()
    expect(page.locator("#artsimilarity-area-status")).to_contain_text("The whole picture is used")
    assert numbers(page) == [0, 0, 100, 100]
    assert Artwork.objects.get(pk=scan.pk).embedding_area_by_hand == WHOLE


def test_what_is_refused_is_told_in_place(page: Page, scan: Artwork) -> None:
    page.get_by_label("Left, %").fill("99")
    page.get_by_role("button", name="Use this area").click()
    expect(page.locator("#artsimilarity-area-status")).to_contain_text("The left edge lies before")
    assert Artwork.objects.get(pk=scan.pk).embedding_area_by_hand is None


def test_the_other_button_works_as_it_did(page: Page) -> None:
    page.get_by_role("button", name="Re-embed now").click()
    expect(page.locator("#artsimilarity-reembed-status")).to_contain_text("broker does not answer")
