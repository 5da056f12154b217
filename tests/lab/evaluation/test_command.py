"""``python -m artsimilarity.lab.evaluation`` from files to tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artsimilarity.lab.evaluation.__main__ import main
from tests.lab.evaluation import drawn
from tests.lab.evaluation.drawn import QUICK

pytestmark = pytest.mark.usefixtures("one_thread")


def run(folder: Path, *options: str) -> int:
    arguments = [str(folder), "--labels", str(folder / "labels.csv"), "--device", "cpu"]
    return main([*arguments, f"--recipes={drawn.__name__}.QUICK", *options])


@pytest.fixture(scope="module")
def outputs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run wrote."""
    out = tmp_path_factory.mktemp("out")
    status = run(
        folder,
        f"--recipes={drawn.__name__}.QUICK,{drawn.__name__}.COARSE",
        "--style=0.75,1,0",
        "--unscaled",
        f"--json={out / 'table.json'}",
        f"--markdown={out / 'table.md'}",
        f"--html={out / 'sheet.html'}",
        "--html-queries=3",
    )
    assert status == 0
    return out


def test_every_recipe_has_a_row_for_every_ranking(outputs: Path) -> None:
    rows = json.loads((outputs / "table.json").read_text())["rows"]
    assert [(row["recipe"], row["ranking"], row["dimensions"]) for row in rows] == [
        (recipe, ranking, dimensions)
        for recipe, bins in (("quick", 216), ("coarse", 8))
        for ranking, dimensions in (
            ("0.75 style + 0.25 colour", 256 + bins),
            ("style", 256),
            ("colour", bins),
            ("style, unscaled, Euclidean", 256),
            ("colour, unscaled, Euclidean", bins),
            ("both, unscaled, Euclidean", 256 + bins),
        )
    ]


def test_two_hands_that_differ_are_told_apart(outputs: Path) -> None:
    row = json.loads((outputs / "table.json").read_text())["rows"][0]
    assert row["queries"] == 12
    assert row["fingerprint"] == QUICK.fingerprint
    assert row["scores"]["P@4"]["mean"] == 1
    assert row["scores"]["R@100"]["mean"] == 1


def test_json_says_what_was_measured_with_what(outputs: Path) -> None:
    found = json.loads((outputs / "table.json").read_text())
    assert (found["pictures"], found["label"], found["min_pictures"]) == (12, "artist", 5)
    assert set(found["machine"]) == {"processor", "cores", "system", "Python", "torch", "numpy"}
    scores = found["rows"][0]["scores"]
    assert set(scores) == {"P@1", "P@4", "mAP@10", "mAP@100", "R@10", "R@100"}
    assert all(score["low"] <= score["mean"] <= score["high"] for score in scores.values())


def test_markdown_is_a_table_of_as_many_rows(outputs: Path) -> None:
    lines = (outputs / "table.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 12
    assert len({line.count("|") for line in table}) == 1
    assert "| quick | style | 256 | 100.0 (100.0 to 100.0) |" in table[3]


def test_the_text_goes_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 0
    said = capsys.readouterr().out
    assert "12 pictures, 12 queries (each artist with at least 5 pictures)" in said
    assert "100.0 (100.0 to 100.0)" in said


def test_the_sheet_shows_as_many_queries_as_asked_for(outputs: Path) -> None:
    sheet = (outputs / "sheet.html").read_text(encoding="utf-8")
    assert sheet.count("<h2>") == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label=painter"], "no column 'painter'; its columns are path, artist, school"),
        (["--exclude-same=painter"], "no column 'painter'"),
        (["--path-column=artist"], "12 of the 12 pictures"),
        (["--recipes=impressionism"], "no recipe 'impressionism': name one of article, "),
        (["--recipes=nowhere.ART"], "no recipe 'nowhere.ART'"),
        ([f"--recipes={drawn.__name__}.NO_RECIPE"], "is no Recipe"),
        (["--imagenet-weights=nowhere.safetensors"], "cannot be read"),
        (["--device=quantum"], "'quantum' cannot be used"),
        (["--min-pictures=7"], "No label has 7 pictures"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    options: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *options) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


def test_weights_that_are_missing_name_the_command(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARTSIMILARITY_WEIGHTS_DIR", str(tmp_path))
    assert run(folder, "--recipes=article") == 1
    assert "manage.py fetch_weights --layer relu3_1" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.csv").write_text("path,artist\na.png,x\nb.png,x\n")
    drawn.draw("blots", 1).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert run(tmp_path, "--min-pictures=2") == 1
    assert "b.png: The file is not a picture" in capsys.readouterr().err


def test_a_share_beyond_one_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(folder, "--style=1.5")
    assert "shares lie between 0 and 1, not '1.5'" in capsys.readouterr().err
