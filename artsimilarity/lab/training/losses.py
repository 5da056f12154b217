"""What training minimises: cosine-softmax classification and supervised contrast. Torch."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

# The class of a picture whose class is unknown.
UNKNOWN: Final = -100


def cosine_softmax_loss(
    embeddings: Tensor, classes: Tensor, labels: Tensor, *, scale: float, smoothing: float
) -> Tensor:
    """Cross entropy of softmax(scale * cosine) (F. Wang et al., "NormFace", 2017).

    Args:
        embeddings: Of length 1, shape (n, d), float32.
        classes: One vector of any length for each class, shape (c, d), float32.
        labels: Class of each embedding, shape (n,), int64; UNKNOWN is left out.
        scale: What cosines are multiplied by.
        smoothing: Share of the target that is spread evenly over all classes, 0 to 1.

    Returns:
        The mean over the known, 0 where none is; a scalar.
    """
    cosines = embeddings @ functional.normalize(classes, dim=1).T
    total = functional.cross_entropy(
        scale * cosines, labels, ignore_index=UNKNOWN, label_smoothing=smoothing, reduction="sum"
    )
    return total / (labels != UNKNOWN).sum().clamp(min=1)


def supervised_contrastive_loss(
    embeddings: Tensor, labels: Tensor, *, temperature: float, twin_weight: float
) -> Tensor:
    """Supervised contrast (P. Khosla et al., "Supervised Contrastive Learning", 2020).

    Args:
        embeddings: Of length 1, shape (2 n, d), float32: n pictures, then another view of each in
            the same order.
        labels: Class of each picture, shape (n,), int64.
        temperature: What cosines are divided by.
        twin_weight: Weight of the other view of the same picture; pictures of the class weigh 1.

    Returns:
        Mean over all views of the weighted mean of -log softmax at its positives; a scalar.
    """
    views = labels.repeat(2)
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    similarity = (embeddings @ embeddings.T / temperature).masked_fill(itself, float("-inf"))
    # A product of weight 0 and the -inf of a view with itself would be no number.
    log_share = similarity.log_softmax(dim=1).masked_fill(itself, 0.0)
    weights = (views[:, None] == views).to(embeddings.dtype)
    weights[itself.roll(len(labels), dims=0)] = twin_weight
    weights[itself] = 0.0
    return -((weights * log_share).sum(dim=1) / weights.sum(dim=1)).mean()


class CosineClassifier(nn.Module):
    """One learned vector for each class, used in training only.

    Args:
        classes: How many there are.
        dimensions: Values of an embedding.
        scale: As for ``cosine_softmax_loss``.
        smoothing: As for ``cosine_softmax_loss``.
    """

    def __init__(self, classes: int, dimensions: int, *, scale: float, smoothing: float) -> None:
        super().__init__()
        # Short vectors turn faster under AdamW, whose steps are as long for any length.
        self.vectors = nn.Parameter(0.02 * torch.randn(classes, dimensions))
        self.scale: Final = scale
        self.smoothing: Final = smoothing

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of embeddings of length 1, shape (n, d), under labels, shape (n,)."""
        return cosine_softmax_loss(
            embeddings, self.vectors, labels, scale=self.scale, smoothing=self.smoothing
        )
