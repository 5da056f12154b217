"""Reads catalogues: .po files, and what makemessages finds now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib

from tests.documents import ROOT

PACKAGES = ("artsimilarity", "demo_site")
LANGUAGES = ("de", "es", "fr", "nl")


@dataclass
class Message:
    """One entry of a .po file."""

    context: str | None
    msgid: str
    plural: str | None
    translations: list[str]
    flags: str
    is_obsolete: bool

    @property
    def key(self) -> tuple[str | None, str, str | None]:
        """By which an entry is known."""
        return self.context, self.msgid, self.plural


def po_of(package: str, language: str) -> Path:
    """Where a package keeps its catalogue of a language."""
    return ROOT / package / "locale" / language / "LC_MESSAGES" / "django.po"


def read_po(path: Path) -> list[Message]:
    """All entries but the header."""
    return [
        Message(
            context=entry.msgctxt,
            msgid=entry.msgid,
            plural=entry.msgid_plural or None,
            translations=list(entry.msgstr_plural.values()) or [entry.msgstr],
            flags=" ".join(entry.flags),
            is_obsolete=bool(entry.obsolete),
        )
        for entry in polib.pofile(str(path))
    ]


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
