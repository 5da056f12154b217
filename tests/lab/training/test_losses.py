from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from artsimilarity.lab.training.losses import (
    UNKNOWN,
    CosineClassifier,
    cosine_softmax_loss,
    supervised_contrastive_loss,
)
from tests.lab.training.small import unit_rows


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cosine_softmax_is_the_cross_entropy_of_scaled_cosines(smoothing: float) -> None:
    embeddings, classes = unit_rows(5, 4), 3 * unit_rows(3, 4, seed=1)
    labels = [0, 2, 1, 1, 0]
    losses = []
    for embedding, label in zip(embeddings, labels, strict=True):
        scores = np.exp([20 * embedding @ vector / 3 for vector in classes])
        target = [smoothing / 3 + (1 - smoothing) * (place == label) for place in range(3)]
        losses.append(-(np.log(scores / scores.sum()) * target).sum())
    found = cosine_softmax_loss(
        torch.tensor(embeddings),
        torch.tensor(classes),
        torch.tensor(labels),
        scale=20,
        smoothing=smoothing,
    )
    assert found.item() == pytest.approx(np.mean(losses))


def test_unknown_classes_do_not_count() -> None:
    torch.manual_seed(0)
    classify = CosineClassifier(3, 4, scale=10, smoothing=0.1)
    embeddings = torch.tensor(unit_rows(4, 4), dtype=torch.float32)
    labels = torch.tensor([1, UNKNOWN, 2, UNKNOWN])
    assert classify(embeddings, labels).item() == pytest.approx(
        classify(embeddings[::2], labels[::2]).item()
    )
    assert classify(embeddings, torch.full((4,), UNKNOWN)).item() == 0


@pytest.mark.parametrize("twin_weight", [1.0, 5.0])
def test_supervised_contrast_weighs_the_other_view_among_the_positives(twin_weight: float) -> None:
    labels = [0, 1, 0, 2]
    views = unit_rows(8, 6)
    losses = []
    for i in range(8):
        others = [j for j in range(8) if j != i]
        total = sum(math.exp(views[i] @ views[j] / 0.1) for j in others)
        positives = [j for j in others if labels[j % 4] == labels[i % 4]]
        weights = [twin_weight if j % 4 == i % 4 else 1.0 for j in positives]
        logs = [math.log(math.exp(views[i] @ views[j] / 0.1) / total) for j in positives]
        losses.append(-np.average(logs, weights=weights))
    found = supervised_contrastive_loss(
        torch.tensor(views), torch.tensor(labels), temperature=0.1, twin_weight=twin_weight
    )
    assert found.item() == pytest.approx(np.mean(losses))


def test_supervised_contrast_has_finite_gradients() -> None:
    views = torch.tensor(unit_rows(8, 6), requires_grad=True)
    labels = torch.arange(4)
    supervised_contrastive_loss(views, labels, temperature=0.1, twin_weight=5.0).backward()
    assert views.grad is not None
    assert views.grad.isfinite().all()
    assert views.grad.abs().min() > 0
