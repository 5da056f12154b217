"""Reads catalogues: .po files, and what makemessages finds now."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("artsimilarity", "demo_site")
LANGUAGES = ("de", "es", "fr", "nl")


@dataclass
class Message:
    """One entry of a .po file."""

    context: str | None = None
    msgid: str = ""
    plural: str | None = None
    translations: list[str] = field(default_factory=list)
    flags: str = ""
    is_obsolete: bool = False

    @property
    def key(self) -> tuple[str | None, str, str | None]:
        """By which an entry is known."""
        return self.context, self.msgid, self.plural


def po_of(package: str, language: str) -> Path:
    """Where a package keeps its catalogue of a language."""
    return ROOT / package / "locale" / language / "LC_MESSAGES" / "django.po"


def read_po(path: Path) -> list[Message]:
    """All entries but the header."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    return [message for block in blocks if (message := _read(block)).msgid]


def _read(block: str) -> Message:
    message, texts, name = Message(), dict[str, str](), ""
    for line in block.splitlines():
        if line.startswith("#~"):
            message.is_obsolete = True
            line = line.removeprefix("#~ ")
        if line.startswith("#,"):
            message.flags += line
        if match := re.match(r'(msg\w+(?:\[\d\])?) (".*")', line):
            name = match[1]
            texts[name] = ast.literal_eval(match[2])
        elif line.startswith('"'):
            texts[name] += ast.literal_eval(line)
    message.context, message.plural = texts.get("msgctxt"), texts.get("msgid_plural")
    message.msgid = texts.get("msgid", "")
    message.translations = [text for name, text in texts.items() if name.startswith("msgstr")]
    return message


def messages(language: str) -> Iterator[Message]:
    """All entries of both packages."""
    for package in PACKAGES:
        yield from read_po(po_of(package, language))


def extract(package: str, folder: Path) -> list[Message]:
    """What makemessages finds in a copy of a package, of which the working copy knows nothing."""
    copy = folder / package
    leave_out = shutil.ignore_patterns("locale", "weights", "__pycache__")
    shutil.copytree(ROOT / package, copy, ignore=leave_out)
    (copy / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "-v0"]
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=copy, env=environment, check=True)
    return read_po(copy / "locale" / "de" / "LC_MESSAGES" / "django.po")
