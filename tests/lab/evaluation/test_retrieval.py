from __future__ import annotations

import numpy as np
import pytest

from artsimilarity.lab.evaluation import retrieval
from artsimilarity.lab.evaluation.precision_at_k import clustered_interval
from artsimilarity.lab.evaluation.retrieval import (
    NOBODY,
    Labels,
    assess,
    euclidean,
    k_nearest_neighbours,
    weighted,
)


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(30, 6)).astype(np.float32)


def unit_rows(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def on_a_line(*places: float) -> retrieval.Similarity:
    return euclidean(np.array(places)[:, None])


def labels(*names: str, groups: str | None = None) -> Labels:
    return Labels(labels=np.array(names), groups=None if groups is None else np.array(list(groups)))


def test_neighbours_come_the_nearest_first_without_the_query() -> None:
    assert k_nearest_neighbours(on_a_line(0, 1, 3, 7), 4, 3).tolist() == [
        [1, 2, 3],
        [0, 2, 3],
        [1, 0, 3],
        [2, 1, 0],
    ]


def test_only_so_many_are_returned_as_are_wanted() -> None:
    assert k_nearest_neighbours(on_a_line(0, 1, 3, 7), 4, 1).tolist() == [[1], [0], [1], [2]]


def test_ties_come_in_the_order_of_the_library() -> None:
    assert k_nearest_neighbours(on_a_line(0, 1, -1, 1), 4, 3)[0].tolist() == [1, 2, 3]


def test_twins_of_the_query_are_neighbours() -> None:
    assert k_nearest_neighbours(on_a_line(0, 0, 5), 3, 1)[:2].tolist() == [[1], [0]]


def test_a_group_has_no_neighbours_inside() -> None:
    found = k_nearest_neighbours(on_a_line(0, 1, 3, 7), 4, 3, np.array(["a", "a", "b", "a"]))
    assert found.tolist() == [
        [2, NOBODY, NOBODY],
        [2, NOBODY, NOBODY],
        [1, 0, 3],
        [2, NOBODY, NOBODY],
    ]


@pytest.mark.parametrize("chunk", [1, 7, 30])
def test_chunks_of_queries_do_not_matter(
    chunk: int, points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = k_nearest_neighbours(euclidean(points), 30, 10)
    monkeypatch.setattr(retrieval, "_CHUNK", chunk)
    np.testing.assert_array_equal(k_nearest_neighbours(euclidean(points), 30, 10), whole)


def test_euclidean_is_the_order_of_distances(points: np.ndarray) -> None:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    expected = distances.argsort(axis=1)[:, :10]
    np.testing.assert_array_equal(k_nearest_neighbours(euclidean(points), 30, 10), expected)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.75, 1.0])
def test_weighted_is_the_sum_of_two_cosines(share: float, points: np.ndarray) -> None:
    style, colour = unit_rows(points[:, :4]), unit_rows(points[:, 4:])
    found = weighted(style, colour, share)(slice(5, 8))
    for row, query in zip(found, (5, 6, 7), strict=True):
        for other in range(30):
            expected = share * np.dot(style[query], style[other])
            expected += (1 - share) * np.dot(colour[query], colour[other])
            assert row[other] == pytest.approx(expected, abs=1e-5)


def test_a_library_in_two_heaps_is_found_whole() -> None:
    heaps = on_a_line(0, 1, 2, 100, 101, 102)
    quality = assess(heaps, labels("a", "a", "a", "b", "b", "b"), min_pictures=3)
    means = {name: score.mean for name, score in quality.scores.items()}
    assert means["P@1"] == means["mAP@10"] == means["mAP@100"] == means["R@10"] == 1
    assert means["P@4"] == 0.5  # two of four, for there are no more


def test_scores_of_a_known_ranking() -> None:
    # 0 finds its like at 1 and 3 (places 1 and 3); 3 finds 1 and 0 (places 2 and 3).
    quality = assess(on_a_line(0, 1, 2, 3), labels("a", "a", "b", "a"), min_pictures=3)
    assert quality.queries.tolist() == [0, 1, 3]
    assert quality.scores["P@1"].mean == pytest.approx((1 + 1 + 0) / 3)
    one, two, three = (1 + 2 / 3) / 2, (1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2
    assert quality.scores["mAP@10"].mean == pytest.approx((one + two + three) / 3)


def test_recall_counts_what_is_found_among_the_nearest() -> None:
    # Twelve of one label; the other twelve stand between the first and the rest.
    places = [0.0, *range(100, 111), *range(1, 13)]
    quality = assess(on_a_line(*places), labels(*"a" * 12, *"b" * 12), min_pictures=5)
    first = quality.neighbours[0]
    assert (first[:10] >= 12).all()
    recall_of_others = 10 / 11
    assert quality.scores["R@10"].mean == pytest.approx(
        (0 + 11 * recall_of_others + 12 * recall_of_others) / 24, abs=0.05
    )
    assert quality.scores["R@100"].mean == 1


def test_queries_have_a_label_that_enough_pictures_carry() -> None:
    found = assess(on_a_line(*range(6)), labels("a", "a", "a", "b", "b", "c"), min_pictures=2)
    assert found.queries.tolist() == [0, 1, 2, 3, 4]


def test_pictures_without_a_label_are_no_queries_and_no_hits() -> None:
    found = assess(on_a_line(*range(5)), labels("", "", "", "b", "b"), min_pictures=2)
    assert found.queries.tolist() == [3, 4]


def test_a_picture_with_nothing_to_find_outside_its_group_is_no_query() -> None:
    table = labels("s", "s", "s", "t", "t", groups="xxyzz")
    assert assess(on_a_line(*range(5)), table, min_pictures=2).queries.tolist() == [0, 1, 2]


def test_pictures_of_the_same_group_are_not_counted_as_relevant() -> None:
    table = labels("s", "s", "s", "t", groups="xxyz")
    found = assess(on_a_line(0, 1, 2, 9), table, min_pictures=2)
    assert found.scores["R@10"].mean == 1
    assert found.scores["mAP@10"].mean == 1


def test_places_without_a_neighbour_are_no_hits() -> None:
    table = labels("s", "s", "s", "s", groups="xxyx")
    assert assess(on_a_line(0, 1, 2, 9), table, min_pictures=2).scores["R@10"].mean == 1


def test_no_query_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="No label has 3 pictures"):
        assess(on_a_line(0, 1, 2), labels("a", "b", "c"), min_pictures=3)


def test_intervals_hold_the_mean_and_hang_on_the_seed(points: np.ndarray) -> None:
    # Every picture is a group of its own: few clusters have few means.
    table = labels(*"abc" * 10, groups="ABCDEFGHIJKLMNOPQRSTUVWXYZabcd")
    found = [assess(euclidean(points), table, seed=seed).scores["mAP@10"] for seed in (1, 1, 2)]
    assert found[0].low < found[0].mean < found[0].high
    assert found[0] == found[1] != found[2]


def test_intervals_are_clustered_by_label_and_by_group_where_there_are_groups(
    points: np.ndarray,
) -> None:
    grouped = labels(*"abcdefghij" * 3, groups="uvwxyz" * 5)
    for table, clusters in ((labels(*"abcdefghij" * 3), "abcdefghij" * 3), (grouped, "uvwxyz" * 5)):
        quality = assess(euclidean(points), table, min_pictures=3)
        nearby = quality.neighbours[quality.queries]
        own = table.labels[quality.queries, None]
        values = (table.labels[nearby[:, :4]] == own).mean(axis=1)
        score = quality.scores["P@4"]
        expected = clustered_interval(values, np.array(list(clusters))[quality.queries], seed=0)
        assert (score.low, score.high) == expected


def test_scans_ask_in_the_place_of_pictures(points: np.ndarray) -> None:
    style, colour = points[:, :4], points[:, 4:]
    asking = (style[::-1], colour[::-1])
    found = weighted(style, colour, 0.25, queries=asking)(slice(3, 7))
    expected = 0.25 * style[::-1] @ style.T + 0.75 * colour[::-1] @ colour.T
    np.testing.assert_allclose(found, expected[3:7], rtol=1e-5, atol=1e-5)


def test_a_hub_makes_hubness_grow() -> None:
    rng = np.random.default_rng(3)
    spread = rng.normal(size=(200, 3))
    rays = unit_rows(rng.normal(size=(200, 300)))
    even, with_hubs = (
        assess(euclidean(np.concatenate([values, values[:1] * 0])), labels(*["a"] * 201)).hubness
        for values in (spread, rays)
    )
    assert with_hubs > even + 1


def test_hubness_does_not_heed_groups(points: np.ndarray) -> None:
    names = ["a", "b"] * 15
    without = assess(euclidean(points), labels(*names)).hubness
    assert assess(euclidean(points), labels(*names, groups="xxxyy" * 6)).hubness == without
