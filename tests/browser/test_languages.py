"""A visitor chooses a language, and pages have room for its words."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.languages.catalogues import LANGUAGES
from tests.pictures import make_artwork, make_embedded


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A picture with neighbours."""
    for number in range(8):
        facts = {"artist": "An Artist", "year": "1857", "technique": "woodcut"}
        make_embedded(f"Near {number}", [1, 0.1 * number], width=400, height=300, **facts)
    assert make_artwork("Waiting").thumbnail
    return make_embedded("Wave", [1, 0], width=400, height=300)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_visitor_chooses_one_and_stays_where_they_were(
    visit: Visit, artwork: Artwork, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    page.goto(f"{artwork.get_absolute_url()}?style=0.5")
    page.get_by_role("button", name="Deutsch").click()
    assert page.url.endswith(f"{artwork.get_absolute_url()}?style=0.5")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("slider").first).to_have_value("0.5")
    page.get_by_role("link", name="Sammlung").first.click()
    expect(page.get_by_role("button", name="Suchen")).to_be_visible()
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-current", "true")


def test_what_a_script_brings_is_in_it_too(visit: Visit, artwork: Artwork) -> None:
    page = visit(locale="fr-FR")
    page.goto(artwork.get_absolute_url())
    page.get_by_role("button", name="Poser sur la table lumineuse “Wave”").click()
    expect(page.locator("#table-news")).to_contain_text("est sur la table lumineuse")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_wider_than_a_telephone(visit: Visit, artwork: Artwork, language: str) -> None:
    page = visit(viewport={"width": 390, "height": 844}, locale=language)
    wide = []
    for address in (
        "/",
        artwork.get_absolute_url(),
        f"/light-table/?like={artwork.pk}",
        "/map/",
        "/by-colour/?colour=%23c81e1e&weight=4",
        "/by-picture/",
        "/upload/",
    ):
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(address)
    assert wide == []
