"""Maximal marginal relevance against an independent formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from artsimilarity.search import more_like_this, pipeline
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_embedded

pytestmark = pytest.mark.django_db


def _titles(found: Any) -> list[str]:
    return [picture.title for picture in found]


@pytest.fixture
def book() -> Artwork:
    """A picture, five plates that are all but one, and two pictures a little farther off."""
    target = make_embedded("target", [1, 0, 0, 0])
    for number in range(5):
        make_embedded(f"plate {number}", [1, 0.3 + 0.01 * number, 0, 0])
    make_embedded("second", [1, 0, 0.4, 0])
    make_embedded("third", [1, 0, 0, 0.5])
    return target


def test_without_it_neighbours_may_be_plates_of_one_book(book: Artwork) -> None:
    found = more_like_this(book, limit=3, style=1, diversify=0)
    assert _titles(found) == ["plate 0", "plate 1", "plate 2"]


def test_with_it_the_nearest_stays_first_and_others_follow(book: Artwork) -> None:
    found = more_like_this(book, limit=3, style=1, diversify=0.5)
    assert _titles(found) == ["plate 0", "second", "third"]


def test_the_setting_is_what_holds_where_nothing_is_said(book: Artwork, settings: Any) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "DIVERSIFY": 0.5}
    assert _titles(more_like_this(book, limit=2, style=1)) == ["plate 0", "second"]


def test_costs_one_more_query(book: Artwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CANDIDATES", 5)  # as many as there are: a full page

    def queries(amount: float) -> int:
        with CaptureQueriesContext(connection) as captured:
            more_like_this(book, limit=3, diversify=amount)
        return len(captured)

    queries(0)  # what the planner says is remembered from now on
    assert queries(0.5) == queries(0) + 1


@pytest.mark.parametrize("amount", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("style", [0.0, 0.75])
def test_chooses_as_numpy_does(amount: float, style: float) -> None:
    fill_library(80)
    target = Artwork.objects.defer(None).order_by("pk")[0]
    rows = {a.pk: np.array(a.embedding) for a in Artwork.objects.defer(None)}
    weights = np.r_[np.full(256, style), np.full(216, 1 - style)]
    relevance = {pk: float(v @ (weights * rows[target.pk])) for pk, v in rows.items()}
    del relevance[target.pk]
    first = max(relevance, key=lambda pk: relevance[pk])
    chosen = [first]
    while len(chosen) < 6:
        chosen.append(
            max(
                (pk for pk in relevance if pk not in chosen),
                key=lambda pk: (
                    (1 - amount) * relevance[pk]
                    - amount * max(float(rows[pk] @ (weights * rows[one])) for one in chosen)
                ),
            )
        )
    found = more_like_this(target, limit=6, style=style, diversify=amount)
    scores = [(1 - amount) * relevance[p.pk] for p in found]
    if [p.pk for p in found] != chosen:  # half precision may swap two that are all but equal
        assert scores == pytest.approx([(1 - amount) * relevance[pk] for pk in chosen], abs=5e-3)


def test_hidden_pictures_have_no_part_in_it(book: Artwork) -> None:
    Artwork.objects.filter(title="plate 0").update(published=False)
    found = more_like_this(book, limit=3, style=1, diversify=0.5)
    assert _titles(found) == ["plate 1", "second", "third"]


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_refuses_an_amount_outside_0_to_1(book: Artwork, amount: float) -> None:
    with pytest.raises(ValueError, match="diversify must lie between 0 and 1"):
        more_like_this(book, diversify=amount)
