"""README, CHANGELOG and CONTRIBUTING as pages of the site, with their links led to its other pages.

They lie in the repository's root, where everybody looks for them; their pages in ``docs/project``
hold but a link there, for whoever reads that folder on its own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_PAGES = {
    "README.md": "project/readme",
    "CHANGELOG.md": "project/changelog",
    "CONTRIBUTING.md": "project/contributing",
}
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")


def lead(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace a root page's text, and on all pages the links to one."""
    docs = Path(app.srcdir)
    root, folder = docs.parent, (docs / name).parent
    own = next((file for file, page in _PAGES.items() if page == name), None)
    if own:
        source[0] = (root / own).read_text()

    def led(link: re.Match[str]) -> str:
        target = ((root if own else folder) / link[1]).resolve()
        page = _PAGES.get(target.name) if target.parent == root else None
        if page:
            target = docs / f"{page}.md"
        elif not own:
            return link[1]
        # Path.relative_to() goes upwards from Python 3.12 on.
        return Path(os.path.relpath(target, folder)).as_posix()

    source[0] = _LINK.sub(led, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", lead)
    return {"parallel_read_safe": True}
