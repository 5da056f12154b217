"""docs/tutorial.md, executed as written; then its pages are asked for what it promises.

Two things are changed on the way: the path of the checkout is that of the wheel, and the port is
a free one. ``torch`` is lent by the tests' environment; all else is installed as the page says.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode, urljoin

import pytest
from urllib3 import encode_multipart_formdata

from demo_site.samples import draw, samples
from tests.hosts.environments import Wheel
from tests.hosts.lent import lend
from tests.hosts.tutorial import PAGE, Block, Reader, StepError, blocks

pytestmark = pytest.mark.hosts

_PICTURES = 12
_BLOCKS = blocks(PAGE.read_text())
# What a terminal says when it may be left to itself.
_READY = {"servers.py": "are running", "runserver": "Quit the server", "celery": " ready."}


class Visitor:
    """A browser without JavaScript, which keeps its cookies."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(self._cookies)

    def get(self, path: str) -> str:
        """A page; what a server that is starting anew, or an error, says is "" """
        try:
            return self._opener.open(urljoin(self._site, path), timeout=30).read().decode()
        except (URLError, ConnectionError):
            return ""

    def fetch(self, path: str) -> bytes:
        """A file; raises where there is none."""
        found: bytes = self._opener.open(urljoin(self._site, path), timeout=30).read()
        return found

    def post(self, path: str, **values: str | tuple[str, bytes]) -> str:
        """Fill in the form of a page and send it; the page that one is then led to."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token, f"no form at {path}"
        body, kind = encode_multipart_formdata({"csrfmiddlewaretoken": token[1], **values})
        question = urllib.request.Request(urljoin(self._site, path), body, {"Content-Type": kind})
        return self._opener.open(question, timeout=30).read().decode()


@dataclass
class Seen:
    """What commands printed, and what pages showed."""

    printed: str = ""
    neighbours: list[str] = field(default_factory=list)
    thumbnails: list[bytes] = field(default_factory=list)
    admin_list: str = ""
    neighbours_of_upload: list[str] = field(default_factory=list)
    neighbours_after_hiding: list[str] = field(default_factory=list)
    page_with_slider: str = ""
    fragment: str = ""

    @property
    def status(self) -> str:
        """What was printed after the checks: the library's status, if it was asked for."""
        return self.printed.rpartition("no issues")[2]

    def complete(self) -> bool:
        """Whether all of it is as the tutorial says."""
        return all(
            [
                "no issues" in self.printed,
                re.search(rf"\b{_PICTURES}\b", self.status),
                len(self.neighbours) == 6,
                all(self.thumbnails),
                len(self.neighbours_of_upload) == 6,
                self.neighbours_of_upload[0] not in self.neighbours_after_hiding,
                'type="range"' in self.page_with_slider,
            ]
        )


@dataclass
class Journey:
    """The way through the tutorial: its blocks in turn, and what is said between them."""

    reader: Reader
    port: int
    seconds: float
    seen: Seen = field(default_factory=Seen)

    def travel(self, steps: list[Block]) -> Seen:
        """Follow the steps and look at the pages where the tutorial says so."""
        visitor = Visitor(f"http://127.0.0.1:{self.port}/")
        with self.reader.at_work():
            for number, step in enumerate(steps):
                self._follow(step)
                following = steps[number + 1].heading if number + 1 < len(steps) else ""
                if following != step.heading:
                    self._after(step.heading, visitor)
        return self.seen

    def _follow(self, step: Block) -> None:
        text = step.text.replace("manage.py runserver", f"manage.py runserver {self.port}")
        self.seen.printed += self.reader.follow(Block(step.heading, step.language, text))
        for command, word in _READY.items():
            if step.language == "sh" and step.text.startswith("# in a") and command in step.text:
                self.reader.wait_for(word)

    def _after(self, heading: str, visitor: Visitor) -> None:
        """What the reader does and sees at the end of a section."""
        match heading.partition(".")[0]:
            case "6":
                draw_pictures(self.reader.project / "pictures")
            case "7":
                self._look(visitor)
                self._use_admin(visitor)
            case "9":
                self._move_slider(visitor)

    def _look(self, visitor: Visitor) -> None:
        assert "artworks/1/" in visitor.get("/")
        page = self._wait_for(lambda: visitor.get("/artworks/1/"), lambda it: len(titles(it)) == 6)
        self.seen.neighbours = titles(page)
        addresses = re.findall(r'<img class="artsimilarity-image"[^>]* src="([^"]+)"', page)
        self.seen.thumbnails = [visitor.fetch(one) for one in addresses]

    def _use_admin(self, visitor: Visitor) -> None:
        visitor.post("/admin/login/?next=/admin/", username="admin", password="prints")
        last = samples()[_PICTURES]
        picture = draw_pictures(self.reader.folder / "more", [last])[0]
        visitor.post(
            "/admin/gallery/artwork/add/",
            title=last.title,
            artist=last.artist,
            image=(picture.name, picture.read_bytes()),
            published="on",
        )
        page = f"/artworks/{_PICTURES + 1}/"
        shown = self._wait_for(lambda: visitor.get(page), lambda it: len(titles(it)) == 6)
        self.seen.neighbours_of_upload = titles(shown)
        self.seen.admin_list = visitor.get("/admin/gallery/artwork/")
        (first, *_) = re.findall(r'class="artsimilarity-link" href="/artworks/(\d+)/"', shown)
        title = titles(shown)[0]
        visitor.post(f"/admin/gallery/artwork/{first}/change/", title=title, artist="")
        self.seen.neighbours_after_hiding = titles(visitor.get(page))

    def _move_slider(self, visitor: Visitor) -> None:
        page = f"/artworks/{_PICTURES + 1}/"
        self.seen.page_with_slider = self._wait_for(
            lambda: visitor.get(f"{page}?{urlencode({'style': 0.2})}"),
            lambda it: 'type="range"' in it,
        )
        assert len(titles(self.seen.page_with_slider)) == 6

    def _wait_for(self, ask: Callable[[], str], enough: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + self.seconds
        while not enough(page := ask()):
            assert time.monotonic() < deadline, f"not within {self.seconds} s:\n{page}"
            time.sleep(0.3)
        return page


def titles(page: str) -> list[str]:
    """Titles of the neighbours that a page shows."""
    return re.findall(r'class="artsimilarity-title">\s*([^<]+?)\s*<', page)


def draw_pictures(folder: Path, wanted: list | None = None) -> list[Path]:  # type: ignore[type-arg]
    """Put sample pictures into a folder."""
    folder.mkdir(exist_ok=True)
    paths = []
    for sample in wanted or samples()[:_PICTURES]:
        paths.append(folder / f"{sample.slug}.jpg")
        draw(sample).save(paths[-1])
    return paths


Begin = Callable[..., Journey]


@pytest.fixture(scope="module")
def begin(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """Someone with an empty folder; a ``seconds`` of patience for each page."""
    tools = tmp_path_factory.mktemp("tools")
    (tools / "python3").symlink_to(Path(sys._base_executable).resolve())  # type: ignore[attr-defined]
    lent = lend(tmp_path_factory.mktemp("lent") / "site-packages")
    own = Path(sys.prefix, "bin")
    others = [one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != own]
    ours = ("DJANGO_", "PYTHON", "VIRTUAL_ENV", "DATABASE_URL", "CELERY_", "PYTEST_", "DEMO_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environment = {
        **inherited,
        "PATH": os.pathsep.join([str(tools), *others]),
        "PYTHONPATH": str(lent),
        "PYTHONUNBUFFERED": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",  # a step that is left out must not touch the machine's own
    }

    def begin(*, seconds: float) -> Journey:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # Not below pytest's own folder: another run of pytest closes that to Postgres' user.
        folder = Path(tempfile.mkdtemp(prefix="artsimilarity-newcomer-"))
        return Journey(Reader(folder, environment, str(wheel.path)), port, seconds)

    return begin


@pytest.fixture(scope="module")
def newcomer(begin: Begin) -> Iterator[Journey]:
    """Someone who has followed every step."""
    journey = begin(seconds=120)
    journey.travel(_BLOCKS)
    yield journey
    shutil.rmtree(journey.reader.folder, ignore_errors=True)


@pytest.fixture
def seen(newcomer: Journey) -> Seen:
    """What they saw."""
    return newcomer.seen


def test_the_checks_have_nothing_to_say(seen: Seen) -> None:
    assert "no issues" in seen.printed


def test_a_page_shows_six_neighbours_with_their_titles(seen: Seen) -> None:
    loaded = {sample.slug.replace("-", " ").capitalize() for sample in samples()[:_PICTURES]}
    assert len(set(seen.neighbours)) == 6
    assert set(seen.neighbours) <= loaded


def test_every_neighbour_has_a_thumbnail(seen: Seen) -> None:
    assert len(seen.thumbnails) == 6
    assert all(one[8:12] == b"WEBP" for one in seen.thumbnails)


def test_an_upload_in_the_admin_is_embedded_by_the_worker(seen: Seen) -> None:
    assert len(seen.neighbours_of_upload) == 6
    assert seen.admin_list.count("ready") >= _PICTURES + 1


def test_a_hidden_picture_is_no_neighbour_any_more(seen: Seen) -> None:
    hidden = seen.neighbours_of_upload[0]
    assert len(seen.neighbours_after_hiding) == 6
    assert hidden not in seen.neighbours_after_hiding


def test_the_slider_keeps_the_balance_of_the_address(seen: Seen) -> None:
    assert re.search(r'type="range"[^>]*value="0.2"', seen.page_with_slider)


def test_a_status_says_that_the_pictures_are_on_their_way(seen: Seen) -> None:
    assert re.search(rf"\b{_PICTURES}\b", seen.status)


@pytest.mark.parametrize("left_out", _BLOCKS, ids=lambda block: block.name)
def test_it_does_not_work_without(left_out: Block, newcomer: Journey, begin: Begin) -> None:
    journey = begin(seconds=20)
    made = newcomer.reader.folder / "prints" / ".venv"
    steps = [step for step in _BLOCKS if step is not left_out]
    if "pip install" not in left_out.text:  # an environment is made once for all others
        steps = [
            Block(one.heading, one.language, one.text.replace("python3 -m venv", f"ln -s {made}"))
            for one in steps
        ]
    try:
        seen = journey.travel(steps)
    except (StepError, AssertionError, URLError):
        return
    finally:
        shutil.rmtree(journey.reader.folder, ignore_errors=True)
    assert not seen.complete()
