"""Hostile clients against a running demo: ``python -m tests.hostile_clients --data FOLDER``.

Some clients send the kinds of files of ``tests.encoder.hostile``, each request from an address of
its own, to every address that takes a picture of a visitor. One client reads pages all the while,
and has read them for a third of the time before, when nobody else was there. What is printed: how
long pages took in both times, what the files were answered, and the peak memory of each process.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
import urllib3

from tests.encoder.hostile import KINDS

TAKE_PICTURES: Final = ("/by-picture/", "/api/artworks/by-picture/", "/upload/")
_PROCESSES: Final = {
    "pictures.helper": "decoding process",
    "waitress": "web server",
    " worker ": "worker",
}


def main() -> None:
    """Read the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--site", default="http://127.0.0.1:8000")
    parser.add_argument("--data", type=Path, required=True, help="the folder that the demo prints")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    files = [make() for make in KINDS.values()]
    pages = _pages(options.site)
    with _MemoryWatch(options.data.resolve()) as memory:
        alone = read_pages(options.site, pages, options.seconds / 3)
        answers, under_attack = attack(
            options.site, files, pages, clients=options.clients, seconds=options.seconds
        )
    print(f"| | pages | median s | 95 % s | slowest s | not answered 200 |\n{'|---' * 6}|")
    for name, readings in (("alone", alone), (f"{options.clients} clients", under_attack)):
        print(f"| {name} | {readings.row()} |")
    ratio = statistics.median(under_attack.seconds) / statistics.median(alone.seconds)
    print(f"\nA page takes {ratio:.1f} times what it takes alone. Slowest: {under_attack.slowest}")
    for address, counts in sorted(answers.items()):
        print(f"{address}: {dict(counts.most_common())}")
    print(f"\n| process | peak MiB |\n{'|---' * 2}|")
    for name, peak in sorted(memory.peaks.items()):
        print(f"| {name} | {peak / 2**20:.0f} |")


@dataclass
class Readings:
    """How long pages took, in seconds, and which were not answered well."""

    seconds: list[float] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    slowest: str = ""

    def add(self, page: str, seconds: float, status: int | str) -> None:
        """Keep one page."""
        if seconds > max(self.seconds, default=0.0):
            self.slowest = page
        self.seconds.append(seconds)
        if status != 200:
            self.bad[f"{page} {status}"] += 1

    def row(self) -> str:
        """The cells of a row of the table."""
        ordered = sorted(self.seconds)
        high = ordered[int(0.95 * (len(ordered) - 1))]
        cells = [f"{statistics.median(ordered):.3f}", f"{high:.3f}", f"{ordered[-1]:.3f}"]
        return " | ".join([str(len(ordered)), *cells, str(dict(self.bad) or 0)])


def _pages(site: str) -> list[str]:
    home = urllib3.request("GET", site).data.decode()
    pictures = sorted(set(re.findall(r'href="(/artworks/\d+/)"', home)))[:8]
    return ["/", "/by-colour/?colour=%231f4e8c&weight=3", *pictures]


def read_pages(site: str, pages: list[str], seconds: float) -> Readings:
    """Read one page after the other for so many seconds, as one visitor."""
    readings = Readings()
    pool = urllib3.PoolManager(retries=False, timeout=60.0)
    ends = time.monotonic() + seconds
    for page in itertools.cycle(pages):
        start = time.monotonic()
        if start > ends:
            return readings
        try:
            status: int | str = pool.request("GET", site + page).status
        except urllib3.exceptions.HTTPError as error:
            status = type(error).__name__
        readings.add(page, time.monotonic() - start, status)
        time.sleep(0.05)
    return readings


def attack(
    site: str, files: list[bytes], pages: list[str], *, clients: int, seconds: float
) -> tuple[dict[str, Counter[str]], Readings]:
    """Send files from many addresses at once while one visitor reads pages."""
    answers: dict[str, Counter[str]] = {address: Counter() for address in TAKE_PICTURES}
    counting, sources = threading.Lock(), _addresses()
    ends = time.monotonic() + seconds

    def send(seed: int) -> None:
        some = random.Random(seed)
        while time.monotonic() < ends:
            address = some.choice(TAKE_PICTURES)
            with counting:
                source = next(sources)
            try:
                answer = str(_post(site, address, some.choice(files), source))
            except urllib3.exceptions.HTTPError as error:
                answer = type(error).__name__
            with counting:
                answers[address][answer] += 1

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    readings = read_pages(site, pages, seconds)
    for thread in threads:
        thread.join()
    return answers, readings


def _addresses() -> Iterator[str]:
    """Addresses of this machine, so that no throttle of one address stands in the way."""
    for number in itertools.count(2):
        yield f"127.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250 + 2}"


def _post(site: str, address: str, data: bytes, source: str) -> int:
    with urllib3.PoolManager(source_address=(source, 0), retries=False, timeout=60.0) as pool:
        fields: dict[str, Any] = {}
        headers = {}
        if not address.startswith("/api/"):
            form = pool.request("GET", site + address)
            token = re.search(r"csrftoken=(\w+)", form.headers.get("Set-Cookie", ""))
            fields["csrfmiddlewaretoken"] = token[1] if token else ""
            headers["Cookie"] = f"csrftoken={fields['csrfmiddlewaretoken']}"
        name = "image" if address == "/upload/" else "picture"
        fields |= {"title": "A hostile one", name: ("picture.jpg", data, "image/jpeg")}
        return int(pool.request("POST", site + address, fields=fields, headers=headers).status)


class _MemoryWatch:
    """The most resident memory of each process of a demo, looked at ten times a second."""

    def __init__(self, data: Path) -> None:
        self.peaks: dict[str, int] = {}
        self._data = str(data)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            for process in psutil.process_iter():
                with suppress(psutil.Error):  # gone meanwhile, or of another user
                    if process.environ().get("DEMO_DATA") == self._data:
                        self._keep(process)
                        # They get no environment of the process that started them.
                        for child in process.children():
                            self._keep(child)

    def _keep(self, process: psutil.Process) -> None:
        words = " ".join(process.cmdline())
        name = next((name for word, name in _PROCESSES.items() if word in words), None)
        if name is not None:
            used = process.memory_info().rss
            self.peaks[name] = max(self.peaks.get(name, 0), used)


if __name__ == "__main__":
    main()
