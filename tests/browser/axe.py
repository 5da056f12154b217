"""What axe-core finds on a page; the fixture ``axe`` brings its script."""

from __future__ import annotations

from playwright.sync_api import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = "rules => axe.run({ runOnly: rules })"


def violations(page: Page, axe: str) -> list[str]:
    """What it finds, with the first element of each."""
    page.evaluate(axe)
    answer = page.evaluate(_RUN, _RULES)
    assert answer["passes"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in answer["violations"]]
