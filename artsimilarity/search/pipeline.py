"""The steps of a search, in their order: find, show each print once, vary, explain."""

from __future__ import annotations

from typing import Any

from artsimilarity.search import cache
from artsimilarity.search.cursor import Cursor
from artsimilarity.search.diversity import CANDIDATES, diversify
from artsimilarity.search.nearest import nearest
from artsimilarity.search.prints import without_duplicates
from artsimilarity.search.request import DEEPEST_WITHOUT_DUPLICATES, Search
from artsimilarity.search.why import explain

# Pictures fetched beyond the page at first, so that a few duplicates cost no second search.
_SPARE = 4
# Pictures that one page without duplicates reads at most; it ends short where these do not do.
_MOST_READ = 4 * DEEPEST_WITHOUT_DUPLICATES


def find_page(search: Search) -> list[Any]:
    """Return the pictures of the page that is asked for, nearest first unless they are varied."""
    page = search.page
    count = max(page.limit, CANDIDATES) if page.is_varied else page.limit
    if not page.hide_duplicates:
        found = _find(search, limit=count, after=page.after, varied=page.is_varied)
    else:
        found = _each_print_once(search, count)
        if page.is_varied:
            found = diversify(found, search)
    if page.why:
        explain(found, search)
    return found


def _find(search: Search, *, limit: int, after: Cursor | None, varied: bool) -> list[Any]:
    """The nearest pictures, or varied ones among them; from the cache if they were found just now.

    Who may see what, and what was said to be no duplicate, count as they are at this moment: of
    neither is anything remembered.
    """
    key = cache.key_for(search, limit=limit, after=after, varied=varied)
    found = cache.read(key, search.pictures)
    if found is None:
        style = search.page.style
        found = nearest(search.pictures, search.query, limit=limit, style=style, after=after)
        if varied:
            found = diversify(found, search)
        cache.write(key, found)
    return found


def _each_print_once(search: Search, count: int) -> list[Any]:
    """The ``count`` nearest pictures, of duplicates only the nearest.

    More are fetched until the page is full. Those of earlier pages are fetched again, as what they
    hide does not show on later pages either.
    """
    after = search.page.after
    # What is hidden depends on all that lies nearer, so every page reads those before it again.
    wanted = count + _SPARE + (after.count if after else 0)
    while True:
        found = _find(search, limit=wanted, after=None, varied=False)
        kept = without_duplicates(found, search)
        if after:
            kept = _behind(found, kept, after)
        if len(kept) >= count or len(found) < wanted or wanted >= _MOST_READ:
            return kept[:count]
        wanted = min(2 * wanted, _MOST_READ)


def _behind(found: list[Any], kept: list[Any], after: Cursor) -> list[Any]:
    """Those of ``kept`` that no earlier page came by; ``found`` has all, in the same order."""
    keys = [str(picture.pk) for picture in found]
    if after.key in keys:
        passed = set(keys[: keys.index(after.key) + 1])
        return [picture for picture in kept if str(picture.pk) not in passed]
    # The last one was hidden or taken away meanwhile: what was shown with it lies no farther.
    return [picture for picture in kept if _follows(picture, after)]


def _follows(picture: Any, after: Cursor) -> bool:
    if -picture.similarity != after.distance:
        return bool(-picture.similarity > after.distance)
    return bool(picture.pk > picture._meta.pk.to_python(after.key))
