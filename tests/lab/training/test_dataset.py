from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from artsimilarity.lab.training.dataset import (
    NOT_BY_AN_ARTIST,
    TrainingError,
    check_enough,
    hold_out,
    read_collection,
)
from tests.encoder.textures import paint, save_all
from tests.lab.training.small import TINY, collection


class TestFolder:
    def test_pictures_belong_to_the_artist_of_their_first_folder(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 2)
        (folder / "Hand 01" / "late").mkdir()
        (folder / "Hand 01" / "1.png").rename(folder / "Hand 01" / "late" / "1.png")
        found, skipped = read_collection(folder, recipe=TINY, max_per_artist=9, seed=0)
        assert found.paths[:2] == ["Hand 00/0.png", "Hand 00/1.png"]
        assert found.paths[2:] == ["Hand 01/0.png", "Hand 01/late/1.png"]
        assert found.artists.tolist() == ["Hand 00"] * 2 + ["Hand 01"] * 2
        np.testing.assert_array_equal(found.pixels[3], paint(1, 1))
        assert skipped == {}

    def test_what_cannot_be_read_is_skipped_and_named(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 2)
        (folder / "Hand 00" / "0.png").write_bytes(b"no picture")
        (folder / "Hand 00" / ".hidden").write_bytes(b"passed over")
        (folder / "notes.txt").write_text("whose?")
        found, skipped = read_collection(folder, recipe=TINY, max_per_artist=9, seed=0)
        assert found.paths == ["Hand 00/1.png", "Hand 01/0.png", "Hand 01/1.png"]
        np.testing.assert_array_equal(found.pixels[0], paint(0, 1))
        assert list(skipped) == ["notes.txt", "Hand 00/0.png"]
        assert skipped["notes.txt"] == NOT_BY_AN_ARTIST

    def test_no_artist_gives_more_than_so_many(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 6)
        drawn = [
            read_collection(folder, recipe=TINY, max_per_artist=3, seed=seed)[0].paths
            for seed in (0, 0, 1)
        ]
        assert [path.partition("/")[0] for path in drawn[0]] == ["Hand 00"] * 3 + ["Hand 01"] * 3
        assert drawn[0] == drawn[1] != drawn[2]


class TestHoldingOut:
    SIZES = {"a": 5, "b": 6, "c": 4, "d": 7, "e": 8, "f": 2}

    def test_artists_are_held_out_whole(self) -> None:
        training, held = hold_out(collection(**self.SIZES), 0.5, min_pictures=5, seed=0)
        assert held is not None
        kept, apart = set(training.artists), set(held.artists)
        assert len(apart) == 3
        assert kept | apart == set(self.SIZES)
        assert not kept & apart
        assert {"c", "f"} <= kept, "those with too few pictures make no queries"
        assert sorted([*training.paths, *held.paths]) == sorted(collection(**self.SIZES).paths)
        for part in (training, held):
            numbers = [int(path.partition("/")[2]) for path in part.paths]
            assert part.pixels[:, 0, 0, 0].tolist() == numbers

    def test_which_ones_depends_on_the_seed(self) -> None:
        drawn = []
        for seed in range(8):
            _, held = hold_out(collection(**self.SIZES), 0.1, min_pictures=5, seed=seed)
            assert held is not None
            assert len(set(held.artists)) == 2, "one artist alone would always be found"
            drawn.append(frozenset(held.artists))
        assert len(set(drawn)) > 1

    def test_none_are_held_out_where_none_shall_be(self) -> None:
        everything = collection(a=2, b=2)
        assert hold_out(everything, 0.0, min_pictures=5, seed=0) == (everything, None)

    def test_too_few_artists_to_hold_out_are_told(self) -> None:
        with pytest.raises(TrainingError, match=r"only 1 have 8 .*--min-pictures"):
            hold_out(collection(**self.SIZES), 0.1, min_pictures=8, seed=0)

    @pytest.mark.parametrize(
        ("sizes", "dimensions", "advice"),
        [
            ({"a": 9, "b": 1}, 2, "two artists or more with two"),
            ({"a": 5, "b": 5}, 10, "lower --dimensions"),
        ],
    )
    def test_too_few_pictures_to_train_on_are_told(
        self, sizes: dict[str, int], dimensions: int, advice: str
    ) -> None:
        with pytest.raises(TrainingError, match=advice):
            check_enough(collection(**sizes), dimensions)
