"""axe-core finds nothing on the demo's pages, light or dark, small or large, closed or open.

``AXE_PATH`` names ``axe.min.js`` of the npm package axe-core; without it these tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from artsimilarity.atlas.making import make_map
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.browser.conftest import Visit
from tests.pictures import make_artwork, make_embedded

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = "rules => axe.run({ runOnly: rules })"


@pytest.fixture(scope="session")
def axe() -> str:
    """The script."""
    named = os.environ.get("AXE_PATH", "")
    if not named:
        pytest.skip("needs axe-core: npm install axe-core, and AXE_PATH names its axe.min.js")
    return Path(named).read_text(encoding="utf-8")


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A picture with a page of neighbours and more, and one that has none yet."""
    for number in range(14):
        facts = {"artist": "An Artist", "year": "1857", "technique": "woodcut"}
        make_embedded(f"Near {number}", [1, 0.1 * number], width=400, height=300, **facts)
    assert make_artwork("Waiting").thumbnail
    return make_embedded("Wave", [1, 0], credit="A museum", licence="https://example.org/")


def violations(page: Page, axe: str) -> list[str]:
    """What it finds, with the first element of each."""
    page.evaluate(axe)
    answer = page.evaluate(_RUN, _RULES)
    assert answer["passes"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in answer["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_finds_nothing(visit: Visit, artwork: Artwork, axe: str, width: int, scheme: str) -> None:
    page = visit(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto("/")
    page.get_by_role("button", name="Add to light table “Wave”").click()
    own = artwork.get_absolute_url()
    make_map(Library.of(Artwork))
    found = {}
    for address in (
        "/",
        "/?technique=woodcut",
        "/?q=nothing",
        own,
        f"{own}?among=near",
        "/light-table/",
        "/map/",
        f"/map/?layout=colours&from={artwork.pk}",
        "/by-colour/?colour=%23c81e1e&weight=4",
        "/by-picture/",
        "/upload/",
        "/nowhere/",
    ):
        page.goto(address)
        found[address] = violations(page, axe)
        for details in page.locator("details").all():
            details.evaluate("one => { one.open = true; }")
            found[address] += violations(page, axe)
            details.evaluate("one => { one.open = false; }")
    assert not any(found.values()), found
