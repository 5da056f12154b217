"""``python -m artsimilarity.lab.encoding_speed`` on pictures drawn here. No figure is judged."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from artsimilarity.lab.encoding_speed.__main__ import main
from artsimilarity.lab.encoding_speed.baselines import BASELINES

# A dozen child processes, each of which loads torch.
pytestmark = pytest.mark.figures

STAGES = ["read", "decode", "network and Gram", "colour"]


@dataclass(frozen=True)
class Outcome:
    """What one run of the whole command wrote to a file and told on standard error."""

    result: Any
    told: list[str]


@pytest.fixture(scope="module")
def outcome(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    file = tmp_path_factory.mktemp("result") / "speed.json"
    options = ["--pictures", "9", "--repeat", "2", "--processes", "1,2", "--device", "cpu"]
    more = ["--sizes", "0.01", "--batch-sizes", "1,2", "--json", str(file)]
    more += ["--stream-pictures", "4"]
    with contextlib.redirect_stderr(io.StringIO()) as told:
        assert main([str(folder), *options, *more]) == 0
    return Outcome(json.loads(file.read_text(encoding="utf-8")), told.getvalue().splitlines())


@pytest.fixture
def result(outcome: Outcome) -> Any:
    return outcome.result


@pytest.mark.parametrize(
    "step",
    [
        "Choosing: 3 of 5 pictures",
        "Making 0.01 megapixels: 3 of 3 pictures",
        "cpu, 0.01, processes: 1: 12 of 12 rounds",
        "cpu, 0.01, processes: 2: 12 of 12 rounds",
        "cpu, 0.01, stream, processes: 1: 6 of 6 rounds",
        "cpu, 0.01, stream, processes: 2: 6 of 6 rounds",
        "cpu, 0.01, memory: 4 of 4 ways",
        "cpu, 0.01, batch sizes: 12 of 12 rounds",
    ],
)
def test_every_step_is_told(step: str, outcome: Outcome) -> None:
    assert any(line.startswith(step) for line in outcome.told)


def test_all_four_ways_are_measured_at_every_size_with_every_number_of_processes(
    result: Any,
) -> None:
    measured = [(run["size"], run["processes"], list(run["baselines"])) for run in result["speed"]]
    kinds = ["ours", "art", "plain", "truncated"]
    assert measured == [("0.01", count, kinds) for count in (1, 2)]


def test_ratio_is_the_quotient_of_the_rates(result: Any) -> None:
    for run in result["speed"]:
        rates = {kind: speed["pictures_per_second"] for kind, speed in run["baselines"].items()}
        assert run["ratios"] == {
            kind: pytest.approx(rates["ours"] / rates[kind])
            for kind in ("art", "plain", "truncated")
        }


def test_rate_is_the_median_of_the_rounds(result: Any) -> None:
    for run in result["speed"]:
        for speed in run["baselines"].values():
            assert len(speed["rounds"]) == 2
            assert speed["pictures_per_second"] == pytest.approx(sum(speed["rounds"]) / 2)


def test_every_stage_takes_time(result: Any) -> None:
    for run in result["speed"]:
        for speed in run["baselines"].values():
            assert list(speed["stages_ms"]) == STAGES
            assert min(speed["stages_ms"].values()) > 0


def test_stages_of_one_process_fit_into_its_round(result: Any) -> None:
    for run in result["speed"]:
        if run["processes"] == 1:
            for speed in run["baselines"].values():
                in_stages = sum(speed["stages_ms"].values())
                assert in_stages <= 1e3 / min(speed["rounds"])


def test_stream_is_measured_over_as_many_pictures_as_are_asked_for(result: Any) -> None:
    assert [streamed["processes"] for streamed in result["stream"]] == [1, 2]
    for streamed in result["stream"]:
        assert (streamed["device"], streamed["precision"]) == ("cpu", "float32")
        assert streamed["pictures"] == 4
        assert len(streamed["rounds"]) == 2
        assert streamed["pictures_per_second"] == pytest.approx(sum(streamed["rounds"]) / 2)
        assert streamed["ours"] > 0


def test_peak_memory_is_told_for_each_way_and_size(result: Any) -> None:
    told = {(peak["size"], peak["baseline"]): peak["mebibytes"] for peak in result["memory"]}
    assert set(told) == {("0.01", baseline.kind) for baseline in BASELINES}
    assert all(peak > 100 for peak in told.values())  # torch alone takes more


def test_batch_sizes_are_tried_without_and_with_prefetching(result: Any) -> None:
    tried = [(one["batch_size"], one["prefetch"]) for one in result["batch_sizes"][:4]]
    assert tried == [(1, False), (1, True), (2, False), (2, True)]
    assert all(one["pictures_per_second"] > 0 for one in result["batch_sizes"])


def test_machine_is_named(result: Any) -> None:
    assert {"processor", "cores", "torch", "load average"} <= set(result["machine"])


def test_files_that_cannot_be_read_are_skipped_and_counted(result: Any) -> None:
    assert result["skipped"] == 2
    assert result["sizes"]["0.01"]["pictures"] == 3
