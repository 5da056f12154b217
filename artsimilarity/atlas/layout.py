"""From the vectors of a library to two layouts in the plane; for workers, needs numpy.

The vectors are read twice, some at a time: once for the principal components of both blocks, once
to be projected on them. So memory holds 50 values a picture and layout, and never all vectors.
t-SNE (L. van der Maaten and G. Hinton, 2008; openTSNE by P. Policar, B. Zupan and others) lays the
projections out, beginning with their first two components, so that what lies far apart keeps its
order too and a map made again looks like the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from django.db.models import BinaryField, Func
from numpy.typing import NDArray

from artsimilarity.atlas.errors import LayoutError
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.library import Library

Progress: TypeAlias = Callable[[float], object]
"""Is told how much is done, 0 to 1."""

LEAST_PICTURES: Final = 30
"""Of fewer the two first principal components are the layout: t-SNE has nothing to arrange."""

_BATCH = 2_000
_COMPONENTS = 50
_PERPLEXITY = 30
_ROUNDS = 750
_SEED = 1
# The map ends a little before its edge.
_FILLED = 0.94
# How far pictures are moved to where they would stand evenly, so that islands leave less empty sea.
_EVENED = 0.5

_Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Layouts:
    """Coordinates of pictures, from the left and from above.

    Attributes:
        keys: the pictures' primary keys as text.
        digests: sha256 of their files.
        points: for each layout an array of shape (pictures, 2), 0 to 1.
    """

    keys: list[str]
    digests: list[str]
    points: tuple[_Floats, _Floats]


def compute(library: Library, fingerprint: str, *, threads: int, progress: Progress) -> Layouts:
    """Lay out the pictures that an anonymous visitor may see and that have a vector of a recipe.

    Args:
        library: whose pictures they are.
        fingerprint: of the recipe.
        threads: that t-SNE may use.
        progress: is told how much is done.

    Raises:
        LayoutError: openTSNE is not installed.
    """
    sizes = block_sizes(fingerprint)
    axes = [_principal_axes(*moments) for moments in _moments(library, fingerprint, sizes)]
    progress(0.1)
    keys: list[str] = []
    digests: list[str] = []
    projected: tuple[list[NDArray[np.float32]], ...] = ([], [])
    for some_keys, some_digests, vectors in _vectors(library, fingerprint):
        keys += some_keys
        digests += some_digests
        blocks = np.split(vectors, [sizes[0]], axis=1)
        for block, (mean, axis), done in zip(blocks, axes, projected, strict=True):
            done.append(((block - mean) @ axis).astype(np.float32))
    progress(0.2)
    points = [
        _spread_out(
            np.concatenate(parts) if parts else np.empty((0, 2), np.float32),
            threads,
            _part_of(progress, 0.2 + 0.4 * number, 0.4),
        )
        for number, parts in enumerate(projected)
    ]
    return Layouts(keys, digests, (points[0], points[1]))


def _part_of(progress: Progress, start: float, length: float) -> Progress:
    """What is told by a part of the work, from 0 to 1, as progress of the whole."""
    return lambda share: progress(start + length * share)


def _vectors(
    library: Library, fingerprint: str
) -> Iterator[tuple[list[str], list[str], NDArray[np.float32]]]:
    """Keys, digests and vectors, some at a time, in the order of the keys."""
    visible = library.visible(None).using(library.using)
    rows = library.rows.current().served(fingerprint)
    rows = rows.filter(pk__in=visible.order_by().values("pk")).order_by("pk")
    # As the database holds it: a head of four bytes, then two bytes a value.
    binary = Func("embedding", function="halfvec_send", output_field=BinaryField())
    rest = rows
    while some := list(rest.values_list("pk", "embedding_digest", binary)[:_BATCH]):
        data = b"".join(bytes(vector)[4:] for _pk, _digest, vector in some)
        vectors = np.frombuffer(data, ">f2").reshape(len(some), -1).astype(np.float32)
        yield [str(one[0]) for one in some], [one[1] for one in some], vectors
        rest = rows.filter(pk__gt=some[-1][0])


def _moments(
    library: Library, fingerprint: str, sizes: tuple[int, int]
) -> list[tuple[int, _Floats, _Floats]]:
    """How many pictures there are; the sums of each block, and of its values' products."""
    count = 0
    sums = [np.zeros(size) for size in sizes]
    products = [np.zeros((size, size)) for size in sizes]
    for keys, _digests, vectors in _vectors(library, fingerprint):
        count += len(keys)
        for number, block in enumerate(np.split(vectors, [sizes[0]], axis=1)):
            sums[number] += block.sum(axis=0, dtype=np.float64)
            products[number] += block.T @ block
    return [(count, one, two) for one, two in zip(sums, products, strict=True)]


def _principal_axes(count: int, total: _Floats, products: _Floats) -> tuple[_Floats, _Floats]:
    """Mean and the axes of most variance, the first one first; shape (values, axes)."""
    mean = total / max(count, 1)
    covariance = products / max(count, 1) - np.outer(mean, mean)
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :_COMPONENTS]
    # Either direction is as good: the one that makes a map look as it did before.
    largest = np.abs(axes).argmax(axis=0)
    return mean, axes * np.where(np.take_along_axis(axes, largest[None], 0) < 0, -1.0, 1.0)


def _spread_out(projected: NDArray[np.float32], threads: int, progress: Progress) -> _Floats:
    """Lay pictures out in the plane, and scale that to the map's square."""
    if not len(projected):
        return np.empty((0, 2))
    if len(projected) < LEAST_PICTURES:
        return _scaled(projected[:, :2].astype(np.float64))
    found = _tsne(projected, threads, progress)
    return _EVENED * _scaled(_evenly(found)) + (1 - _EVENED) * _scaled(found)


def _scaled(found: _Floats) -> _Floats:
    """The same within the map's square, in the middle and with the proportions that it has."""
    low, high = found.min(axis=0), found.max(axis=0)
    extent = float((high - low).max()) or 1.0
    scaled: _Floats = 0.5 + _FILLED * (found - (low + high) / 2) / extent
    return scaled


def _evenly(found: _Floats) -> _Floats:
    """The same pictures at even distances along each axis, in the same order; equals together."""
    even = np.empty_like(found)
    for axis in (0, 1):
        _values, group, sizes = np.unique(found[:, axis], return_inverse=True, return_counts=True)
        turns = np.cumsum(sizes) - (sizes + 1) / 2
        even[:, axis] = turns[group]
    return even


def _tsne(projected: NDArray[np.float32], threads: int, progress: Progress) -> _Floats:
    try:
        from openTSNE import TSNE
    except ImportError as error:
        raise LayoutError("openTSNE") from error
    rounds = 0

    def tell(*_state: Any) -> None:
        nonlocal rounds
        rounds += 50
        progress(min(rounds / _ROUNDS, 1.0))

    start = projected[:, :2].astype(np.float64)
    start *= 1e-4 / (start[:, 0].std() or 1.0)
    start += np.random.default_rng(_SEED).normal(scale=1e-6, size=start.shape)
    reducer = TSNE(
        perplexity=min(_PERPLEXITY, (len(projected) - 1) / 3),
        initialization=start,
        n_jobs=threads,
        random_state=_SEED,
        callbacks=tell,
        callbacks_every_iters=50,
    )
    found: _Floats = np.asarray(reducer.fit(projected), dtype=np.float64)
    return found
