"""README's own example in a blank project: what a newcomer has on the screen in the end.

``SCREENSHOTS`` names a folder in which to keep what Chromium shows.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo_site.samples import draw, samples
from tests.browser.conftest import browser as browser  # the same Chromium
from tests.hosts.conftest import NewSite
from tests.hosts.environments import ROOT

pytestmark = pytest.mark.hosts

_PICTURES = 10


def example(language: str, holding: str) -> str:
    """README's one example that holds a text, without the list's indentation."""
    blocks = re.findall(
        rf"^ *```{language}\n(.*?)^ *```", (ROOT / "README.md").read_text(), re.S | re.M
    )
    (found,) = (block for block in blocks if holding in block)
    lines = found.splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[indent:] for line in lines)


@pytest.fixture(scope="module")
def address(new_site: NewSite) -> Iterator[str]:
    """The page of a picture in a site that holds README's examples and nothing else."""
    with new_site("readme") as site:
        site.migrate(after=False)
        site.create_after()
        model = example("python", "class Artwork(SimilarityMixin")
        imports = "from django.db import models\nfrom django.urls import reverse\n"
        (site.after / "gallery" / "models.py").write_text(f"{imports}{model}")
        admin = example("python", "class ArtworkAdmin(SimilarityAdminMixin")
        imports = "from django.contrib import admin\nfrom gallery.models import Artwork\n"
        (site.after / "gallery" / "admin.py").write_text(f"{imports}{admin}")
        (site.after / "templates").mkdir()
        (site.after / "templates" / "artwork.html").write_text(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>{{ artwork }}</title></head><body><h1>{{ artwork }}</h1>"
            '<img src="{{ artwork.image.url }}" alt="" style="max-width: 100%">\n'
            f"{example('html', 'more_like_this artwork')}</body></html>"
        )
        site.manage("makemigrations")
        site.migrate()
        (site.after / "pictures.json").write_text(json.dumps(drawn(site.folder)))
        with site.worker():
            site.run("-m", "load")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = ("-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}")
        with site.process("server", *server, ready="Quit the server"):
            yield f"http://127.0.0.1:{port}/artworks/1/"


def drawn(folder: Path) -> list[dict[str, str]]:
    """Sample pictures as files, one of them a TIFF, and what an editor would say of each."""
    facts = []
    for number, sample in enumerate(samples()[:_PICTURES]):
        path = folder / f"{sample.slug}.{'tif' if number == 4 else 'jpg'}"
        draw(sample).save(path)
        facts.append({"path": str(path), "title": sample.title, "artist": sample.artist})
    return facts


@pytest.fixture(params=[390, 1280], ids=["390px", "1280px"])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """The page in a window as wide as a telephone's, or a computer's."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.add_style_tag(content="*, *::before { animation: none !important }")
    page.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/readme-{request.param}px.png", full_page=True)
    yield page
    context.close()


def test_every_neighbour_is_shown_with_its_title(page: Any) -> None:
    titles = page.locator(".artsimilarity-title").all_inner_texts()
    assert len(titles) == 8
    assert {title.splitlines()[0] for title in titles} <= {one.title for one in samples()}


def test_every_neighbour_is_a_link(page: Any) -> None:
    assert page.locator("a.artsimilarity-link").count() == 8


def test_every_picture_is_shown_whole_and_no_larger_than_needed(page: Any) -> None:
    shown = page.locator(".artsimilarity-image").evaluate_all(
        """all => all.map(one => ({
            natural: one.naturalWidth,
            shown: one.getBoundingClientRect().width,
            fit: getComputedStyle(one).objectFit,
        }))"""
    )
    assert all(one["natural"] > 0 for one in shown), shown  # none is broken
    assert all(one["natural"] <= 4 * one["shown"] for one in shown), shown
    assert all(one["fit"] != "cover" for one in shown)


def test_nothing_is_wider_than_the_window(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
