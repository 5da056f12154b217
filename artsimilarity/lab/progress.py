"""How far a command has come, on standard error: a bar on a terminal, else lines now and then."""

from __future__ import annotations

import sys
from typing import NoReturn, TextIO

from tqdm import tqdm


class _Lines:
    """What tqdm writes to, where no bar can be drawn: every state becomes a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        if state := text.strip():  # carriage returns and padding draw a bar over the last one
            self._stream.write(state + "\n")

    def flush(self) -> None:
        self._stream.flush()


def progress_bar(
    description: str,
    total: int,
    unit: str,
    *,
    stream: TextIO | None = None,
    seconds: float = 30.0,
) -> tqdm[NoReturn]:
    """Opens a progress bar; a context manager.

    Args:
        description: What is being done.
        total: Steps that it takes.
        unit: What a step is, in the singular.
        stream: Where to; None is standard error.
        seconds: Between two lines where the stream is no terminal, at least; a line is also
            written at the start and at the end.

    Returns:
        The bar: ``update(steps)`` moves it on, ``set_postfix(name=value)`` adds a note.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        return tqdm(total=total, desc=description, unit=unit, file=stream, dynamic_ncols=True)
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        file=_Lines(stream),
        mininterval=seconds,
        maxinterval=seconds,
        ncols=80,
        bar_format="{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed} ({remaining} left){postfix}",
    )
