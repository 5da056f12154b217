"""``python -m artsimilarity.lab.training`` from a folder to a weights file and its record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.lab.training.__main__ import main
from artsimilarity.lab.training.loop import Settings
from tests.encoder.textures import SIDE, save_all

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS = (
    f"--size={SIDE} --layer=relu1_1 --reduced-channels=12 --dimensions=16 --epochs=1 "
    "--batch-size=16 --held-out=0.3 --min-pictures=4 --device=cpu"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_all(tmp_path_factory.mktemp("pictures"), [0, 2, 4, 7, 9, 11], 5)
    (folder / "Hand 00" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    rows = [f"{path.relative_to(folder)},{len(path.stem)}" for path in folder.rglob("*.png")]
    (folder / ".styles.csv").write_text("\n".join(["path,style", *sorted(rows)]))
    return folder


def run(folder: Path, output: Path, *more: str) -> int:
    return main([str(folder), "--output", str(output), *OPTIONS, *more])


@pytest.fixture(scope="module")
def output(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("output") / "style.safetensors"
    assert run(folder, output) == 0
    return output


@pytest.fixture(scope="module")
def record(output: Path) -> dict:
    return json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_weights_can_be_used_by_the_recipe_in_the_record(
    folder: Path, output: Path, record: dict
) -> None:
    recipe = Recipe(**{**record["recipe"], "weights": str(output)})
    assert recipe.fingerprint == record["fingerprint"]
    square = read_square((folder / "Hand 00" / "0.png").read_bytes(), side=SIDE)
    vector = Encoder(recipe, device="cpu").encode([square])[0]
    assert np.linalg.norm(vector[:16]) == pytest.approx(1, abs=1e-5)


def test_artists_held_out_were_not_trained_on(record: dict) -> None:
    trained, held = record["training"], record["held_out"]
    assert len(held["artists"]) == 2
    assert not set(held["artists"]) & set(trained["artists"])
    assert trained["pictures"] == sum(trained["artists"].values()) == 20
    assert held["pictures"] == record["evaluation"]["pictures"] == 10


def test_the_new_weights_are_scored_beside_the_bundled_ones(record: dict) -> None:
    rows = record["evaluation"]["rows"]
    assert [(row["recipe"], row["ranking"]) for row in rows] == [
        (name, ranking)
        for name in ("art", "own")
        for ranking in ("style", "0.75 style + 0.25 colour")
    ]
    assert all({"P@1", "P@4"} <= set(row["scores"]) for row in rows)
    assert rows[2]["fingerprint"] == record["fingerprint"]
    assert record["chance"] == pytest.approx(4 / 9)


def test_the_record_names_all_that_a_repetition_takes(record: dict) -> None:
    assert record["settings"] == {
        **{name: getattr(Settings(), name) for name in Settings.__dataclass_fields__},
        "epochs": 1,
        "batch_size": 16,
    }
    assert record["options"] == {
        "held_out": 0.3,
        "min_pictures": 4,
        "max_per_artist": 140,
        "deep": False,
        "projection_pictures": 2000,
        "styles": 0,
        "device": "cpu",
    }
    assert record["machine"]["torch"] == torch.__version__
    assert list(record["skipped"]) == ["Hand 00/broken.jpg"]
    assert len(record["losses"]) == 1


def test_the_same_seed_gives_the_same_file(folder: Path, output: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.safetensors", tmp_path / "other.safetensors"
    assert run(folder, again, "--compare=") == 0
    assert run(folder, other, "--compare=", "--seed=1") == 0
    assert again.read_bytes() == output.read_bytes()
    assert other.read_bytes() != output.read_bytes()


def test_the_projection_is_fitted_to_no_more_pictures_than_asked_for(
    folder: Path, output: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.safetensors"
    assert run(folder, few, "--compare=", "--projection-pictures=17") == 0
    found, usual = load_file(few), load_file(output)
    changed = {name for name in usual if not np.array_equal(found[name], usual[name])}
    assert changed == {"project.weight", "project.bias"}


def test_it_says_what_was_skipped_and_how_to_use_the_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "style.safetensors"
    assert run(folder, output, "--held-out=0", "--name=mine") == 0
    told = capsys.readouterr()
    assert "skipped Hand 00/broken.jpg: " in told.err
    assert "nothing will be evaluated" in told.out
    made: dict[str, Recipe] = {}
    exec(told.out[told.out.index("from dataclasses") :], made)
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert made["MINE"].fingerprint == record["fingerprint"]
    assert made["MINE"].weights == str(output.resolve())
    assert record["evaluation"] is None


def test_styles_from_a_table_are_learnt_too(folder: Path, output: Path, tmp_path: Path) -> None:
    styled = tmp_path / "styled.safetensors"
    assert run(folder, styled, "--compare=", f"--styles={folder / '.styles.csv'}") == 0
    assert styled.read_bytes() != output.read_bytes()
    record = json.loads(styled.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["options"]["styles"] == 1


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--dimensions=30"], "lower --dimensions"),
        (["--dimensions=91"], "raise --reduced-channels"),
        (["--projection-pictures=16"], "raise --projection-pictures"),
        (["--layer=relu3_1", "--reduced-channels=96", "--dimensions=2000"], "raise --projection"),
        (["--min-pictures=6"], "lower --min-pictures"),
        (["--held-out=0.9"], "Add pictures"),
        (["--layer=relu9_1"], "relu9_1"),
        (["--device=abacus"], "abacus"),
        (["--compare=nothing"], "no recipe 'nothing'"),
        (["--name=Not a slug"], "slug"),
        (["--styles=nowhere.csv"], "nowhere.csv"),
        (["--output=style.bin"], "end in .safetensors"),
        (["--output=nowhere/style.safetensors"], "no folder nowhere"),
    ],
)
def test_what_cannot_work_ends_with_advice_and_writes_nothing(
    options: list[str],
    advice: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(folder, tmp_path / "style.safetensors", *options) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert advice in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["style.safetensors", "style.json"])
def test_no_file_is_written_over(
    name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("in service")
    assert run(folder, tmp_path / "style.safetensors") == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "in service"


@pytest.mark.parametrize(
    ("files", "advice"),
    [([], "is no folder"), (["loose.png"], "make one for each artist")],
)
def test_a_folder_without_artists_is_told(
    files: list[str],
    advice: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pictures = tmp_path / "pictures"
    for name in files:
        pictures.mkdir(exist_ok=True)
        (pictures / name).write_bytes(b"")
    assert run(pictures, tmp_path / "style.safetensors") == 1
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--epochs=0", "--epochs=-1", "--batch-size=0", "--held-out=1", "--held-out=-0.1"]
)
def test_numbers_out_of_range_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, tmp_path / "style.safetensors", option)
