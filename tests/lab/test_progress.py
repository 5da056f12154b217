"""What a command tells of its progress, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest

from artsimilarity.lab.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, seconds: float) -> str:
    with progress_bar("Reading", 3, "picture", stream=stream, seconds=seconds) as bar:
        for _ in range(3):
            bar.update()
    return stream.getvalue()


def test_a_terminal_has_a_bar_that_is_drawn_over() -> None:
    assert "\rReading: 100%" in shown(Terminal(), 30)


def test_a_log_has_whole_lines() -> None:
    lines = shown(io.StringIO(), 0)
    assert "\r" not in lines
    assert [line.partition(",")[0] for line in lines.splitlines()] == [
        f"Reading: {done} of 3 pictures" for done in (0, 1, 2, 3, 3)
    ]


def test_a_log_has_a_line_at_the_start_and_the_end_and_not_for_every_step() -> None:
    lines = shown(io.StringIO(), 30).splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "Reading: 0 of 3 pictures",
        "Reading: 3 of 3 pictures",
    ]


def test_a_note_stands_at_the_end_of_the_line() -> None:
    stream = io.StringIO()
    with progress_bar("Training", 1, "step", stream=stream) as bar:
        bar.set_postfix(loss="0.5", refresh=False)
    assert stream.getvalue().splitlines()[-1].endswith(", loss=0.5")


def test_it_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Reading", 1, "picture"):
        pass
    told = capsys.readouterr()
    assert told.out == ""
    assert "Reading: 0 of 1 pictures" in told.err
