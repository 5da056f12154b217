"""``manage.py demo``: the real command with real servers, and nothing of it left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
# So long may a machine take that is busy with other things; nothing waits for it to pass.
PATIENCE = 240


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine small pictures, so that each has eight neighbours, and a text that calls itself one."""
    folder = tmp_path_factory.mktemp("pictures") / "painter"
    folder.mkdir()
    for number in range(9):
        noise = Image.effect_noise((64, 48), 20 + 10 * number)
        Image.merge("RGB", (noise, noise, Image.new("L", noise.size, 25 * number))).save(
            folder / f"{number}.png"
        )
    (folder / "text.jpg").write_text("no picture")
    return folder


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another command of the demo project, in the same environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def environment(data: Path) -> dict[str, str]:
    """That of a terminal, with a data folder, by which the processes are known too."""
    found = {
        **os.environ,
        "DEMO_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "demo_site.settings",
    }
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "PYTHONUNBUFFERED"):
        found.pop(name, None)
    return found


class Demo:
    """The command as a process of its own, as in a terminal."""

    def __init__(self, data: Path, *arguments: object) -> None:
        self.data = data
        before = len(list(data.parent.glob("output-*.txt")))
        self.output = data.parent / f"output-{before}.txt"  # two demos may write at once
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", "0", *map(str, arguments)],
                cwd=ROOT,
                env=environment(data),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + PATIENCE
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < end, self.text()
            time.sleep(0.1)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def processes(self) -> dict[int, str]:
        """Everything that runs in the command's environment, servers included."""
        return processes_of(self.data)


def processes_of(data: Path) -> dict[int, str]:
    """Everything that runs with a data folder, by its number."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("DEMO_DATA") == str(data):
                found[process.pid] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def end_all(data: Path) -> None:
    """End a demo's processes, however its test ended."""
    for pid in processes_of(data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """A folder that Postgres can reach; pytest's own is closed to its user by the next run."""
    with tempfile.TemporaryDirectory(prefix="artsimilarity-demo-") as folder:
        try:
            yield Path(folder) / "data"
        finally:
            end_all(Path(folder) / "data")


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for a demo."""
    with folder_for_servers() as folder:
        yield folder


@pytest.fixture(scope="module")
def finished(pictures: Path) -> Iterator[Demo]:
    """A demo that was told to exit when all is embedded, and did."""
    with folder_for_servers() as data:
        demo = Demo(data, "--pictures", pictures, "--exit-when-ready")
        demo.wait()
        yield demo


def test_it_embeds_the_pictures_sums_up_and_leaves_nothing_behind(finished: Demo) -> None:
    assert finished.process.returncode == 0, finished.text()
    assert "10 pictures, 9 ready, 1 failed, 9 with 8 neighbours." in finished.text()
    assert finished.processes() == {}


def test_it_starts_again_on_the_same_data_and_serves_pages_until_ctrl_c(
    finished: Demo, pictures: Path
) -> None:
    demo = Demo(finished.data, "--pictures", pictures)
    demo.wait_for("Press Ctrl-C to stop.")
    assert "0 pictures loaded, 10 were there already." in demo.text()
    address = re.search(r"127\.0\.0\.1:(\d+)/\n", demo.text())
    assert address
    with socket.create_connection(("127.0.0.1", int(address[1]))) as connection:
        connection.sendall(b"GET /artworks/1/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = connection.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.0 200")
    assert answer.count('class="artsimilarity-item ') == 8

    # Another command uses its servers, and leaves them running.
    status = manage(demo.data, "embed_artworks", "--status")
    assert status.returncode == 0, status.stderr
    assert "ready: 9\n" in status.stdout
    assert demo.process.poll() is None

    os.killpg(demo.process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    assert demo.wait() == 0, demo.text()
    assert demo.processes() == {}
    assert "Warm shutdown" in (demo.data / "worker.log").read_text()
    broker_log = (demo.data / "valkey" / "valkey.log").read_text()
    assert "Received SIGTERM" in broker_log
    assert "Received SIGINT" not in broker_log  # it would be gone before the worker is done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["Starting Postgres", "Preparing the database"])
def test_a_signal_while_it_starts_leaves_nothing_behind(
    data: Path, pictures: Path, number: signal.Signals, moment: str
) -> None:
    demo = Demo(data, "--pictures", pictures)
    demo.wait_for(moment)

    demo.process.send_signal(number)

    assert demo.wait() == 0, demo.text()
    assert "Everything has stopped." in demo.text()
    assert demo.processes() == {}


def test_a_worker_that_dies_is_named_with_its_log_and_ends_the_demo(
    data: Path, pictures: Path
) -> None:
    demo = Demo(data, "--pictures", pictures)
    demo.wait_for("The picture library")
    [worker] = [
        pid
        for pid, command in demo.processes().items()
        if " celery " in command and psutil.Process(pid).ppid() == demo.process.pid
    ]

    os.kill(worker, signal.SIGKILL)

    assert demo.wait() == 1
    assert "The worker stopped unexpectedly (signal SIGKILL)." in demo.text()
    assert "worker.log" in demo.text()
    assert demo.processes() == {}


def test_a_port_in_use_is_refused_before_anything_starts(data: Path, pictures: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = Demo(data, "--port", port, "--pictures", pictures)
        assert demo.wait() == 1

    assert f"Cannot listen on 127.0.0.1, port {port}" in demo.text()
    assert "Choose another with --port." in demo.text()
    assert "Starting" not in demo.text()


def test_a_place_without_pictures_is_refused_before_anything_starts(
    data: Path, tmp_path: Path
) -> None:
    demo = Demo(data, "--pictures", tmp_path / "nowhere")

    assert demo.wait() == 1
    assert "nowhere does not exist." in demo.text()
    assert "Starting" not in demo.text()


def test_a_second_demo_on_the_same_data_is_refused(data: Path, pictures: Path) -> None:
    first = Demo(data, "--pictures", pictures)
    first.wait_for("Starting Postgres")
    second = Demo(data, "--pictures", pictures)

    assert second.wait() == 1
    assert "A demo runs already" in second.text()

    first.process.send_signal(signal.SIGTERM)
    first.wait()
    assert first.processes() == {}
