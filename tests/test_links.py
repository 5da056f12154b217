"""Every link of README, CHANGELOG, CONTRIBUTING and docs/ leads to a file and a heading that exist.

Links to other sites are not followed. Anchors are made as GitHub and the built site make them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.documents import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1 *$", re.M | re.S)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)
_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"|^\(([\w-]+)\)=$", re.M)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_DEFINITION = re.compile(r"^ *\[[^]]+\]: +(\S+)", re.M)


def prose(text: str) -> str:
    """A page without its code, in which what looks like a link is none."""
    return _CODE.sub("", _FENCE.sub("", text))


def links(text: str) -> Iterator[str]:
    """The targets of a page's links and images, wherever they lead."""
    rest = prose(text)
    yield from _LINK.findall(rest)
    yield from _DEFINITION.findall(rest)


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them; and anchors by hand."""
    seen: Counter[str] = Counter()
    found = set()
    unfenced = _FENCE.sub("", text)
    for heading in _HEADING.findall(unfenced):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found | {one or other for one, other in _ANCHOR.findall(unfenced)}


@cache
def _anchors_of(page: Path) -> set[str]:
    return anchors(page.read_text())


def dead(page: Path, text: str) -> list[str]:
    """The links of a page, with this text, that lead nowhere."""
    found = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        if not target.exists() or not target.is_relative_to(ROOT):
            found.append(link)
        elif anchor and target.suffix == ".md":
            known = anchors(text) if target == page else _anchors_of(target)
            if unquote(anchor) not in known:
                found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead(page, page.read_text()) == []


def test_links_are_found_across_lines_and_not_in_code() -> None:
    code = "`[no](two.md)`\n```\n[no](three.md)\n```\n"
    text = f"[two\nlines](one.md#a) {code}![](four.png)\n[x]: five"
    assert list(links(text)) == ["one.md#a", "four.png", "five"]


def test_equal_headings_have_anchors_of_their_own() -> None:
    text = "# A `b`, c!\n## [Same](x.md)\n## Same\n```\n# no\n```\n"
    assert anchors(text) == {"a-b-c", "same", "same-1"}


@pytest.mark.parametrize(
    "link", ["docs/missing.md", "docs/design.md#no-such-heading", "#no-such-heading", "../outside"]
)
def test_a_dead_link_is_noticed(link: str) -> None:
    assert dead(ROOT / "README.md", f"[text]({link})") == [link]
