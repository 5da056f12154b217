"""``python -m artsimilarity.lab.training --deep`` from a folder to the files of a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.recipe import LIKENESS, Recipe
from artsimilarity.lab.training.__main__ import main
from tests.encoder.make_deep_reference import NETWORK
from tests.encoder.textures import SIDE, save_all
from tests.lab.training import small

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS = (
    f"--deep --size={SIDE} --dimensions=16 --epochs=1 --batch-size=16 --held-out=0.3 "
    f"--min-pictures=4 --device=cpu --compare={small.__name__}.TINY_DEEP"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_all(tmp_path_factory.mktemp("pictures"), [0, 2, 4, 7, 9, 11], 5)


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


def test_it_writes_weights_a_projection_and_a_record(output: Path) -> None:
    assert {path.name for path in output.parent.iterdir()} == {
        "style.safetensors",
        "style-project.safetensors",
        "style.json",
    }
    made, bundled = load_file(output), load_file(NETWORK)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in made.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in bundled.items()
    }


def test_the_files_can_be_used_by_the_recipe_in_the_record(output: Path, record: dict) -> None:
    files = {
        name: str(output.parent / record["recipe"][name]) for name in ("deep", "deep_projection")
    }
    recipe = Recipe(**{**record["recipe"], **files})
    assert recipe.fingerprint == record["fingerprint"]
    assert recipe.area == LIKENESS.area
    vector = Encoder(recipe, device="cpu").encode(np.zeros((1, SIDE, SIDE, 3), np.uint8))[0]
    assert vector.shape == (256 + 16 + 216,)


def test_artists_held_out_are_scored_before_and_after(record: dict) -> None:
    rows = record["evaluation"]["rows"]
    assert [(row["recipe"], row["ranking"]) for row in rows] == [
        (name, ranking)
        for name in ("tiny-deep", "own")
        for ranking in ("style", "0.9 style + 0.1 colour")
    ]
    assert rows[0]["fingerprint"] == small.TINY_DEEP.fingerprint
    assert rows[2]["fingerprint"] == record["fingerprint"]
    assert not set(record["held_out"]["artists"]) & set(record["training"]["artists"])


def test_the_record_says_that_it_was_fine_tuned_and_how(record: dict) -> None:
    assert record["options"]["deep"] is True
    assert record["options"]["projection_pictures"] is None
    assert record["settings"]["crop_share"] == pytest.approx(5 / 7)
    assert len(record["losses"]) == 1


def test_without_epochs_only_the_projection_is_new(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "style.safetensors"
    assert run(folder, output, "--epochs=0", "--held-out=0") == 0
    made, bundled = load_file(output), load_file(NETWORK)
    assert all(np.array_equal(made[name], tensor) for name, tensor in bundled.items())
    told = capsys.readouterr().out
    found: dict[str, Recipe] = {}
    exec(told[told.index("from dataclasses") :], found)
    assert "    LIKENESS,\n" in told
    assert found["MINE"].deep == str(output.resolve())
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert found["MINE"].fingerprint == record["fingerprint"]


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--layer=relu1_1"], "leave them out"),
        (["--reduced-channels=12"], "leave them out"),
        (["--dimensions=769"], "statistics are 768 values, fewer than the 769 asked for: lower"),
        (["--dimensions=30"], "lower --dimensions"),
        (["--projection-pictures=16"], "raise --projection-pictures"),
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


def test_a_projection_in_service_is_not_written_over(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "style-project.safetensors").write_text("in service")
    assert run(folder, tmp_path / "style.safetensors") == 1
    assert "exists already" in capsys.readouterr().err
