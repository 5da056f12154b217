"""axe-core finds nothing on the demo's pages, light or dark, small or large, closed or open.

``AXE_PATH`` names ``axe.min.js`` of the npm package axe-core; without it these tests are skipped.
"""

from __future__ import annotations

from typing import Any

import pytest

from artsimilarity.atlas.making import make_map
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.pictures import make_artwork, make_embedded


@pytest.fixture
def artwork(live_server: Any) -> Artwork:
    """A picture with a page of neighbours and more, and one that has none yet."""
    for number in range(14):
        facts = {"artist": "An Artist", "year": "1857", "technique": "woodcut"}
        make_embedded(f"Near {number}", [1, 0.1 * number], width=400, height=300, **facts)
    assert make_artwork("Waiting").thumbnail
    return make_embedded("Wave", [1, 0], credit="A museum", licence="https://example.org/")


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
        f"/light-table/?like={artwork.pk}:much&unlike={artwork.pk - 1}",
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
