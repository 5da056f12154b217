"""The child processes of ``manage.py demo``: started, watched, and stopped in order.

Each child leads a session of its own. A Ctrl-C in the terminal thus reaches the parent alone,
which stops the children in their order, and each with all the processes that it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.1
_LINES_SHOWN = 20


class ChildError(Exception):
    """A child process ended that should not have, or with an error."""


class StopRequested(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


class StopSignal:
    """Remembers that a stop was asked for.

    The handler raises nothing: an exception out of nowhere, in the middle of starting or stopping
    something, is how processes are left behind.
    """

    _NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def installed(self) -> Iterator[StopSignal]:
        """Take over the signals that end programs, until the block is left."""
        previous = {number: signal.signal(number, self._remember) for number in self._NUMBERS}
        try:
            yield self
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise :class:`StopRequested` if a stop was asked for."""
        if self.requested:
            raise StopRequested

    def _remember(self, number: int, frame: object) -> None:
        self.requested = True


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process that is to run until we stop it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    patience: float

    def check(self) -> None:
        """Raise ChildError, with the end of the log, if the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise ChildError(
                f"The {self.name} stopped unexpectedly ({_describe(code)}). {_end_of(self.log)}"
            )


class Children:
    """Runs commands, and keeps watch over those that are to go on running.

    Args:
        environment: of all children.
        directory: where they run.
        logs: folder of their logs.
        stop: consulted while we wait for anything.
    """

    def __init__(
        self, *, environment: Mapping[str, str], directory: Path, logs: Path, stop: StopSignal
    ) -> None:
        self._environment = dict(environment)
        self._directory = directory
        self._logs = logs
        self._stop = stop
        self._running: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *exception: object) -> None:
        while self._running:
            child = self._running.pop()
            _end(child.process, child.patience)

    def start(self, name: str, command: Sequence[str], *, patience: float = 10.0) -> None:
        """Start a process that runs until the block is left; the last started is stopped first.

        Args:
            name: what it is, in words.
            command: arguments of this Python.
            patience: seconds that it has between SIGTERM and SIGKILL.
        """
        log = self._logs / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as file:
            process = self._popen(command, stdout=file, stderr=subprocess.STDOUT)
        self._running.append(Child(name=name, process=process, log=log, patience=patience))

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        show: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run a process to its end.

        Args:
            name: what it does, in words.
            command: arguments of this Python.
            show: let it write to the terminal; otherwise its output goes to ``setup.log``.
            environment: variables besides those of all children.

        Raises:
            ChildError: it failed, or meanwhile one of the others did.
            StopRequested: a stop was asked for; the process is gone by then.
        """
        log = self._logs / "setup.log"
        if show:
            process = self._popen(command, environment=environment)
        else:
            with log.open("ab") as file:
                process = self._popen(
                    command, stdout=file, stderr=subprocess.STDOUT, environment=environment
                )
        try:
            while process.poll() is None:
                self.wait()
        finally:
            _end(process, patience=5.0)
        if process.returncode:
            tail = "" if show else f" {_end_of(log)}"
            raise ChildError(f"{name} failed ({_describe(process.returncode)}).{tail}")

    def wait(self) -> None:
        """Wait a moment, and raise if a stop was asked for or a child has ended."""
        time.sleep(_POLL_SECONDS)
        self._stop.check()
        for child in self._running:
            child.check()

    def _popen(
        self,
        command: Sequence[str],
        *,
        stdout: object = None,
        stderr: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]  # noqa: S603
            [sys.executable, *command],
            cwd=self._directory,
            env={**self._environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ask a process to stop, wait, and then leave nothing of its group behind."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # as it should be: the whole group is gone
    except PermissionError:  # what macOS says of a group of zombies
        pass


def _describe(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:]
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in lines)])
