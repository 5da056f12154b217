from __future__ import annotations

import numpy as np
import pytest

from artsimilarity.lab.training.record import chance
from tests.lab.training.small import collection


def test_chance_is_how_often_a_blind_draw_finds_the_artist() -> None:
    artists = collection(a=2, b=3, c=1).artists
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    assert chance(artists) == pytest.approx(np.mean([artists[i] == artists[j] for i, j in pairs]))
