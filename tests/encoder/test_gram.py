from __future__ import annotations

import numpy as np
import pytest
import torch

from artsimilarity.encoder.blocks.gram import (
    centred_gram,
    gram_matrix,
    max_pool,
    signed_square_root,
    upper_triangle,
)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(1).normal(0.7, 1.0, (3, 5, 4, 6)).astype(np.float32)


def test_a_gram_matrix_is_the_mean_of_products_of_channels(features: np.ndarray) -> None:
    expected = np.einsum("nahw,nbhw->nab", features, features) / 24
    found = gram_matrix(torch.from_numpy(features))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_gram_matrix_forgets_where_things_stand(features: np.ndarray) -> None:
    turned = torch.from_numpy(features).flip(3).transpose(2, 3)
    np.testing.assert_allclose(
        gram_matrix(turned), gram_matrix(torch.from_numpy(features)), rtol=1e-5, atol=1e-6
    )


def test_a_centred_gram_matrix_is_the_covariance_over_positions(features: np.ndarray) -> None:
    covariance, means = centred_gram(torch.from_numpy(features))
    for maps, found, mean in zip(features, covariance, means, strict=True):
        np.testing.assert_allclose(found, np.cov(maps.reshape(5, 24), bias=True), atol=1e-6)
        np.testing.assert_allclose(mean, maps.mean(axis=(1, 2)), atol=1e-6)


def test_a_centred_gram_matrix_ignores_a_constant(features: np.ndarray) -> None:
    before, _ = centred_gram(torch.from_numpy(features))
    after, _ = centred_gram(torch.from_numpy(features + 3))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_an_upper_triangle_runs_row_by_row_with_weighted_off_diagonal() -> None:
    matrix = torch.tensor([[[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]]])
    root = 2**0.5
    expected = [[1, 2 * root, 3 * root, 4, 5 * root, 6]]
    np.testing.assert_allclose(upper_triangle(matrix), expected, rtol=1e-6)


def test_an_upper_triangle_keeps_inner_products(features: np.ndarray) -> None:
    matrices = gram_matrix(torch.from_numpy(features))
    whole = matrices.flatten(1).numpy()
    triangles = upper_triangle(matrices).numpy()
    np.testing.assert_allclose(triangles @ triangles.T, whole @ whole.T, rtol=1e-5)


@pytest.mark.parametrize(
    ("value", "offset", "expected"),
    [(9.0, 0.0, 3.0), (-9.0, 0.0, -3.0), (0.0, 1e-4, 0.0), (8.0, 1.0, 2.0), (-8.0, 1.0, -2.0)],
)
def test_a_signed_square_root_keeps_the_sign(value: float, offset: float, expected: float) -> None:
    assert signed_square_root(torch.tensor(value), offset).item() == pytest.approx(expected)


def test_a_signed_square_root_keeps_the_order() -> None:
    rooted = signed_square_root(torch.linspace(-2, 2, 101), 1e-4)
    assert torch.all(rooted.diff() > 0)


def test_max_pooling_keeps_the_greatest_value_of_every_tile() -> None:
    matrix = torch.arange(16.0).view(1, 4, 4) * torch.tensor([1.0, -1.0, 1.0, -1.0])
    expected = [[[4, 6], [12, 14]]]
    np.testing.assert_array_equal(max_pool(matrix, 2), expected)


def test_max_pooling_leaves_a_symmetric_matrix_symmetric(features: np.ndarray) -> None:
    maps = torch.from_numpy(np.concatenate([features, features[:, :1]], axis=1))
    pooled = max_pool(gram_matrix(maps), 3)
    assert pooled.shape == (3, 2, 2)
    np.testing.assert_array_equal(pooled, pooled.transpose(1, 2))
