"""Forms in the admin's pages, as HTML."""

from __future__ import annotations


def form_of(page: str, form_id: str) -> str:
    """What stands in the form of that id, from its own attributes on."""
    return page[page.index(f'id="{form_id}"') :].partition("</form>")[0]
