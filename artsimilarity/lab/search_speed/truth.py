"""The right answers, computed in numpy: nothing that is measured has a say in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.recipe import Recipe

_CHUNK = 100_000
# Sums of 472 products differ by less, whatever their order; such neighbours are ties.
_TOLERANCE = 1e-5


class Truth:
    """Knows how near the k-th nearest picture is, for every query, balance and filter.

    Args:
        recipe: tells the two blocks apart.
        library: float16, shape (rows, dimensions); the picture with primary key p is row p - 1.
        buckets: int32, shape (rows,).
        queries: primary keys of the query pictures.
        k: length of a page.
    """

    def __init__(
        self,
        recipe: Recipe,
        library: NDArray[np.float16],
        buckets: NDArray[np.int32],
        queries: Sequence[int],
        k: int,
    ) -> None:
        self._recipe = recipe
        self._library = library
        self._buckets = buckets
        self._rows = np.asarray(queries) - 1
        self._place = {pk: place for place, pk in enumerate(queries)}
        self._k = k
        self._best: dict[tuple[float, int], NDArray[np.float32]] = {}

    def query_vector(self, pk: int, style: float) -> NDArray[np.float32]:
        """The picture's vector with its blocks weighed; rounded as the database rounds it."""
        vector: NDArray[np.float32] = self._weighted(np.array([pk - 1]), style)[0]
        return vector

    def prepare(self, style: float, limits: Sequence[int]) -> None:
        """Find the k best scores of every query among ``bucket < limit``, for each limit."""
        queries = self._weighted(self._rows, style)
        found = {limit: [np.empty((len(queries), 0), np.float32)] for limit in limits}
        for start in range(0, len(self._library), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores = queries @ self._library[part].astype(np.float32).T
            own = (self._rows >= start) & (self._rows < start + scores.shape[1])
            scores[own, self._rows[own] - start] = -np.inf
            for limit in limits:
                kept = scores[:, self._buckets[part] < limit]
                found[limit].append(-np.sort(-kept, axis=1)[:, : self._k])
        for limit in limits:
            best = -np.sort(-np.hstack(found[limit]), axis=1)[:, : self._k]
            self._best[style, limit] = best

    def recall(self, pk: int, style: float, limit: int, answer: Sequence[int]) -> float:
        """Share of the page that is as near as it should be, 0..1.

        A page that is short misses what it does not show; 1 where there is nothing to find.
        """
        best = self._page(pk, style, limit)
        if not len(best):
            return 1.0
        pks = np.array(sorted(set(answer) - {pk}), int)
        pks = pks[self._buckets[pks - 1] < limit]
        scores = self._library[pks - 1].astype(np.float32) @ self.query_vector(pk, style)
        return float(min(1.0, np.sum(scores >= best[-1] - _TOLERANCE) / len(best)))

    def available(self, pk: int, style: float, limit: int) -> int:
        """How many pictures a full page has: k, or all that the filter keeps."""
        return len(self._page(pk, style, limit))

    def _page(self, pk: int, style: float, limit: int) -> NDArray[np.float32]:
        best = self._best[style, limit][self._place[pk]]
        page: NDArray[np.float32] = best[np.isfinite(best)]
        return page

    def _weighted(self, rows: NDArray[np.int64], style: float) -> NDArray[np.float32]:
        sizes = [self._recipe.style_dimensions, self._recipe.colour_dimensions]
        weights = np.repeat([style, 1 - style], sizes).astype(np.float16)
        weighted: NDArray[np.float32] = (self._library[rows] * weights).astype(np.float32)
        return weighted
