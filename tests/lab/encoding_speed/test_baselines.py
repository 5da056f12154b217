from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from artsimilarity.conf import Settings
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.crop import WHOLE
from artsimilarity.encoder.pictures.reading import read, read_square
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.recipe import ART, LIKENESS
from artsimilarity.lab.encoding_speed.baselines import (
    OURS,
    PLAIN,
    TRUNCATED,
    WITH_ART,
    Baseline,
    Stopwatch,
    prepare,
)
from artsimilarity.lab.encoding_speed.pictures import choose_pictures

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three scans, one of them with a wide white margin."""
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    for name, margin in (("a.png", 0), ("b.png", 90), ("c.png", 0)):
        picture = Image.fromarray(rng.integers(0, 200, (200, 300, 3), dtype=np.uint8))
        ImageOps.expand(picture, margin, "white").save(folder / name)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def expected(scans: list[Path]) -> np.ndarray:
    """Vectors under the default recipe, step by step."""
    read_scans = [read(path.read_bytes(), side=LIKENESS.decoded_side) for path in scans]
    looked_at = [seen(LIKENESS, scan.pixels, proportion=scan.proportion) for scan in read_scans]
    assert [one.area == WHOLE for one in looked_at] == [True, False, True]
    return Encoder(LIKENESS, device="cpu").encode([one.pixels for one in looked_at])


@pytest.mark.parametrize("prefetch", [False, True])
def test_ours_computes_the_vectors_of_the_encoder(
    scans: list[Path], expected: np.ndarray, prefetch: bool
) -> None:
    run = prepare(Baseline(kind="ours", batch_size=2, prefetch=prefetch), "cpu")
    np.testing.assert_allclose(run(scans, Stopwatch()), expected, atol=1e-5)


def test_stream_computes_the_vectors_of_the_encoder(
    scans: list[Path], expected: np.ndarray
) -> None:
    found = prepare(Baseline(kind="stream"), "cpu")(scans, Stopwatch())
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_way_beside_ours_is_art(folder: Path) -> None:
    paths = choose_pictures(folder, 3).paths
    expected = Encoder(ART, device="cpu").encode([read_square(p.read_bytes()) for p in paths])
    np.testing.assert_allclose(prepare(WITH_ART, "cpu")(paths, Stopwatch()), expected, atol=1e-5)


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


def test_ours_is_under_the_default_recipe() -> None:
    assert OURS.recipe == Settings().recipe
