from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.encoding_speed.baselines import (
    OURS,
    PLAIN,
    TRUNCATED,
    Baseline,
    Stopwatch,
    prepare,
)
from artsimilarity.lab.encoding_speed.pictures import choose_pictures

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("prefetch", [False, True])
def test_ours_computes_the_vectors_of_the_encoder(folder: Path, prefetch: bool) -> None:
    paths = choose_pictures(folder, 3).paths
    run = prepare(Baseline(kind="ours", batch_size=2, prefetch=prefetch), "cpu")
    expected = Encoder(ART, device="cpu").encode([read_square(p.read_bytes()) for p in paths])
    np.testing.assert_allclose(run(paths, Stopwatch()), expected, atol=1e-5)


def test_stream_computes_the_vectors_of_the_encoder(folder: Path) -> None:
    paths = choose_pictures(folder, 3).paths
    expected = Encoder(ART, device="cpu").encode([read_square(p.read_bytes()) for p in paths])
    found = prepare(Baseline(kind="stream"), "cpu")(paths, Stopwatch())
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("baseline", [PLAIN, TRUNCATED])
def test_the_others_compute_a_gram_matrix_of_256_channels_and_colour(
    folder: Path, baseline: Baseline
) -> None:
    paths = choose_pictures(folder, 2).paths
    vectors = prepare(baseline, "cpu")(paths, Stopwatch())
    gram = vectors[:, : 256**2].reshape(2, 256, 256)
    assert vectors.shape == (2, 256**2 + ART.colour_dimensions)
    np.testing.assert_allclose(gram, gram.transpose(0, 2, 1), rtol=1e-4)
    assert (np.diagonal(gram, axis1=1, axis2=2) >= 0).all()
    assert gram.max() > 0


def test_a_way_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'theirs'"):
        prepare(Baseline(kind="theirs"), "cpu")


def test_default_way_is_that_of_the_encoder() -> None:
    assert (OURS.batch_size, OURS.prefetch) == (None, False)
