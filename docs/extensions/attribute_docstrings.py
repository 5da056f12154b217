"""Docstrings of attributes and properties as they are written.

Napoleon takes what stands before a colon in their first line for a type. Here types stand in the
code, and the text may have a colon.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

_BEFORE_NAPOLEON = 400


def keep(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let the first line be an empty comment, in which Napoleon finds no colon."""
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", keep, priority=_BEFORE_NAPOLEON)
    return {"parallel_read_safe": True}
