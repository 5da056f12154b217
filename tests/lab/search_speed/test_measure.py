"""What is made of the answers to the searches of one cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from artsimilarity.lab.search_speed.measure import Cell, clients, measure

pytestmark = pytest.mark.django_db


class HalfRight:
    """Says of every other page that it is right."""

    def recall(self, pk: int, *_args: Any) -> float:
        return float(pk % 2)

    def available(self, *_args: Any) -> int:
        return 0


def test_a_mean_recall_has_the_standard_error_of_its_pages() -> None:
    queries: list[Any] = [
        SimpleNamespace(picture=SimpleNamespace(pk=pk), style=0.5, limit=1000) for pk in range(16)
    ]
    truth: Any = HalfRight()
    with clients(1, "default") as some:
        cell = Cell(keep_percent=100, queries=queries)
        result = measure("app", lambda _query: [], cell, some, truth)
    assert result.recall == 0.5
    assert result.recall_error == pytest.approx(0.5 / 16**0.5)
