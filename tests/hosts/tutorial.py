"""Does what docs/tutorial.md says, block by block: writes its files and runs its commands.

A block's first line says what to do with it. A comment with a path stands before a file's content,
with "at the end" before lines to add; "in a ... terminal" before commands that go on running.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.hosts.environments import ROOT

PAGE = ROOT / "docs" / "tutorial.md"

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_FILE = re.compile(r"(?:#|<!--) (?P<path>[\w./]+?\.\w+)(?P<end>, at the end)?(?: -->)?\n")
_TERMINAL = re.compile(r"# in a \w+ terminal\n")
_SECONDS = 900


class StepError(AssertionError):
    """A block of the tutorial did not do what it should; the message is what it printed."""


@dataclass(frozen=True)
class Block:
    """One fenced block, and the heading that it stands under."""

    heading: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """The heading and the first line, for a person."""
        return f"{self.heading}: {self.text.splitlines()[0]}"


def blocks(page: str) -> list[Block]:
    """The page's blocks, in their order."""
    found = []
    for block in _BLOCK.finditer(page):
        heading = re.findall(r"^## (.*)$", page[: block.start()], re.M)[-1]
        found.append(Block(heading, block["language"], block["text"]))
    return found


@dataclass
class Reader:
    """Somebody at a computer, who begins in ``folder``.

    ``path_of_package`` is what to type in the place of the checkout's path. Shell commands share
    one terminal: its folder and variables go from block to block.
    """

    folder: Path
    environment: Mapping[str, str]
    path_of_package: str
    _terminals: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._variables = dict(self.environment)
        self._where = self.folder

    @property
    def project(self) -> Path:
        """The folder where the first terminal is now."""
        return self._where

    def follow(self, block: Block) -> str:
        """Do what a block says, and return what its commands printed.

        Raises:
            StepError: a command failed.
        """
        if block.language != "sh":
            self._write(block)
        elif heading := _TERMINAL.match(block.text):
            self._open_terminal(block.text[heading.end() :])
        else:
            path = self.path_of_package
            return self._type(block.text.replace("/path/to/django-artsimilarity", path))
        return ""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Presses Ctrl-C in the terminals in the end, the last one first."""
        try:
            yield
        except BaseException as error:
            for process, log in self._terminals:
                error.add_note(f"{process.args!r} printed last:\n{log.read_text()[-3000:]}")
            raise
        finally:
            for process, _log in reversed(self._terminals):
                _interrupt(process)

    def wait_for(self, word: str) -> None:
        """Wait until the terminal that was opened last says a word.

        Raises:
            StepError: it ended before, or did not say it.
        """
        process, log = self._terminals[-1]
        deadline = time.monotonic() + 120
        while word not in (said := log.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StepError(f"No {word!r} from {process.args!r}:\n{said}")
            time.sleep(0.1)

    def _write(self, block: Block) -> None:
        heading = _FILE.match(block.text)
        assert heading, f"{block.name}: no path in the first line"
        path = self._where / heading["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if heading["end"] else "w") as file:
            file.write(f"\n{block.text}" if heading["end"] else block.text)

    def _type(self, commands: str) -> str:
        left = self.folder / ".left"
        script = f'set -e\n{commands}\npwd > "{left}"\nenv -0 >> "{left}"\n'
        process = self._shell(self._variables, script, subprocess.PIPE)
        printed = process.communicate(timeout=_SECONDS)[0].decode()
        if process.returncode:
            raise StepError(f"{commands}\n{printed}")
        where, _, variables = left.read_text().partition("\n")
        self._where = Path(where)
        self._variables = dict(one.split("=", 1) for one in variables.split("\0") if one)
        return printed

    def _open_terminal(self, commands: str) -> None:
        log = self.folder / f"terminal-{len(self._terminals) + 2}.log"
        with log.open("wb") as output:
            process = self._shell(self.environment, f"set -e\n{commands}", output)
        self._terminals.append((process, log))

    def _shell(
        self, variables: Mapping[str, str], script: str, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._where,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, which reaches whatever runs in that terminal."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
