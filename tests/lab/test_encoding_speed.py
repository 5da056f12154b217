"""The speed benchmark as a command, on pictures drawn here. No figure is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.encoding_speed.__main__ import main
from artsimilarity.lab.encoding_speed.baselines import (
    CONTENDERS,
    OURS,
    PLAIN,
    TRUNCATED,
    Contender,
    Stopwatch,
    prepare,
)
from artsimilarity.lab.encoding_speed.pictures import choose_pictures, make_pictures

# The whole command with a dozen child processes, each of which loads torch.
pytestmark = pytest.mark.slow

STAGES = ["read", "decode", "network and Gram", "colour"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, one of them a folder below, and two files that are none."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    (folder / "more").mkdir()
    for name in ("one.png", "two.jpg", "more/three.jpg"):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(folder / name)
    (folder / "readme.txt").write_text("no picture")
    (folder / "damaged.jpg").write_bytes((folder / "two.jpg").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def result(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What one run of the whole command wrote."""
    file = tmp_path_factory.mktemp("result") / "speed.json"
    options = ["--pictures", "9", "--repeat", "2", "--processes", "1,2", "--device", "cpu"]
    more = ["--sizes", "0.01", "--batch-sizes", "1,2", "--json", str(file)]
    more += ["--stream-pictures", "4"]
    assert main([str(folder), *options, *more]) == 0
    return json.loads(file.read_text(encoding="utf-8"))


def test_all_three_ways_are_measured_at_every_size_with_every_number_of_processes(
    result: Any,
) -> None:
    measured = [(run["size"], run["processes"], list(run["contenders"])) for run in result["speed"]]
    kinds = ["ours", "plain", "truncated"]
    assert measured == [("0.01", count, kinds) for count in (1, 2)]


def test_ratio_is_the_quotient_of_the_rates(result: Any) -> None:
    for run in result["speed"]:
        rates = {kind: speed["pictures_per_second"] for kind, speed in run["contenders"].items()}
        assert run["ratios"] == {
            kind: pytest.approx(rates["ours"] / rates[kind]) for kind in ("plain", "truncated")
        }


def test_rate_is_the_median_of_the_rounds(result: Any) -> None:
    for run in result["speed"]:
        for speed in run["contenders"].values():
            assert len(speed["rounds"]) == 2
            assert speed["pictures_per_second"] == pytest.approx(sum(speed["rounds"]) / 2)


def test_every_stage_takes_time(result: Any) -> None:
    for run in result["speed"]:
        for speed in run["contenders"].values():
            assert list(speed["stages_ms"]) == STAGES
            assert min(speed["stages_ms"].values()) > 0


def test_stages_of_one_process_fit_into_its_round(result: Any) -> None:
    for run in result["speed"]:
        if run["processes"] == 1:
            for speed in run["contenders"].values():
                in_stages = sum(speed["stages_ms"].values())
                assert in_stages <= 1e3 / min(speed["rounds"])


def test_stream_is_measured_over_as_many_pictures_as_are_asked_for(result: Any) -> None:
    (streamed,) = result["stream"]
    assert (streamed["device"], streamed["precision"]) == ("cpu", "float32")
    assert streamed["pictures"] == 4
    assert len(streamed["rounds"]) == 2
    assert streamed["pictures_per_second"] == pytest.approx(sum(streamed["rounds"]) / 2)
    assert streamed["ours"] > 0


def test_peak_memory_is_told_for_each_way_and_size(result: Any) -> None:
    told = {(peak["size"], peak["contender"]): peak["mebibytes"] for peak in result["memory"]}
    assert set(told) == {("0.01", contender.kind) for contender in CONTENDERS}
    assert all(peak > 100 for peak in told.values())  # torch alone takes more


def test_batch_sizes_are_tried_without_and_with_prefetching(result: Any) -> None:
    tried = [(one["batch_size"], one["prefetch"]) for one in result["sweep"][:4]]
    assert tried == [(1, False), (1, True), (2, False), (2, True)]
    assert all(one["pictures_per_second"] > 0 for one in result["sweep"])


def test_machine_is_named(result: Any) -> None:
    assert {"processor", "cores", "torch", "load average"} <= set(result["machine"])


def test_files_that_cannot_be_read_are_skipped_and_counted(result: Any) -> None:
    assert result["skipped"] == 2
    assert result["sizes"]["0.01"]["pictures"] == 3


def test_too_few_pictures_are_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds 0 readable pictures" in capsys.readouterr().err


def test_the_same_pictures_are_drawn_every_time(folder: Path) -> None:
    assert choose_pictures(folder, 2).paths == choose_pictures(folder, 2).paths
    assert len(choose_pictures(folder, 2).paths) == 2


def test_made_pictures_have_the_size_asked_for_and_the_proportions(
    folder: Path, tmp_path: Path
) -> None:
    (made,) = make_pictures([folder / "one.png"], 0.48, tmp_path)
    with Image.open(made) as image:
        assert image.format == "JPEG"
        assert image.size == (800, 600)


@pytest.mark.parametrize("prefetch", [False, True])
def test_ours_computes_the_vectors_of_the_encoder(folder: Path, prefetch: bool) -> None:
    paths = choose_pictures(folder, 3).paths
    run = prepare(Contender(kind="ours", batch_size=2, prefetch=prefetch), "cpu")
    expected = Encoder(ART, device="cpu").encode([read_square(p.read_bytes()) for p in paths])
    np.testing.assert_allclose(run(paths, Stopwatch()), expected, atol=1e-5)


def test_stream_computes_the_vectors_of_the_encoder(folder: Path) -> None:
    paths = choose_pictures(folder, 3).paths
    expected = Encoder(ART, device="cpu").encode([read_square(p.read_bytes()) for p in paths])
    found = prepare(Contender(kind="stream"), "cpu")(paths, Stopwatch())
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("contender", [PLAIN, TRUNCATED])
def test_the_others_compute_a_gram_matrix_of_256_channels_and_colour(
    folder: Path, contender: Contender
) -> None:
    paths = choose_pictures(folder, 2).paths
    vectors = prepare(contender, "cpu")(paths, Stopwatch())
    gram = vectors[:, : 256**2].reshape(2, 256, 256)
    assert vectors.shape == (2, 256**2 + ART.colour_dimensions)
    np.testing.assert_allclose(gram, gram.transpose(0, 2, 1), rtol=1e-4)
    assert (np.diagonal(gram, axis1=1, axis2=2) >= 0).all()
    assert gram.max() > 0


def test_a_way_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'theirs'"):
        prepare(Contender(kind="theirs"), "cpu")


def test_default_way_is_that_of_the_encoder() -> None:
    assert (OURS.batch_size, OURS.prefetch) == (None, False)
