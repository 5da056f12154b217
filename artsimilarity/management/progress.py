"""How far long work has come, as a bar on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def percent_bar(description: str = "") -> Iterator[Callable[[float], object]]:
    """Draw a bar of 100 per cent, and yield what moves it to a share, 0..1.

    No bar is drawn where standard error is a log file and not a terminal.
    """
    with tqdm(total=100, desc=description, unit="%", dynamic_ncols=True, disable=None) as bar:
        yield lambda share: bar.update(round(100 * share) - bar.n)
