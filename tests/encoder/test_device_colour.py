"""Colours of a batch on its device: the very values of the numpy function."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from artsimilarity.encoder.blocks.colour import colour_histogram, pixel_sample
from artsimilarity.encoder.blocks.device_colour import colour_histograms

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Noise, a plain picture, every level of each channel, and few colours."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (4, 32, 40, 3), dtype=np.uint8)
    drawn[1] = 255
    drawn[2] = np.resize(np.arange(256), drawn[2].shape)
    drawn[3] = drawn[3] // 100 * 100
    return drawn


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("bins", [1, 3, 6, 7, 16])
def test_all_pixels_are_counted_as_numpy_counts_them(
    device: str, root: bool, bins: int, pictures: np.ndarray
) -> None:
    found = colour_histograms(torch.from_numpy(pictures).to(device), bins, root=root)
    expected = [colour_histogram(picture, bins, root=root) for picture in pictures]
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found.cpu().numpy(), np.stack(expected))


@pytest.mark.parametrize("device", DEVICES)
def test_a_sample_is_counted_as_numpy_counts_it(device: str, pictures: np.ndarray) -> None:
    sample = pixel_sample(32 * 40, 100, seed=1)
    there = torch.from_numpy(sample).to(device)
    found = colour_histograms(torch.from_numpy(pictures).to(device), 6, sample=there, root=False)
    expected = [colour_histogram(picture, 6, sample=sample, root=False) for picture in pictures]
    np.testing.assert_array_equal(found.cpu().numpy(), np.stack(expected))
