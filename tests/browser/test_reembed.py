"""“Re-embed now” beside a form that an administrator has begun to edit."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.browser.conftest import Visit
from tests.pictures import make_embedded


@pytest.fixture
def artwork(
    live_server: Any, broker: Broker, admin_user: User, no_worker_is_waited_for: None
) -> Artwork:
    """A picture that is embedded, and an administrator to look after it."""
    return make_embedded("Saved")


def begin_to_edit(page: Page, artwork: Artwork) -> Any:
    """Log in, type another title on the picture's page, and return the field."""
    page.goto(reverse("admin:library_artwork_change", args=[artwork.pk]))
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    title = page.get_by_label("Title")
    title.fill("Not saved yet")
    return title


def test_unsaved_edits_stay_while_the_answer_is_told_beside_the_button(
    page: Page, artwork: Artwork, broker: Broker
) -> None:
    title = begin_to_edit(page, artwork)

    page.get_by_role("button", name="Re-embed now").click()

    expect(page.get_by_role("status")).to_contain_text("1 picture was sent to the queue.")
    expect(title).to_have_value("Not saved yet")
    assert broker.pks() == [str(artwork.pk)]


def test_without_scripts_unsaved_edits_stay_while_the_answer_is_told_in_another_tab(
    visit: Visit, artwork: Artwork, broker: Broker
) -> None:
    page = visit(java_script_enabled=False)
    title = begin_to_edit(page, artwork)

    with page.expect_popup() as tab:
        page.get_by_role("button", name="Re-embed now").click()

    expect(tab.value.get_by_text("1 picture was sent to the queue.")).to_be_visible()
    expect(title).to_have_value("Not saved yet")
    assert broker.pks() == [str(artwork.pk)]


def test_unsaved_edits_stay_when_the_server_cannot_be_reached(page: Page, artwork: Artwork) -> None:
    title = begin_to_edit(page, artwork)
    page.route("**/reembed/", lambda route: route.abort())
    button = page.get_by_role("button", name="Re-embed now")

    button.click()

    expect(page.get_by_role("status")).to_have_text("It could not be sent. Try again.")
    expect(title).to_have_value("Not saved yet")
    expect(button).to_be_enabled()


def test_the_words_above_the_neighbours_begin_where_their_heading_does(
    page: Page, artwork: Artwork
) -> None:
    make_embedded("Near")
    begin_to_edit(page, artwork)

    panel = page.locator(".artsimilarity-panel")
    begins = """(element) => {
        const words = document.createRange();
        words.selectNodeContents(element);
        return words.getBoundingClientRect().x;
    }"""
    heading = panel.get_by_role("heading", name="Nearest pictures").evaluate(begins)
    explanation = panel.get_by_text("Nearest first.").evaluate(begins)

    assert explanation == pytest.approx(heading, abs=1)
