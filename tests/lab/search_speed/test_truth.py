from __future__ import annotations

import numpy as np
import pytest

from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.search_speed.truth import Truth
from tests.lab.search_speed.drawn import draw


def test_recall_is_the_share_of_the_nearest_that_were_found() -> None:
    library = draw(200)
    buckets = np.arange(200, dtype=np.int32)
    truth = Truth(ART, library, buckets, [5], 10)
    truth.prepare(0.75, [100])
    exact = library.astype(np.float64)
    style = exact[:, :256] @ exact[4, :256]
    colour = exact[:, 256:] @ exact[4, 256:]
    order = np.argsort(-(0.75 * style + 0.25 * colour))
    nearest = [int(row) + 1 for row in order if row < 100 and row != 4]
    far = nearest[20:]
    assert truth.recall(5, 0.75, 100, nearest[:10]) == 1
    assert truth.recall(5, 0.75, 100, nearest[:7] + far[:3]) == pytest.approx(0.7)
    assert truth.recall(5, 0.75, 100, nearest[:4]) == pytest.approx(0.4)
    assert truth.recall(5, 0.75, 100, [nearest[0]] * 10) == pytest.approx(0.1)


def test_neither_the_picture_itself_nor_a_row_outside_the_filter_counts() -> None:
    library = np.repeat(draw(1), 20, axis=0)
    truth = Truth(ART, library, np.arange(20, dtype=np.int32), [1], 10)
    truth.prepare(0.5, [12])
    assert truth.recall(1, 0.5, 12, list(range(2, 12))) == 1
    assert truth.recall(1, 0.5, 12, [1, *range(2, 11)]) == pytest.approx(0.9)
    assert truth.recall(1, 0.5, 12, [*range(2, 11), 20]) == pytest.approx(0.9)


def test_a_page_is_as_long_as_there_are_rows_to_show() -> None:
    truth = Truth(ART, draw(20), np.arange(20, dtype=np.int32), [1], 10)
    truth.prepare(0.5, [4])
    assert truth.available(1, 0.5, 4) == 3
    assert truth.recall(1, 0.5, 4, [2, 3, 4]) == 1
