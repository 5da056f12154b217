from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artsimilarity.encoder.recipe import AREA_VERSION, ART, ART_DEEP, ARTICLE, LIKENESS, Recipe
from artsimilarity.lab.evaluation.evaluate import EvaluationProtocol, encode_library, evaluate
from artsimilarity.lab.evaluation.library import read_library
from artsimilarity.lab.evaluation.retrieval import NOBODY, assess, euclidean
from tests.encoder.shared import (
    BENCH,
    needs_bench,
    needs_imagenet_weights,
    with_imagenet_weights,
)
from tests.lab.evaluation.drawn import QUICK, library

pytestmark = pytest.mark.usefixtures("one_thread")


def test_pictures_of_the_same_artist_are_left_out_where_asked(folder: Path) -> None:
    chosen = library(folder, label="school", exclude_same="artist")
    (row,) = evaluate(chosen, [QUICK], EvaluationProtocol(), device="cpu")
    neighbours = row.quality.neighbours
    assert (neighbours[:6, :6] >= 6).all()
    assert (neighbours[6:, :6] < 6).all()
    assert (neighbours[:, 6:] == NOBODY).all()


def test_min_pictures_and_seed_reach_the_scores(folder: Path) -> None:
    chosen = library(folder, label="school")
    with pytest.raises(ValueError, match="No label has 7 pictures"):
        list(evaluate(chosen, [QUICK], EvaluationProtocol(min_pictures=7), device="cpu"))
    # Every picture is a cluster of its own, for intervals of two clusters hardly differ.
    chosen = library(folder, label="school", exclude_same="path")
    first, second = (
        next(evaluate(chosen, [QUICK], EvaluationProtocol(seed=seed), device="cpu")).quality.scores[
            "mAP@10"
        ]
        for seed in (0, 1)
    )
    assert first.mean == second.mean
    assert first != second


def test_scans_are_measured_as_queries_and_as_half_of_the_library(
    folder: Path, framed: Path
) -> None:
    protocol = EvaluationProtocol(scans=[framed], shares=[0.75, 0])
    rows = list(evaluate(library(folder), [QUICK], protocol, device="cpu"))
    assert [row.ranking for row in rows] == [
        "0.75 style + 0.25 colour",
        "colour",
        "0.75 style + 0.25 colour, framed: the query",
        "0.75 style + 0.25 colour, framed: half the library",
        "colour, framed: the query",
        "colour, framed: half the library",
    ]
    assert [row.treated is None for row in rows] == [True, True, True, False, True, False]
    assert [row.scans and row.scans.folder for row in rows] == [None] * 2 + [framed] * 4
    assert [row.scans and row.scans.places is None for row in rows[2:]] == [True, False] * 2
    assert rows[-1].scans is not None
    assert rows[-1].scans.places is not None
    assert rows[-1].scans.places.sum() == 6
    # By colour a brown frame is like a brown frame; half of the pictures have one.
    assert rows[-1].treated == pytest.approx(1)


def test_pictures_scanned_like_the_library_find_what_the_library_finds(folder: Path) -> None:
    protocol = EvaluationProtocol(scans=[folder])
    clean, query, half = evaluate(library(folder), [QUICK], protocol, device="cpu")
    np.testing.assert_array_equal(query.quality.neighbours, clean.quality.neighbours)
    np.testing.assert_array_equal(half.quality.neighbours, clean.quality.neighbours)


def test_an_area_is_looked_for_where_the_recipe_says_so(folder: Path, framed: Path) -> None:
    recipe = replace(QUICK, side=112, area=AREA_VERSION)
    clean = encode_library(library(folder), recipe, device="cpu")
    found = encode_library(replace(library(folder), directory=framed), recipe, device="cpu")
    without = encode_library(
        replace(library(folder), directory=framed), replace(recipe, area="none"), device="cpu"
    )
    assert np.median((found * clean).sum(axis=1)) > np.median((without * clean).sum(axis=1)) + 0.2


def test_it_tells_how_far_encoding_has_come(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encode_library(library(folder), QUICK, device="cpu")
    assert "quick: 12 of 12 pictures" in capsys.readouterr().err


def p4(recipe: Recipe, *, scaled: bool) -> float:
    """P@4 of the style block in per cent: cosine, or Euclidean where it is unscaled."""
    bench = read_library(BENCH, BENCH / "bench.csv", path="path", label="artist", exclude_same=None)
    vectors = encode_library(bench, recipe, device="cpu", scaled=scaled)
    quality = assess(euclidean(vectors[:, : recipe.style_dimensions]), bench.labels)
    assert len(quality.queries) == 311
    return 100 * quality.scores["P@4"].mean


@needs_bench
@needs_imagenet_weights
@pytest.mark.figures
def test_the_articles_gram_matrix_reproduces_its_reference() -> None:
    plain = replace(with_imagenet_weights(ARTICLE), gram_pool=1, style_dimensions=256**2)
    assert p4(plain, scaled=False) == pytest.approx(39.2, abs=1)


@needs_bench
@pytest.mark.figures
def test_arts_style_reproduces_its_reference() -> None:
    assert p4(ART, scaled=True) == pytest.approx(53.7, abs=1)


@needs_bench
@pytest.mark.figures
@pytest.mark.parametrize(("recipe", "expected"), [(ART_DEEP, 63.7), (LIKENESS, 63.7)])
def test_the_joined_style_reproduces_its_reference(recipe: Recipe, expected: float) -> None:
    assert p4(recipe, scaled=True) == pytest.approx(expected, abs=1)
