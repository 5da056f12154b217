"""The process that decodes: reads questions from its input, writes squares to its output.

Started by ``processes.py`` and of no use by itself. A question is a JSON object behind its length
in four bytes; unless it names a path, the file follows in chunks, each behind its length, and an
empty one ends it. An answer is a JSON object in the same way, and behind it the pixels of each
square. Every question brings its own limits, which the operating system enforces: the address
space may not grow beyond what the process had at its start, and the processor's time ends it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from PIL import Image

from artsimilarity.encoder.pictures import streaming
from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.limits import Limits, PictureError, too_much_memory
from artsimilarity.encoder.pictures.reading import Source, read

_LENGTH_BYTES: Final = 4
# Larger files are kept on disk while they are decoded.
_MOST_IN_MEMORY: Final = 32 * 2**20


def main() -> None:
    """Answers until the input ends, which it does when the asking process does."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the asking process to act on
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = None  # the limits of each question hold
    Image.preinit()
    streaming.preload()
    at_start = _address_space()
    while question := _read_json(questions):
        answer, pixels = _answer(question, questions, at_start)
        encoded = json.dumps(answer).encode()
        answers.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
        for square in pixels:
            answers.write(square)
        answers.flush()


def _answer(
    question: dict[str, Any], questions: IO[bytes], at_start: int
) -> tuple[dict[str, Any], list[bytes]]:
    limits = Limits(**question["limits"])
    with tempfile.TemporaryDirectory(prefix="artsimilarity-") as folder:
        source, size = _source(question, questions, Path(folder))
        _limit_memory(at_start + limits.max_memory + size)
        signal.setitimer(signal.ITIMER_PROF, limits.max_seconds)  # SIGPROF ends the process
        try:
            box = Area(*question["box"])
            squares = [
                read(source, side=side, limits=limits, box=box) for side in question["sides"]
            ]
            return (
                {
                    "damaged": any(square.damaged for square in squares),
                    "size": squares[-1].size if squares else (1, 1),
                },
                [square.image.tobytes() for square in squares],
            )
        except PictureError as error:
            return _refusal(error), []
        except MemoryError:
            return _refusal(too_much_memory(limits)), []
        except OSError as error:
            return {"errno": error.errno, "message": error.strerror, "path": question["path"]}, []
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            _limit_memory(resource.RLIM_INFINITY)


def _refusal(error: PictureError) -> dict[str, Any]:
    return {"error": type(error).__name__, "reason": error.reason.plain()}


def _source(question: dict[str, Any], questions: IO[bytes], folder: Path) -> tuple[Source, int]:
    """What is to be read, and how many bytes of it are held or mapped."""
    if question["path"] is not None:
        path = Path(question["path"])
        return path, path.stat().st_size if path.exists() else 0
    chunks: list[bytes] = []
    size = 0
    path = folder / "picture"
    file: IO[bytes] | None = None
    while chunk := _read_chunk(questions):
        size += len(chunk)
        if file is None and size > _MOST_IN_MEMORY:
            file = path.open("wb")
            file.write(b"".join(chunks))
        if file is None:
            chunks.append(chunk)
        else:
            file.write(chunk)
    if file is None:
        return b"".join(chunks), size
    file.close()
    return path, size


def _read_json(file: IO[bytes]) -> dict[str, Any] | None:
    found = _read_chunk(file)
    return json.loads(found) if found else None


def _read_chunk(file: IO[bytes]) -> bytes:
    """Nothing at the end of the file."""
    return file.read(int.from_bytes(file.read(_LENGTH_BYTES), "big"))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # no Linux, where the limit does not hold anyway
        return 0
    return pages * resource.getpagesize()


def _limit_memory(size: int) -> None:
    # macOS knows no limit of address space; estimates and time hold there.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
