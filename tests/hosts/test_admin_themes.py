"""The app's part of the admin under Django's own looks, django-unfold and django-jazzmin.

A theme resets or styles every element in its own way, so what is looked at is what an administrator
sees: measures and colours in Chromium. ``SCREENSHOTS`` names a folder in which to keep the pages.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo_site.samples import draw, samples
from tests.browser.conftest import axe as axe
from tests.browser.conftest import browser as browser  # the same Chromium
from tests.hosts.conftest import NewSite

pytestmark = pytest.mark.hosts

_PICTURES = 8
PAGES = {
    "index": "/admin/",
    "list": "/admin/gallery/artwork/",
    "picture": "/admin/gallery/artwork/1/change/",
    "library": "/admin/gallery/artwork/library/",
    "confirmation": "/admin/gallery/artwork/library/all/",
    "duplicates": "/admin/gallery/artwork/library/duplicates/",
}
_OURS = ".artsimilarity-page, .artsimilarity-panel, .artsimilarity-bar, .artsimilarity-notices"


@dataclass(frozen=True)
class Admin:
    """An admin of pictures, and how to open its pages."""

    theme: str
    address: str
    browser: Any
    cookies: list[Any]
    opened: dict[tuple[str, int, str], Any] = field(default_factory=dict)

    def look_at(self, name: str, width: int, *, scheme: str = "light") -> Any:
        """Return one of ``PAGES`` for a test that leaves it as it is; each is opened once."""
        key = name, width, scheme
        if key not in self.opened:
            self.opened[key] = self.open(name, width, scheme=scheme)
        return self.opened[key]

    def open(self, name: str, width: int, *, scheme: str = "light") -> Any:
        """Open one of ``PAGES`` in a window of that width, as a superuser."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        context.add_cookies(self.cookies)
        page = context.new_page()
        page.goto(f"{self.address}{PAGES[name]}")
        page.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
        page.wait_for_load_state("networkidle")
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=f"{folder}/{self.theme}-{name}-{width}-{scheme}.png", full_page=True
            )
        return page


@pytest.fixture(scope="module", params=["django", "unfold", "jazzmin"])
def admin(request: pytest.FixtureRequest, new_site: NewSite, browser: Any) -> Iterator[Admin]:
    """A small library under each theme: two scans of one print, one picture that failed."""
    theme: list[str] = [] if request.param == "django" else [request.param]
    with new_site("readme", "themed", *theme) as site:
        site.migrate(after=False)
        site.create_after()
        site.manage("makemigrations", "gallery")
        site.migrate()
        (site.after / "pictures.json").write_text(json.dumps(drawn(site.folder)))
        with site.worker():
            site.run("-m", "load")
        site.manage("find_duplicates")
        site.run("-m", "fail")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = ("-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}")
        with site.process("server", *server, ready="Quit the server"):
            address = f"http://127.0.0.1:{port}"
            yield Admin(request.param, address, browser, logged_in(browser, address))


def drawn(folder: Path) -> list[dict[str, str]]:
    """Sample pictures as files, the first of them twice, and what an editor would say of each."""
    facts = []
    for sample in samples()[:_PICTURES]:
        path = folder / f"{sample.slug}.jpg"
        draw(sample).save(path)
        facts.append({"path": str(path), "title": sample.title, "artist": sample.artist})
    again = shutil.copy(facts[0]["path"], folder / "second-scan.jpg")
    facts.append({**facts[0], "path": str(again), "title": f"{facts[0]['title']} (second scan)"})
    return facts


def logged_in(browser: Any, address: str) -> list[Any]:
    """The cookies of a superuser who has logged in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/admin/login/?next=/admin/")
    page.fill("[name=username]", "editor")
    page.fill("[name=password]", "editor")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/admin/")
    cookies: list[Any] = context.cookies()
    context.close()
    return cookies


@pytest.fixture(params=[390, 1280], ids=["390px", "1280px"])
def width(request: pytest.FixtureRequest) -> int:
    """A telephone's window, and a computer's."""
    wide: int = request.param
    return wide


@pytest.mark.parametrize("name", ["picture", "library", "confirmation", "duplicates"])
def test_what_can_be_pressed_looks_like_a_button(admin: Admin, width: int, name: str) -> None:
    page = admin.look_at(name, width)
    looks = page.locator(
        ":is(.artsimilarity-page, .artsimilarity-panel) :is(button, a)"
    ).evaluate_all(
        """all => all.filter(one => one.matches('button, [class*=button]')).map(one => {
            const style = getComputedStyle(one), box = one.getBoundingClientRect();
            const parts = style.backgroundColor.match(/[\\d.]+/g).map(Number);
            const filled = parts.length < 4 || parts[3] > 0;
            const framed = parseFloat(style.borderTopWidth) >= 1;
            return { text: one.textContent, shape: filled || framed, high: box.height };
        })"""
    )
    assert looks
    assert all(one["shape"] and one["high"] >= 28 for one in looks), looks


def test_no_name_runs_into_its_number(admin: Admin, width: int) -> None:
    page = admin.look_at("library", width)
    gaps = page.locator(".artsimilarity-tables tr:has(th)").evaluate_all(
        """rows => rows.map(row => {
            const places = [...row.cells].map(cell => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return range.getBoundingClientRect();
            });
            return places[1].left - places[0].right;
        })"""
    )
    assert len(gaps) >= 5
    assert min(gaps) >= 12


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_ours_is_wider_than_the_window(admin: Admin, width: int, name: str) -> None:
    page = admin.look_at(name, width)
    ours = page.locator(f":is({_OURS})")
    assert ours.count()
    edges = page.locator(f":is({_OURS}), :is({_OURS}) *").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().right)"
    )
    assert max(edges) <= width


@pytest.mark.parametrize("name", ["library", "confirmation", "duplicates"])
def test_a_page_of_ours_has_one_heading_that_says_what_it_is(admin: Admin, name: str) -> None:
    page = admin.look_at(name, 390)
    titles = {
        "library": "Embeddings of the library",
        "confirmation": "Re-embed everything",
        "duplicates": "Near-duplicates",
    }
    ours = page.locator("#content-main > h1")
    assert ours.inner_text() == titles[name]
    assert ours.is_visible()


def test_the_list_leads_to_the_page_of_the_library(admin: Admin, width: int) -> None:
    page = admin.open("list", width)
    page.get_by_role("link", name="Embeddings of the library").click()
    assert page.url.endswith(PAGES["library"])


def test_fields_for_numbers_have_a_frame(admin: Admin, width: int) -> None:
    page = admin.look_at("picture", width)
    frames = page.locator(".artsimilarity-numbers input").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).borderTopWidth))"
    )
    assert len(frames) == 5
    assert min(frames) >= 1


def test_headings_stand_out(admin: Admin) -> None:
    page = admin.look_at("library", 1280)
    weights = page.locator(".artsimilarity-page :is(h2, caption)").evaluate_all(
        "all => all.map(one => Number(getComputedStyle(one).fontWeight))"
    )
    assert weights
    assert min(weights) >= 600


def test_neighbours_stand_side_by_side(admin: Admin) -> None:
    page = admin.look_at("picture", 1280)
    tops = page.locator(".artsimilarity-panel .artsimilarity-neighbours > li").evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    )
    assert tops.count(tops[0]) > 3


def test_the_first_page_tells_of_the_failure(admin: Admin) -> None:
    page = admin.open("index", 1280)
    page.get_by_role("link", name="1 picture of “artworks” could not be embedded.").click()
    assert "embedding_status__exact=failed" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_is_ours(admin: Admin, axe: str, width: int, scheme: str) -> None:
    found = {}
    for name in PAGES:
        page = admin.look_at(name, width, scheme=scheme)
        page.evaluate(axe)
        answer = page.evaluate(
            """([ours, rules]) => axe.run({ include: [ours] }, { runOnly: rules })""",
            [_OURS, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]],
        )
        found[name] = [f"{one['id']}: {one['nodes'][0]['html']}" for one in answer["violations"]]
    assert not any(found.values()), found
