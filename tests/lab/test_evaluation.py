"""The benchmark from files to tables, on a small library of pictures drawn here."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.lab.evaluation import __main__ as evaluate
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.retrieval import NOBODY, assess, euclidean
from tests.encoder import small
from tests.encoder.shared import (
    BENCH,
    needs_bench,
    needs_imagenet_weights,
    with_imagenet_weights,
)

# A recipe by its dotted path, for --recipes.
MINE = replace(ART, name="mine", colour_bins=2)
NO_RECIPE = "art"


def draw(kind: str, seed: int) -> Image.Image:
    """Stripes by one hand, blots by the other."""
    rng = np.random.default_rng(seed)
    red, blue = rng.integers(100, 200, 2)
    if kind == "stripes":
        rows = np.arange(64)[:, None] // (2 + seed % 3) % 2 * np.ones((1, 64), int)
        return Image.fromarray(
            np.stack([rows * red, rows * 40, rows * 10], axis=2).astype(np.uint8)
        )
    coarse = rng.integers(0, 256, (8, 8))
    blots = np.kron(coarse, np.ones((8, 8), int))
    return Image.fromarray(np.stack([0 * blots, blots // 4, blots * blue // 255], 2).astype("u1"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, six by each of two, of two schools."""
    folder = tmp_path_factory.mktemp("library")
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "artist", "school"])
        for kind in ("stripes", "blots"):
            (folder / kind).mkdir()
            for seed in range(6):
                path = f"{kind}/“{seed}” & more.png"
                draw(kind, seed).save(folder / path)
                table.writerow([path, kind, "one" if seed % 2 else "two"])
    return folder


def run(folder: Path, *options: str) -> int:
    arguments = [str(folder), "--labels", str(folder / "labels.csv"), "--device", "cpu", *options]
    return evaluate.main(arguments)


def library(folder: Path, **options: object) -> evaluate.Library:
    columns = {"path": "path", "label": "artist", "exclude_same": None, **options}
    return evaluate.read_library(folder, folder / "labels.csv", **columns)


@pytest.fixture(scope="module")
def outputs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run wrote."""
    out = tmp_path_factory.mktemp("out")
    status = run(
        folder,
        f"--recipes=art,{__name__}.MINE",
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
        for recipe, bins in (("art", 216), ("mine", 8))
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
    assert row["fingerprint"] == ART.fingerprint
    assert row["scores"]["P@4"]["mean"] == 1
    assert row["scores"]["R@100"]["mean"] == 1


def test_json_says_what_was_measured_with_what(outputs: Path) -> None:
    found = json.loads((outputs / "table.json").read_text())
    assert (found["pictures"], found["label"], found["min_pictures"]) == (12, "artist", 5)
    assert set(found["machine"]) == {"processor", "Python", "torch", "numpy"}
    scores = found["rows"][0]["scores"]
    assert set(scores) == {"P@1", "P@4", "mAP@10", "mAP@100", "R@10", "R@100"}
    assert all(score["low"] <= score["mean"] <= score["high"] for score in scores.values())


def test_markdown_is_a_table_of_as_many_rows(outputs: Path) -> None:
    lines = (outputs / "table.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 12
    assert len({line.count("|") for line in table}) == 1
    assert "| art | style | 256 | 100.0 (100.0 to 100.0) |" in table[3]


def test_the_text_goes_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 0
    said = capsys.readouterr().out
    assert "12 pictures, 12 queries (each artist with at least 5 pictures)" in said
    assert "100.0 (100.0 to 100.0)" in said


class Sheet(HTMLParser):
    """Collects what a reader would meet, and refuses tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_sheet_is_sound_html_with_a_text_for_every_picture(outputs: Path) -> None:
    sheet = Sheet((outputs / "sheet.html").read_text(encoding="utf-8"))
    images = sheet.all("img")
    assert len(images) == 3 * (1 + 12 * 6)
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in images)
    assert all(image["alt"].endswith("” & more.png") for image in images)
    assert sheet.all("html") == [{"lang": "en"}]
    assert len(sheet.all("caption")) == len(sheet.all("table")) == len(sheet.all("h2")) == 3
    assert sheet.all("th") == [{"scope": "row"}] * 36


def test_the_label_can_be_chosen(folder: Path) -> None:
    chosen = library(folder, label="school")
    assert set(chosen.labels.labels) == {"one", "two"}


def test_pictures_of_the_same_artist_are_left_out_where_asked(folder: Path) -> None:
    (row,) = evaluate.evaluate(
        library(folder, label="school", exclude_same="artist"), [ART], device="cpu"
    )
    neighbours = row.quality.neighbours
    assert (neighbours[:6, :6] >= 6).all()
    assert (neighbours[6:, :6] < 6).all()
    assert (neighbours[:, 6:] == NOBODY).all()


def test_an_empty_group_is_a_picture_of_its_own(folder: Path, tmp_path: Path) -> None:
    text = (folder / "labels.csv").read_text().replace(",stripes,", ",,")
    (tmp_path / "labels.csv").write_text(text)
    found = evaluate.read_library(
        folder, tmp_path / "labels.csv", path="path", label="school", exclude_same="artist"
    )
    assert len(set(found.labels.groups)) == 6 + 1


def test_min_pictures_and_seed_reach_the_scores(folder: Path) -> None:
    chosen = library(folder, label="school")
    with pytest.raises(ValueError, match="No label has 7 pictures"):
        list(evaluate.evaluate(chosen, [ART], device="cpu", min_pictures=7))
    first, second = (
        next(evaluate.evaluate(chosen, [ART], device="cpu", seed=seed)).quality.scores["mAP@10"]
        for seed in (0, 1)
    )
    assert first.mean == second.mean
    assert first != second


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label=painter"], "no column 'painter'; its columns are path, artist, school"),
        (["--exclude-same=painter"], "no column 'painter'"),
        (["--path-column=artist"], "12 of the 12 pictures"),
        (["--recipes=impressionism"], "no recipe 'impressionism': name one of article, "),
        (["--recipes=nowhere.ART"], "no recipe 'nowhere.ART'"),
        ([f"--recipes={__name__}.NO_RECIPE"], "is no Recipe"),
        (["--imagenet-weights=nowhere.safetensors"], "cannot be read"),
        (["--device=quantum"], "'quantum' cannot be used"),
        (["--min-pictures=7"], "No label has 7 pictures"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    options: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *options) == 1
    error = capsys.readouterr().err
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
    draw("blots", 1).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert run(tmp_path, "--min-pictures=2") == 1
    assert "b.png: The file is not a picture" in capsys.readouterr().err


def test_a_share_beyond_one_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(folder, "--style=1.5")
    assert "shares lie between 0 and 1, not '1.5'" in capsys.readouterr().err


def test_ablation_stands_for_all_steps() -> None:
    steps = [step.recipe for step in ABLATION]
    assert evaluate.find_recipes("ablation,art", None) == [*steps, ART]


def test_a_local_file_stands_in_for_imagenet_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    digest = small.write(small.make_weights(), path)
    article, art = evaluate.find_recipes("article,art", path)
    assert article == replace(ARTICLE, weights=str(path), weights_sha256=digest)
    assert art == ART


def p4(recipe: Recipe, *, scaled: bool) -> float:
    """P@4 of the style block in per cent: cosine, or Euclidean where it is unscaled."""
    bench = evaluate.read_library(
        BENCH, BENCH / "bench.csv", path="path", label="artist", exclude_same=None
    )
    vectors = evaluate.encode_library(bench, recipe, device="cpu", scaled=scaled)
    quality = assess(euclidean(vectors[:, : recipe.style_dimensions]), bench.labels)
    assert len(quality.queries) == 311
    return 100 * quality.scores["P@4"].mean


@needs_bench
@needs_imagenet_weights
@pytest.mark.slow
def test_the_articles_gram_matrix_reproduces_its_reference() -> None:
    plain = replace(with_imagenet_weights(ARTICLE), gram_pool=1, style_dimensions=256**2)
    assert p4(plain, scaled=False) == pytest.approx(39.2, abs=1)


@needs_bench
@pytest.mark.slow
def test_arts_style_reproduces_its_reference() -> None:
    assert p4(ART, scaled=True) == pytest.approx(53.7, abs=1)
