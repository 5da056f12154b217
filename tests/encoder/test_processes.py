"""Processes that decode: the same squares, and nothing that a file does ends the caller."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures.limits import PictureError
from artsimilarity.encoder.pictures.processes import DecodersBusy, DecodingProcesses
from artsimilarity.encoder.pictures.reading import (
    DamagedPicture,
    DecoderCrashed,
    EmptyFile,
    Limits,
    NotAPicture,
    TooManyBytes,
    TooMuchMemory,
    TooMuchWork,
    read,
)
from artsimilarity.encoder.pictures.threads import DecodingThreads
from tests.encoder.hostile import png_bomb, with_scans
from tests.encoder.raw_files import cut_short_png, png


@pytest.fixture(scope="module")
def shared() -> Iterator[DecodingProcesses]:
    with DecodingProcesses(2) as processes:
        yield processes


def picture_file(kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def helper_pids(processes: DecodingProcesses) -> list[int]:
    return [helper._process.pid for helper in processes._idle]


# The same as in this process


def test_squares_are_those_of_read(shared: DecodingProcesses) -> None:
    data = picture_file()
    found = shared.read(data, {16, 32})
    assert set(found) == {16, 32}
    for side, square in found.items():
        np.testing.assert_array_equal(square.pixels, read(data, side=side).pixels)
        assert not square.damaged


def test_a_path_and_an_open_file_are_read_as_bytes_are(
    shared: DecodingProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(picture_file())
    expected = read(picture_file()).pixels
    np.testing.assert_array_equal(shared.read(path)[224].pixels, expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(shared.read(file)[224].pixels, expected)


def test_a_file_larger_than_is_kept_in_memory_is_read(shared: DecodingProcesses) -> None:
    # Whatever follows the end of a picture is not looked at.
    data = picture_file("JPEG") + bytes(40 * 2**20)
    np.testing.assert_array_equal(shared.read(data)[224].pixels, read(data).pixels)


def test_a_damaged_file_is_said_to_be_so(shared: DecodingProcesses) -> None:
    assert shared.read(picture_file("JPEG")[:-2])[224].damaged


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (b"", Limits()),
        (b"no picture", Limits()),
        (picture_file(), Limits(max_bytes=100)),
        (picture_file()[:200], Limits()),
    ],
)
def test_errors_are_those_of_read(shared: DecodingProcesses, data: bytes, limits: Limits) -> None:
    with pytest.raises(PictureError) as here:
        read(data, limits=limits)
    with pytest.raises(PictureError) as there:
        shared.read(data, limits=limits)
    assert type(there.value) is type(here.value)
    assert str(there.value) == str(here.value)


def test_an_open_file_over_the_limit_is_not_read_to_its_end(shared: DecodingProcesses) -> None:
    file = io.BytesIO(bytes(5_000_000))
    with pytest.raises(TooManyBytes):
        shared.read(file, limits=Limits(max_bytes=1000))
    assert file.tell() == 1001


def test_a_path_that_does_not_exist_is_told(shared: DecodingProcesses, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        shared.read(tmp_path / "nothing")
    with pytest.raises(EmptyFile):
        shared.read(b"")


# Runaways


def test_a_file_that_takes_too_long_is_ended_and_the_next_is_read() -> None:
    with DecodingProcesses(1, limits=Limits(max_seconds=0.3)) as processes:
        started = time.monotonic()
        with pytest.raises(TooMuchWork, match=r"0\.3 seconds .*MAX_SECONDS"):
            processes.read(with_scans(90, 3500))
        assert time.monotonic() - started < 5
        assert processes.read(picture_file())[224].pixels.shape == (224, 224, 3)


def test_a_process_that_sleeps_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artsimilarity.encoder.pictures.processes._PATIENCE_SECONDS", 0.2)
    with DecodingProcesses(1, limits=Limits(max_seconds=0.5)) as processes:
        processes.read(picture_file())
        (pid,) = helper_pids(processes)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TooMuchWork):
            processes.read(picture_file())


@pytest.mark.skipif(sys.platform != "linux", reason="macOS limits no address space")
def test_a_file_that_takes_too_much_memory_is_refused_by_the_system() -> None:
    # Interlaced, which its header's size does not tell: libvips holds it whole.
    data = png_bomb(5000, 5000, bits=8, interlaced=True)
    with DecodingProcesses(1, limits=Limits(max_memory=30 * 2**20)) as processes:
        with pytest.raises(TooMuchMemory, match=r"30 MiB.*MAX_MEMORY"):
            processes.read(data)
        assert processes.read(picture_file())[224].pixels.any()


def test_a_process_that_dies_meanwhile_is_a_fault_of_the_file_and_the_next_is_read() -> None:
    with DecodingProcesses(1) as processes:
        processes.read(picture_file())
        (pid,) = helper_pids(processes)
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
        with pytest.raises(DecoderCrashed, match="SIGKILL"):
            processes.read(picture_file())
        assert processes.read(picture_file())[224].pixels.any()


def test_a_process_that_died_before_is_replaced() -> None:
    with DecodingProcesses(1) as processes:
        processes.read(picture_file())
        os.kill(helper_pids(processes)[0], signal.SIGKILL)
        time.sleep(0.1)
        assert processes.read(picture_file())[224].pixels.any()


def test_an_interruption_does_not_mix_up_answers() -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise KeyboardInterrupt

    with DecodingProcesses(1) as processes:
        with pytest.raises(KeyboardInterrupt):
            processes.read(Interrupted(b""))
        with pytest.raises(NotAPicture):
            processes.read(b"no picture")


# Bounds and ends


def test_no_more_processes_than_given() -> None:
    with DecodingProcesses(2) as processes, ThreadPoolExecutor(8) as threads:
        squares = list(threads.map(lambda _: processes.read(picture_file())[224], range(24)))
        assert len(helper_pids(processes)) <= 2
    assert all((square.pixels == squares[0].pixels).all() for square in squares)


def test_who_would_not_wait_is_told_that_all_are_busy() -> None:
    with DecodingProcesses(1, wait=0.05) as processes:
        processes.read(picture_file())
        (pid,) = helper_pids(processes)
        os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as thread:
            first = thread.submit(processes.read, picture_file())
            time.sleep(0.2)
            with pytest.raises(DecodersBusy):
                processes.read(picture_file())
            os.kill(pid, signal.SIGCONT)
            assert first.result(20)


def test_one_process_reads_many_pictures() -> None:
    with DecodingProcesses(1) as processes:
        processes.read(picture_file())
        before = helper_pids(processes)
        for data in (picture_file(), b"no picture", picture_file("JPEG")[:-2]):
            with suppress(NotAPicture):
                processes.read(data)
        assert helper_pids(processes) == before


def test_closing_ends_the_processes() -> None:
    with DecodingProcesses(1) as processes:
        processes.read(picture_file())
        (pid,) = helper_pids(processes)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_at_least_one_process_is_needed() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        DecodingProcesses(0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's list of processes")
def test_a_caller_that_is_killed_leaves_no_process_behind() -> None:
    program = """
import os, sys
from artsimilarity.encoder.pictures.processes import DecodingProcesses
processes = DecodingProcesses(1)
processes.read(sys.stdin.buffer.read())
print(processes._idle[0]._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], input=picture_file(), capture_output=True, check=False
    )
    pid = int(done.stdout)
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < until:
        if Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
            return
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


FORKED = """
import os, sys
from artsimilarity.encoder.pictures.processes import DecodingProcesses
data = sys.stdin.buffer.read()
with DecodingProcesses(1) as processes:
    processes.read(data)
    theirs = processes._idle[0]._process.pid
    child = os.fork()
    if child == 0:
        processes.read(data)
        ours = processes._idle[0]._process.pid
        processes.close()
        os._exit(0 if ours != theirs else 1)
    assert os.waitpid(child, 0)[1] == 0
    processes.read(data)
    assert processes._idle[0]._process.pid == theirs
"""


def test_a_fork_starts_processes_of_its_own() -> None:
    subprocess.run([sys.executable, "-c", FORKED], input=picture_file(), check=True)


def in_daemon(data: bytes) -> bool:
    with DecodingProcesses(1) as processes:
        return bool(processes.read(data)[224].pixels.any())


def test_a_daemonic_process_of_a_pool_may_decode() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(in_daemon, (picture_file(),))


def test_the_process_gets_no_secrets_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_KEY", "very secret")
    with DecodingProcesses(1) as processes:
        processes.read(picture_file())
        environment = Path(f"/proc/{helper_pids(processes)[0]}/environ")
        if not environment.exists():
            pytest.skip("no Linux")
        assert b"very secret" not in environment.read_bytes()


def test_the_asking_process_loads_neither_numpy_nor_pyvips() -> None:
    program = """
import sys
from artsimilarity.encoder.pictures.processes import DecodingProcesses
with DecodingProcesses(1) as processes:
    assert processes.read(sys.stdin.buffer.read())[224].image.size == (224, 224)
assert not {"numpy", "pyvips", "torch"} & set(sys.modules)
"""
    data = png(np.full((64, 64, 3), 9, np.uint8))
    subprocess.run([sys.executable, "-c", program], input=data, check=True)


def test_a_square_knows_the_proportions_of_its_picture(shared: DecodingProcesses) -> None:
    file = io.BytesIO()
    Image.new("RGB", (300, 200)).save(file, "PNG")
    square = shared.read(file.getvalue(), [64])[64]
    assert square.size == (300, 200)
    assert square.whole(48).size == (48, 32)


# Threads that use them


def test_threads_decode_in_processes(shared: DecodingProcesses) -> None:
    with DecodingThreads(2, processes=shared) as threads:
        whole, cut, none = (
            threads.submit(data, [32]).result(20)
            for data in (picture_file(), picture_file("JPEG")[:-2], cut_short_png(100, 100))
        )
    assert not isinstance(whole, PictureError)
    assert not isinstance(cut, PictureError)
    np.testing.assert_array_equal(whole[32], read(picture_file(), side=32).pixels)
    assert (whole.damaged, cut.damaged) == (False, True)
    assert type(none) is DamagedPicture
