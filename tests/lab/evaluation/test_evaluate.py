from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
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
    first, second = (
        next(evaluate(chosen, [QUICK], EvaluationProtocol(seed=seed), device="cpu")).quality.scores[
            "mAP@10"
        ]
        for seed in (0, 1)
    )
    assert first.mean == second.mean
    assert first != second


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
@pytest.mark.slow
def test_the_articles_gram_matrix_reproduces_its_reference() -> None:
    plain = replace(with_imagenet_weights(ARTICLE), gram_pool=1, style_dimensions=256**2)
    assert p4(plain, scaled=False) == pytest.approx(39.2, abs=1)


@needs_bench
@pytest.mark.slow
def test_arts_style_reproduces_its_reference() -> None:
    assert p4(ART, scaled=True) == pytest.approx(53.7, abs=1)
