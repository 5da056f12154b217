from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from artsimilarity.lab.evaluation.precision_at_k import (
    average_precision_at,
    clustered_interval,
    k_occurrence,
    precision_at,
    recall_at,
    skewness,
)


@pytest.fixture
def hits() -> np.ndarray:
    return np.random.default_rng(1).random((40, 30)) < 0.3


@pytest.fixture
def relevant(hits: np.ndarray) -> np.ndarray:
    return hits.sum(axis=1) + np.arange(40) % 5 + 1


def test_precision_is_the_share_of_hits() -> None:
    hits = np.array([[True, False, True, True], [False, False, False, False]])
    assert precision_at(hits, 1).tolist() == [1, 0]
    assert precision_at(hits, 4).tolist() == [0.75, 0]


def test_recall_is_the_share_of_what_is_relevant() -> None:
    hits = np.array([[True, False, True, True], [False, True, False, False]])
    assert recall_at(hits, np.array([6, 1]), 3).tolist() == [2 / 6, 1]


def test_average_precision_of_a_known_ranking() -> None:
    hits = np.array([[True, False, True, False, True]])
    assert average_precision_at(hits, np.array([3]), 5)[0] == pytest.approx(
        (1 / 1 + 2 / 3 + 3 / 5) / 3
    )


@pytest.mark.parametrize("k", [1, 4, 10, 30, 100])
def test_average_precision_equals_its_definition(
    k: int, hits: np.ndarray, relevant: np.ndarray
) -> None:
    for row, (query, count) in enumerate(zip(hits, relevant, strict=True)):
        total, found = 0.0, 0
        for place, hit in enumerate(query[:k].tolist(), start=1):
            if hit:
                found += 1
                total += found / place
        expected = total / min(k, count)
        assert average_precision_at(hits, relevant, k)[row] == pytest.approx(expected)


def test_only_all_relevant_pictures_in_front_give_one() -> None:
    perfect = np.array([[True, True, False, False]])
    assert average_precision_at(perfect, np.array([2]), 4)[0] == 1
    assert average_precision_at(perfect, np.array([3]), 4)[0] < 1


def test_more_relevant_pictures_than_places_can_still_give_one() -> None:
    assert average_precision_at(np.ones((1, 10), bool), np.array([50]), 10)[0] == 1


def test_k_occurrence_counts_how_often_a_picture_is_a_neighbour() -> None:
    neighbours = np.array([[1, 2], [2, 0], [1, 3], [2, 1]])
    counts = Counter(neighbours.ravel().tolist())
    assert k_occurrence(neighbours, 5).tolist() == [counts[index] for index in range(5)]


def test_skewness_of_a_known_sample() -> None:
    # Of a Bernoulli sample with share p it is (1 - 2p) / sqrt(p (1 - p)).
    values = np.array([1] * 10 + [0] * 90)
    assert skewness(values) == pytest.approx(0.8 / 0.3)


def test_skewness_of_equal_values_is_nought() -> None:
    assert skewness(np.full(5, 10)) == 0


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.2, 400)
    low, high = clustered_interval(values, np.arange(400), seed=0)
    error = values.std() / len(values) ** 0.5
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_the_interval_is_the_same_for_the_same_seed_only() -> None:
    values, clusters = np.random.default_rng(2).random(50), np.arange(50)
    first = clustered_interval(values, clusters, seed=3)
    assert clustered_interval(values, clusters, seed=3) == first
    assert clustered_interval(values, clusters, seed=4) != first


def test_queries_of_one_cluster_count_as_one() -> None:
    # Ten copies of each value tell no more than one.
    values = np.random.default_rng(2).random(60)
    once = clustered_interval(values, np.arange(60), seed=0)
    copied = np.repeat(values, 10)
    assert clustered_interval(copied, np.repeat(np.arange(60), 10), seed=0) == pytest.approx(once)
    low, high = clustered_interval(copied, np.arange(600), seed=0)
    assert high - low < 0.5 * (once[1] - once[0])


def test_larger_clusters_weigh_more() -> None:
    values = np.array([0.0] * 30 + [1.0])
    low, high = clustered_interval(values, np.array(["many"] * 30 + ["one"]), seed=0)
    assert (low, high) == (0, 1)
    drawn = np.random.default_rng(5).integers(2, size=(20_000, 2))
    sums, counts = np.array([0, 1]), np.array([30, 1])
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    found = clustered_interval(values, values, seed=0, level=0.4)
    assert found == pytest.approx(tuple(np.quantile(means, [0.3, 0.7])))


def test_equal_values_give_an_interval_of_no_width() -> None:
    low, high = clustered_interval(np.full(20, 0.25), np.arange(20), seed=0)
    assert (low, high) == (pytest.approx(0.25), pytest.approx(0.25))


def test_a_lower_level_gives_a_narrower_interval() -> None:
    values, clusters = np.random.default_rng(2).random(50), np.arange(50)
    narrow, wide = (
        clustered_interval(values, clusters, seed=0, level=level) for level in (0.5, 0.95)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
