"""The demo's own pictures: how many, how various, and the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo_site.samples import draw, samples, save_all
from demo_site.samples.palettes import PALETTES, PAPER, Palette
from demo_site.samples.techniques import TECHNIQUES
from tests.worker import ROOT

_DIGEST = """
import hashlib
from demo_site.samples import draw, samples
print(hashlib.sha256(draw(samples()[{number}]).tobytes()).hexdigest())
"""


def test_there_are_at_least_120_in_at_least_10_techniques() -> None:
    assert len(samples()) >= 120
    assert len({sample.technique for sample in samples()}) >= 10


def test_every_palette_has_more_pictures_than_a_search_for_four_neighbours_needs() -> None:
    assert min(Counter(sample.palette for sample in samples()).values()) >= 5


def test_slugs_are_unique_and_every_picture_is_described() -> None:
    assert len({sample.slug for sample in samples()}) == len(samples())
    assert all(s.title and s.artist and s.year.isdigit() for s in samples())


def test_the_first_page_of_a_grid_is_mixed() -> None:
    first = samples()[:12]
    assert len({sample.technique for sample in first}) >= 10
    assert len({sample.palette for sample in first}) >= 10


def test_no_two_pictures_by_one_artist_have_the_same_title() -> None:
    assert len({(sample.title, sample.artist) for sample in samples()}) == len(samples())


@pytest.mark.parametrize("palette", PALETTES[:3], ids=lambda palette: palette.slug)
def test_around_every_picture_is_the_paper_of_its_palette(palette: Palette) -> None:
    sample = next(s for s in samples() if s.palette == palette.name)
    edge = np.asarray(draw(sample), dtype=float)[10:14, 40:-40]
    assert np.abs(edge.mean(axis=(0, 1)) - palette.colours()[PAPER]).max() < 20


def test_no_two_palettes_share_a_colour() -> None:
    colours = [tuple(colour) for palette in PALETTES for colour in palette.colours().tolist()]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("technique", [technique.name for technique in TECHNIQUES])
def test_a_technique_draws_pictures_of_the_stated_size_with_colours_in_them(
    technique: str,
) -> None:
    sample = next(s for s in samples() if s.technique == technique)
    picture = draw(sample)
    assert (picture.mode, picture.size) == ("RGB", (sample.width, sample.height))
    assert np.asarray(picture).std() > 10


def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    digests = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _DIGEST.format(number=8)]
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(result.stdout)
    assert len(digests) == 1


class TestSaveAll:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three samples are enough to see how files are kept."""
        monkeypatch.setattr("demo_site.samples.drawing.samples", lambda: samples()[:3])

    def test_writes_a_jpeg_a_sample_and_reports_each(self, tmp_path: Path) -> None:
        seen: list[tuple[int, int]] = []
        paths = save_all(tmp_path / "new", lambda done, total: seen.append((done, total)))
        assert [path.stem for path in paths] == [sample.slug for sample in samples()[:3]]
        assert seen == [(1, 3), (2, 3), (3, 3)]
        for path in paths:
            with Image.open(path) as picture:
                picture.load()
                assert picture.format == "JPEG"

    def test_leaves_complete_files_alone_and_draws_truncated_ones_again(
        self, tmp_path: Path
    ) -> None:
        complete, truncated, _ = save_all(tmp_path)
        good = truncated.read_bytes()
        truncated.write_bytes(good[: len(good) // 2])
        untouched = complete.stat().st_mtime_ns
        save_all(tmp_path)
        assert complete.stat().st_mtime_ns == untouched
        assert truncated.read_bytes() == good
        assert not list(tmp_path.glob("*.part"))
