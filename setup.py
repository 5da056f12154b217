"""README as a package index shows it; everything else is in ``pyproject.toml``.

An index shows one page: links to other files of the project lead nowhere there, and pictures beside
it are not found. There is no address to point them at, so they become text.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

_FOR_READERS_OF_THE_FILE = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_WHERE_THE_PAGES_ARE = (
    "Pages that are named here without a link (`docs/…`) are in the source distribution, "
    "with the demo and the tests.\n"
)


def readme_for_an_index(readme: str) -> str:
    """Return README without what only works beside the project's other files.

    Args:
        readme: in Markdown, with links to files of the project.
    """
    shown = _LINK.sub(_without_target, _FOR_READERS_OF_THE_FILE.sub("", readme))
    shown = re.sub(r"\n{3,}", "\n\n", shown)
    return f"{shown}\n{_WHERE_THE_PAGES_ARE}"


def _without_target(link: re.Match[str]) -> str:
    """Return a link as it is if it leads elsewhere, else its words and the file it names."""
    text, target = link["text"], link["target"]
    if target.startswith(("https://", "http://")):
        return link[0]
    if link["picture"]:
        return ""
    path = target.partition("#")[0]
    return text if path in ("", text) else f"{text} (`{path}`)"


if __name__ == "__main__":
    setup(
        long_description=readme_for_an_index(Path("README.md").read_text(encoding="utf-8")),
        long_description_content_type="text/markdown",
    )
