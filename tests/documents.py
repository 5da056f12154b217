"""What README and docs/ tell their readers to type: commands, and Python."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<body>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE
)
# A command in a sentence begins with one of these; other code in sentences is none.
_IN_A_SENTENCE = re.compile(
    r"`((?:python -m |(?:python )?manage\.py |celery -A |nox -s |pip install )[^`]+)`"
)
_INDENTED = re.compile(r"^    ((?:python|celery|nox|pip) (?:.*\\\n)*.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Code in a page, with the line that it begins at."""

    page: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command as a reader types it."""

    place: str
    words: tuple[str, ...]
    is_whole: bool
    """Whether it stands by itself; a sentence may name a command without all that it needs."""

    def __str__(self) -> str:
        return shlex.join(self.words)


def blocks(*languages: str) -> Iterator[Block]:
    """The fenced blocks in some languages, without a list's indentation."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            if found["language"] in languages:
                yield _block(page, text, found.start("body"), textwrap.dedent(found["body"]))


def commands(*, but: str = "") -> list[Command]:
    """Every command of every page but one, each once: first those that stand by themselves."""
    found: dict[tuple[str, ...], Command] = {}
    for is_whole, shell in ((True, _scripts()), (False, _sentences())):
        for block in shell:
            if block.page == but:
                continue
            for words in _split(block.code):
                found.setdefault(words, Command(str(block), words, is_whole))
    return list(found.values())


def _scripts() -> Iterator[Block]:
    yield from blocks("sh", "bash")
    for block in blocks("console"):
        typed = "\n".join(re.findall(r"^\$ (.*)$", block.code, re.MULTILINE))
        yield Block(block.page, block.line, typed)
    for page, text in _outside_fences():
        for found in _INDENTED.finditer(text):
            yield _block(page, text, found.start(1), found[1])


def _sentences() -> Iterator[Block]:
    for page, text in _outside_fences():
        for found in _IN_A_SENTENCE.finditer(text):
            yield _block(page, text, found.start(1), " ".join(found[1].split()))


def _outside_fences() -> Iterator[tuple[Path, str]]:
    """Each page with its fenced blocks blanked out, line by line."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        yield page, _FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence[0]), text)


def _block(page: Path, text: str, start: int, code: str) -> Block:
    return Block(str(page.relative_to(ROOT)), text.count("\n", 0, start) + 1, code)


def _split(code: str) -> Iterator[tuple[str, ...]]:
    """The words of each command: one a line, or several that ``&&`` joins."""
    for line in code.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in (*shlex.split(line, comments=True), "&&"):
            if word != "&&":
                words.append(word)
            elif words:
                yield tuple(words)
                words = []
