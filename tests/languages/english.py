"""Finds English texts of ours on a page that is in another language."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from tests.languages.catalogues import messages

_PLACEHOLDER = re.compile(r"%\([\w.]+\)(?:\.\d)?[sdfg]|\{\w+\}")
_SAID_BY = frozenset(
    {"alt", "title", "aria-label", "aria-roledescription", "aria-valuetext", "placeholder"}
)
# The same texts are found within longer ones, if they have as many words.
_WORDS = 4


class English:
    """The texts of ours that have a translation which differs."""

    def __init__(self, language: str) -> None:
        self._whole: set[str] = set()
        self._filled: list[tuple[re.Pattern[str], list[re.Pattern[str]]]] = []
        for message in messages(language):
            for text in filter(None, (message.msgid, message.plural)):
                plain = text.replace("%%", "%").strip()
                translations = [one.replace("%%", "%") for one in message.translations]
                if plain in translations:
                    continue
                if not _PLACEHOLDER.search(text):
                    self._whole.add(plain)
                elif len(re.findall(r"[^\W\d_]{2,}", _PLACEHOLDER.sub("", text))):
                    self._filled.append((_filled(plain), [_filled(one) for one in translations]))
        self._long = {text for text in self._whole if len(text.split()) >= _WORDS}

    def found_in(self, page: str) -> list[str]:
        """What is English on it."""
        reader = _Reader()
        reader.feed(page)
        return [text for text in reader.said if self._is_english(text)]

    def _is_english(self, text: str) -> bool:
        if text in self._whole or any(one in text for one in self._long):
            return True
        return any(
            english.fullmatch(text) and not any(one.fullmatch(text) for one in others)
            for english, others in self._filled
        )


def _filled(text: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in _PLACEHOLDER.split(text)]
    return re.compile("(.+)".join(parts), re.DOTALL)


class _Reader(HTMLParser):
    """Everything that is read or heard, and texts that scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.foreign: list[str] = []  # elements whose text is in another language, or none

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style") or (tag == "button" and "lang" in given):
            self.foreign.append(tag)
        for name, value in attrs:
            # A script says what it is given in words; a single one is a name.
            is_for_script = name.startswith("data-") and value and " " in value
            if value and (name in _SAID_BY or is_for_script):
                self._say(unescape(value))

    def handle_endtag(self, tag: str) -> None:
        if self.foreign and self.foreign[-1] == tag:
            self.foreign.pop()

    def handle_data(self, data: str) -> None:
        if not self.foreign:
            self._say(data)

    def _say(self, text: str) -> None:
        if words := " ".join(text.split()):
            self.said.append(words)
