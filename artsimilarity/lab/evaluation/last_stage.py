"""The usual way to compare pictures by a network, as a baseline: its last stage, pooled. Torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from safetensors.numpy import save

from artsimilarity.encoder.blocks.deep import STAGES, STATISTICS
from artsimilarity.encoder.blocks.efficientnet import STAGE_CHANNELS
from artsimilarity.encoder.recipe import ART_DEEP, Recipe
from artsimilarity.encoder.weight_files import sha256_of, weights_directory

NAME: Final = "last-stage-pooled"


def last_stage_pooled() -> Recipe:
    """The recipe of that baseline: means of stage 5 of EfficientNet-Lite0, and colour as in ART.

    Stage 5 is the last that the bundled weights have; the head of 1,280 channels that follows it in
    the whole network is not among them. The recipe needs a file that picks those 192 of the deep
    statistics; it is written where downloaded weights are kept, unless it lies there already. Of
    the style block the Gram matrix is nought.

    Raises:
        OSError: The file cannot be written.
    """
    channels = STAGE_CHANNELS[STAGES[-1]]
    picked = np.zeros((channels, STATISTICS), np.float32)
    # Means of the last stage, then its deviations, come last.
    picked[:, STATISTICS - 2 * channels : STATISTICS - channels] = np.eye(channels)
    data = save({"project.weight": picked, "project.bias": np.zeros(channels, np.float32)})
    path = (weights_directory() / f"{NAME}.safetensors").absolute()
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return replace(
        ART_DEEP,
        name=NAME,
        style_dimensions=ART_DEEP.gram_dimensions + channels,
        deep_projection=str(path),
        deep_projection_sha256=sha256_of(data),
        deep_dimensions=channels,
        deep_share=1.0,
    )
