"""The reference pages that are written by hand leave nothing out and say what the code says."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from artsimilarity.conf import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
ROOMS = ("artsimilarity/management/commands", "artsimilarity/lab/management/commands")
_UNITS = {"MiB": 2**20, "GiB": 2**30}


def documented_settings() -> dict[str, Any]:
    """Keys of the table in docs/settings.md with their defaults; a row may have several."""
    found = {}
    for line in (DOCS / "settings.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        keys = re.findall(r"`([A-Z_]+)`", cells[0])
        if line.startswith("| `") and len(cells) >= 3:
            defaults = cells[1].split(", ") if len(keys) > 1 else [cells[1]]
            found |= dict(zip(keys, map(_value, defaults), strict=True))
    return found


def _value(written: str) -> Any:
    number, _, unit = written.strip("`").partition(" ")
    if unit in _UNITS:
        return int(number) * _UNITS[unit]
    if re.fullmatch(r"[\d,]+", written):
        return int(written.replace(",", ""))
    return ast.literal_eval(written.strip("`"))


def test_every_setting_is_documented_with_its_default() -> None:
    assert documented_settings() == {field.name: field.default for field in fields(Settings)}


@pytest.mark.parametrize("room", ROOMS)
def test_every_command_is_on_the_page_of_commands(room: str) -> None:
    commands = {path.stem for path in (DOCS.parent / room).glob("[a-z]*.py")}
    page = (DOCS / "reference" / "commands.md").read_text()
    assert commands <= set(re.findall(r"^```\{command\} (\w+)$", page, re.M))


def test_every_page_is_in_the_sites_navigation() -> None:
    listed: set[Path] = set()
    for index in (DOCS / "index.md", DOCS / "howto" / "index.md"):
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", index.read_text(), re.M | re.S):
            lines = [one for one in tree.splitlines() if one and not one.startswith(":")]
            names = [re.sub(r".*<(.*)>", r"\1", line) for line in lines]
            listed |= {(index.parent / f"{name}.md").resolve() for name in names}
    assert {*DOCS.rglob("*.md")} - {DOCS / "index.md"} == listed
