"""Hostile files cost no more than a budget says."""

from __future__ import annotations

import pytest

from artsimilarity.encoder.pictures import limits
from tests.encoder.hostile import BUDGETS, KINDS, MOST_BYTES, cost

START_SECONDS = 0.5  # Python's own start, on a busy machine
OWN_MEGABYTES = 64  # of the process that decodes, before it does

OUTCOMES = {error.__name__ for error in limits.PictureError.__subclasses__()} | {
    "read",
    "read as far as it goes",
}

FEW = [
    "JPEG: 2,000 empty scans over 9 megapixels",
    "TIFF: 64 x 64 pixels in a tile of 46,000 x 46,000",
    "WebP: animated, canvas of 7,000 x 7,000, frames of 1 x 1",
    "GIF: canvas of 22,000 x 22,000, a frame of 1 x 1",
]


def check(name: str, budget: str) -> None:
    data = KINDS[name]()
    assert len(data) <= MOST_BYTES
    found = cost(data, budget)
    assert found["outcome"] in OUTCOMES
    assert found["seconds"] <= BUDGETS[budget].max_seconds + START_SECONDS
    assert found["megabytes"] <= BUDGETS[budget].max_memory / 2**20 + OWN_MEGABYTES
    assert found["seconds_here"] < START_SECONDS


def test_there_are_at_least_thirty_kinds() -> None:
    assert len(KINDS) >= 30


@pytest.mark.parametrize("name", FEW)
def test_the_worst_kinds_stay_within_a_web_process_budget(name: str) -> None:
    check(name, "web")


@pytest.mark.slow
@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_stays_within_its_budget(name: str, budget: str) -> None:
    check(name, budget)
