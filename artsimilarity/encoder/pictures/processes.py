"""Pictures decoded in processes of their own, which may be killed. Needs POSIX, and no numpy.

Processes are started anew and not forked, so web processes with threads may use them, and Celery's
daemonic pool processes, which may not have children by ``multiprocessing``. One process decodes
many pictures, one at a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, cast

from PIL import Image

from artsimilarity.encoder.pictures.crop import WHOLE, Area
from artsimilarity.encoder.pictures.limits import (
    DEFAULT_LIMITS,
    DecoderCrashed,
    Limits,
    PictureError,
    too_much_time,
)
from artsimilarity.encoder.pictures.reading import Source, Square
from artsimilarity.encoder.pictures.reasons import Reason

_MODULE: Final = "artsimilarity.encoder.pictures.helper"
_LENGTH_BYTES: Final = 4
_CHUNK_BYTES: Final = 2**20
_WHOLE_BYTES: Final = 32 * 2**20  # of what is in memory already, which is quicker in one piece
# A process is replaced after so many pictures, lest what libraries leak adds up.
_MOST_PICTURES: Final = 1000
# On a busy machine, processor time takes longer by the clock: killed after this many times as long.
_PATIENCE: Final = 3.0
_PATIENCE_SECONDS: Final = 5.0
# What the process needs of the environment; it gets no more, for the rest may hold secrets.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG")
_SETTINGS: Final = {
    "MALLOC_ARENA_MAX": "1",  # arenas take address space, which is limited
    "VIPS_CONCURRENCY": "1",
    "VIPS_BLOCK_UNTRUSTED": "1",
}
_ERRORS: Final = {error.__name__: error for error in PictureError.__subclasses__()}


class DecodersBusy(RuntimeError):
    """All processes were decoding for as long as the caller would wait; no fault of the picture."""


class DecodingProcesses:
    """Processes that turn files into squares; safe to share between threads. A context manager.

    Nothing is started before the first file. A fork of the process that uses this starts processes
    of its own.

    Args:
        processes: How many files may be decoded at once; memory is bounded by this times
            ``limits.max_memory`` plus about 40 MB each.
        limits: What a file may cost.
        wait: Seconds to wait for a process that is free; None waits for good.
        executable: Python interpreter; by default this one's.

    Raises:
        ValueError: processes is below 1.
    """

    def __init__(
        self,
        processes: int,
        *,
        limits: Limits = DEFAULT_LIMITS,
        wait: float | None = None,
        executable: str | None = None,
    ) -> None:
        if processes < 1:
            raise ValueError(f"processes must be 1 or more, not {processes}.")
        self._processes: Final = processes
        self._limits: Final = limits
        self._wait: Final = wait
        self._executable: Final = executable or _python()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._free = threading.BoundedSemaphore(self._processes)
        self._idle: list[_Helper] = []
        self._finalizer = weakref.finalize(self, _end, self._idle, self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes that wait; they are started again if another file comes."""
        _end(self._idle, self._pid)

    def read(
        self,
        source: Source | IO[bytes],
        sides: Collection[int] = (224,),
        *,
        limits: Limits | None = None,
        box: Area = WHOLE,
    ) -> dict[int, Square]:
        """Decodes a picture file and squashes it; see ``reading.read``.

        Args:
            source: Contents of the file; or its path; or a file open for reading, which is passed
                on in chunks and never held whole.
            sides: Widths, in pixels, of the squares that are wanted.
            limits: What to refuse, where it is not what was given at first.
            box: What to squash of the upright picture.

        Returns:
            The squares by their sides.

        Raises:
            PictureError: As ``reading.read`` raises; besides, ``TooMuchMemory`` and ``TooMuchWork``
                where decoding was ended for what it took, and ``DecoderCrashed``.
            DecodersBusy: No process was free within ``wait`` seconds.
            OSError: A path cannot be opened, or no process can be started.
        """
        limits = limits or self._limits
        if os.getpid() != self._pid:
            self._leave_to_parent()
        if isinstance(source, bytes) and len(source) > limits.max_bytes:
            source = source[: limits.max_bytes + 1]  # the other side refuses it in its words
        with self._borrow() as helper:
            return helper.read(source, list(sides), limits, box)

    @contextmanager
    def _borrow(self) -> Iterator[_Helper]:
        if not self._free.acquire(timeout=self._wait):
            raise DecodersBusy(
                f"All {self._processes} processes that decode pictures were busy "
                f"for {self._wait} seconds."
            )
        try:
            helper = self._idle_helper() or _Helper(self._executable)
            try:
                yield helper
            finally:
                if helper.is_usable():
                    self._idle.append(helper)
                else:
                    helper.end()
        finally:
            self._free.release()

    def _idle_helper(self) -> _Helper | None:
        while self._idle:
            try:
                helper = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if helper.is_usable():
                return helper
            helper.end()
        return None

    def _leave_to_parent(self) -> None:
        self._finalizer.detach()
        for helper in self._idle:
            helper.leave()
        self._begin()


class _Helper:
    """One process that decodes."""

    def __init__(self, executable: str) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        paths = [str(Path(place).absolute()) for place in sys.path]
        self._process: Final = subprocess.Popen(  # noqa: S603  (our own module)
            [executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=_CHUNK_BYTES,
            stderr=subprocess.DEVNULL,  # libraries complain there of what they read
            env=environment | _SETTINGS | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self._questions: Final = cast("IO[bytes]", self._process.stdin)
        self._answers: Final = cast("IO[bytes]", self._process.stdout)
        self._pictures = 0
        self._in_step = True

    def is_usable(self) -> bool:
        """Whether it may be asked again: not amid a question, as what it says next is unknown."""
        alive = self._process.poll() is None
        return alive and self._in_step and self._pictures < _MOST_PICTURES

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def leave(self) -> None:
        """Lets go of a process that belongs to the parent of this one."""
        self._process.returncode = 0  # it is not for us to wait for
        self._close_pipes()

    def _close_pipes(self) -> None:
        with suppress(BrokenPipeError):  # what it did not read any more
            self._questions.close()
        self._answers.close()

    def read(
        self, source: Source | IO[bytes], sides: list[int], limits: Limits, box: Area
    ) -> dict[int, Square]:
        self._pictures += 1
        self._in_step = False
        path = os.fspath(source) if isinstance(source, os.PathLike) else None
        asked = {"sides": sides, "limits": asdict(limits), "path": path, "box": astuple(box)}
        try:
            self._send(json.dumps(asked).encode())
            if not isinstance(source, os.PathLike):
                self._send_file(source, limits)
        except BrokenPipeError:
            raise self._death(limits, timed_out=False) from None
        return self._answer(sides, limits)

    def _send_file(self, source: bytes | IO[bytes], limits: Limits) -> None:
        if isinstance(source, bytes):
            view = memoryview(source)
            for start in range(0, len(view), _WHOLE_BYTES):
                self._send(view[start : start + _WHOLE_BYTES])
        else:
            room = limits.max_bytes + 1
            while room and (chunk := source.read(min(_CHUNK_BYTES, room))):
                room -= len(chunk)
                self._send(chunk)
        self._send(b"")
        self._questions.flush()

    def _send(self, data: bytes | memoryview) -> None:
        self._questions.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
        self._questions.write(data)

    def _answer(self, sides: list[int], limits: Limits) -> dict[int, Square]:
        timed_out = threading.Event()

        def kill() -> None:
            timed_out.set()
            self._process.kill()

        clock = threading.Timer(_PATIENCE * limits.max_seconds + _PATIENCE_SECONDS, kill)
        clock.daemon = True
        clock.start()
        try:
            self._questions.flush()
            length = int.from_bytes(self._answers.read(_LENGTH_BYTES), "big")
            answer: dict[str, Any] = json.loads(self._answers.read(length) or b"null")
            found = {}
            if answer and "damaged" in answer:
                for side in sides:
                    pixels = self._answers.read(3 * side * side)
                    image = Image.frombytes("RGB", (side, side), pixels)
                    found[side] = Square(image, answer["damaged"], tuple(answer["size"]))
        except (BrokenPipeError, ValueError):  # it ended amid its answer
            raise self._death(limits, timed_out=timed_out.is_set()) from None
        finally:
            clock.cancel()
        if not answer:
            raise self._death(limits, timed_out=timed_out.is_set())
        self._in_step = True
        if "error" in answer:
            reason = Reason.from_plain(answer["reason"])
            raise _ERRORS[answer["error"]](reason.code, **reason.values)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["message"], answer["path"])
        return found

    def _death(self, limits: Limits, *, timed_out: bool) -> PictureError:
        self._process.kill()
        code = self._process.wait()
        if timed_out or code == -signal.SIGPROF:
            return too_much_time(limits)
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return DecoderCrashed("decoder-crashed", how=how)


def _end(helpers: list[_Helper], pid: int) -> None:
    """Ends what this process started, and nothing of a parent's."""
    while helpers and os.getpid() == pid:
        helpers.pop().end()


def _python() -> str:
    """The interpreter; ``sys.executable`` is the server where one embeds Python (uWSGI)."""
    if "python" in Path(sys.executable or "").name:
        return sys.executable
    return str(Path(sys.exec_prefix, "bin", "python3"))
