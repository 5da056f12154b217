"""Every language has all texts, as they are now, and hosts get them compiled."""

from __future__ import annotations

import ast
import gettext
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

from tests.languages.catalogues import LANGUAGES, PACKAGES, ROOT, extract, po_of, read_po

_PLACEHOLDER = re.compile(r"%\([\w.]+\)(?:\.\d)?[sdfg]|\{\w+\}|%%|</?(?:cite|span)[^>]*>")
# What makemessages looks for, besides the same in templates.
_KNOWN_NAMES = frozenset(
    {
        "_",
        "gettext",
        "gettext_lazy",
        "gettext_noop",
        "ngettext",
        "ngettext_lazy",
        "pgettext",
        "pgettext_lazy",
    }
)
_SAID_BY = frozenset({"alt", "title", "aria-label", "aria-roledescription", "placeholder"})
_TAGS = re.compile(
    r"{%\s*(comment|blocktrans\w*)\b.*?{%\s*end\1\s*%}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL
)

catalogues = pytest.mark.parametrize(
    ("package", "language"), [(p, language) for p in PACKAGES for language in LANGUAGES]
)
templates = [path for package in PACKAGES for path in (ROOT / package).rglob("*.html")]
modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_the_demo_offers_every_language_that_there_is() -> None:
    assert sorted(code for code, _name in settings.LANGUAGES) == sorted(("en", *LANGUAGES))


@catalogues
def test_is_complete(package: str, language: str) -> None:
    for message in read_po(po_of(package, language)):
        assert all(message.translations), message.msgid
        assert len(message.translations) == (2 if message.plural else 1), message.msgid
        assert "fuzzy" not in message.flags, message.msgid
        assert not message.is_obsolete, message.msgid


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="makemessages needs GNU gettext")
@pytest.mark.parametrize("package", PACKAGES)
def test_has_what_makemessages_finds_and_nothing_else(package: str, tmp_path: Path) -> None:
    found = {message.key for message in extract(package, tmp_path)}
    for language in LANGUAGES:
        kept = {message.key for message in read_po(po_of(package, language))}
        assert kept == found, f"Run 'nox -s messages' ({language})."


@catalogues
def test_translations_have_the_placeholders_of_the_text(package: str, language: str) -> None:
    for message in read_po(po_of(package, language)):
        of_the_text = {frozenset(_PLACEHOLDER.findall(message.msgid))}
        if message.plural:  # the singular may spell its number out
            of_the_text.add(frozenset(_PLACEHOLDER.findall(message.plural)))
        for text in message.translations:
            assert frozenset(_PLACEHOLDER.findall(text)) in of_the_text, text


@catalogues
def test_keeps_white_space_and_the_last_full_stop(package: str, language: str) -> None:
    for message in read_po(po_of(package, language)):
        for text in message.translations:
            assert text.strip(" ") == text or message.msgid.startswith("  "), text
            assert "  " not in text.strip(), text
            assert text.endswith((".", "?")) == message.msgid.endswith((".", "?")), text


@catalogues
def test_the_compiled_one_says_the_same(package: str, language: str) -> None:
    path = po_of(package, language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    kept = dict(compiled._catalog)  # type: ignore[attr-defined]
    kept.pop("")
    expected: dict[object, str] = {}
    for message in read_po(path):
        key = f"{message.context}\x04{message.msgid}" if message.context else message.msgid
        if message.plural:
            expected |= {(key, form): text for form, text in enumerate(message.translations)}
        else:
            expected[key] = message.translations[0]
    assert kept == expected, "Run 'nox -s messages'."


@pytest.mark.parametrize("path", modules, ids=lambda path: str(path.relative_to(ROOT)))
def test_gettext_goes_by_names_that_makemessages_knows(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names = {one.asname or one.name for one in node.names if "gettext" in one.name}
            assert names <= _KNOWN_NAMES


@pytest.mark.parametrize("path", templates, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_says_nothing_without_translating_it(path: Path) -> None:
    reader = _Said()
    reader.feed(_TAGS.sub("", path.read_text(encoding="utf-8")))
    assert not reader.found


class _Said(HTMLParser):
    """Texts and attributes that somebody reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.outside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += tag in ("style", "script")
        for name, value in attrs:
            if name in _SAID_BY and value and re.search(r"[^\W\d_]{2}", value):
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        self.outside -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        data = re.sub(r' \w+=""', "", data)  # of a tag that has several beginnings
        if not self.outside and re.search(r"[^\W\d_]{2}", data):
            self.found.append(data)
