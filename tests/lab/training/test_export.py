from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.lab.training.export import (
    Projection,
    extract_descriptors,
    fit_projection,
    fold,
    head_projection,
    write_weights,
)
from artsimilarity.lab.training.network import TrainingNetwork
from tests.encoder.make_reference import WEIGHTS
from tests.encoder.textures import paint_all
from tests.lab.training.small import TINY

pytestmark = pytest.mark.usefixtures("one_thread")

# Vectors may differ by this between machines; float16 weights stay far inside it.
TOLERANCE = 1e-3
# Greatest relative error of a number in float16.
HALF = 2**-11


def unsettled(recipe: Recipe, seed: int = 0) -> TrainingNetwork:
    """A network whose batch norms hold any numbers, as after a training."""
    torch.manual_seed(seed)
    network = TrainingNetwork(recipe, head_dimensions=10, dropout=0.3).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_var, module.weight):
                nn.init.uniform_(tensor, 0.5, 2.0)
            for tensor in (module.running_mean, module.bias):
                nn.init.normal_(tensor, 0.0, 0.3)
    return network.requires_grad_(False)


def test_batch_norm_is_folded_into_the_layer_before_it() -> None:
    network = unsettled(TINY)
    tensors = {name: tensor.numpy() for name, tensor in fold(network).state_dict().items()}
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    for name, norm in (
        ("features.conv1_1", "features.norm1_1"),
        ("reduce", "reduce_norm"),
    ):
        gain = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
        np.testing.assert_allclose(
            tensors[f"{name}.weight"],
            state[f"{name}.weight"] * gain[:, None, None, None],
            rtol=HALF,
        )
        np.testing.assert_allclose(
            tensors[f"{name}.bias"],
            state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain,
            rtol=HALF,
            atol=1e-6,
        )


@pytest.mark.parametrize("layer", ["relu1_1", "relu2_2", "relu3_1"])
def test_the_recipe_gives_the_vectors_of_the_networks_own_forward_pass(
    layer: str, tmp_path: Path
) -> None:
    network = unsettled(replace(TINY, layer=layer))
    recipe = write_weights(network, head_projection(network), tmp_path / "new.safetensors")
    squares, _ = paint_all([0, 5, 11], 2)
    with torch.inference_mode():
        expected = network(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)
    found = Encoder(recipe, device="cpu").encode(squares)[:, : recipe.style_dimensions]
    np.testing.assert_allclose(found, expected.numpy(), atol=TOLERANCE)
    assert np.abs(found - found[0]).max() > 10 * TOLERANCE, "the pictures do differ"


def test_the_recipe_applies_the_fitted_projection_to_the_networks_descriptors(
    tmp_path: Path,
) -> None:
    network = fold(unsettled(TINY))
    squares, _ = paint_all([0, 1, 2, 3], 6)
    descriptors = extract_descriptors(network, torch.from_numpy(squares))
    projection = fit_projection(descriptors, network.head.weight, 16)
    recipe = write_weights(network, projection, tmp_path / "new.safetensors")
    values = descriptors.numpy() @ projection.weight.numpy().T + projection.bias.numpy()
    expected = values / np.linalg.norm(values, axis=1, keepdims=True)
    found = Encoder(recipe, device="cpu").encode(squares)[:, :16]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_the_file_has_the_tensors_of_the_bundled_one(tmp_path: Path) -> None:
    network = unsettled(ART)
    projection = Projection(weight=torch.zeros(256, 4752), bias=torch.ones(256))
    recipe = write_weights(network, projection, tmp_path / "new.safetensors")
    made, bundled = load_file(recipe.weights), load_file(WEIGHTS)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in made.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in bundled.items()
    }


def test_values_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    network = unsettled(TINY)
    projection = Projection(weight=torch.full((2, 90), 1e5), bias=torch.zeros(2))
    with pytest.raises(ValueError, match=r"project\.weight.*--learning-rate"):
        write_weights(network, projection, tmp_path / "new.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("recipe", [ARTICLE, replace(TINY, reduced_channels=None)])
def test_a_recipe_without_reduction_or_projection_cannot_be_trained(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="cannot be trained"):
        TrainingNetwork(recipe, head_dimensions=4, dropout=0.0)


class TestProjection:
    """fit_projection, against eigenvectors of covariances in numpy."""

    @pytest.fixture
    def descriptors(self) -> np.ndarray:
        rng = np.random.default_rng(3)
        return rng.normal(size=(40, 12)) * np.geomspace(3, 0.1, 12) + rng.normal(size=12)

    @pytest.fixture
    def head(self) -> np.ndarray:
        return np.random.default_rng(4).normal(size=(5, 12))

    @staticmethod
    def leading(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        variances, vectors = np.linalg.eigh(np.cov(values.T, bias=True))
        return variances[::-1][:count], vectors.T[::-1][:count]

    def test_it_is_head_and_half_whitened_components_stacked_and_rotated(
        self, descriptors: np.ndarray, head: np.ndarray
    ) -> None:
        found = fit_projection(torch.tensor(descriptors), torch.tensor(head), 6)
        centred = descriptors - descriptors.mean(axis=0)
        variances, components = self.leading(descriptors, 6)
        halfway = np.diag(variances**-0.25) @ components
        parts = [
            matrix / np.mean([np.linalg.norm(matrix @ row) for row in centred])
            for matrix in (head, halfway)
        ]
        stacked = np.concatenate(parts)
        _, rotation = self.leading(centred @ stacked.T, 6)
        expected = rotation @ stacked
        # Eigenvectors are the same up to their signs.
        signs = np.sign((expected * found.weight.numpy()).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(found.weight.numpy(), signs * expected, rtol=HALF, atol=1e-5)

    def test_the_projected_descriptors_are_centred(
        self, descriptors: np.ndarray, head: np.ndarray
    ) -> None:
        found = fit_projection(torch.tensor(descriptors), torch.tensor(head), 6)
        values = descriptors @ found.weight.numpy().T + found.bias.numpy()
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)

    def test_directions_without_any_spread_stay_finite(self, head: np.ndarray) -> None:
        flat = np.zeros((40, 12))
        flat[:, :3] = np.random.default_rng(5).normal(size=(40, 3))
        found = fit_projection(torch.tensor(flat), torch.tensor(head), 6)
        assert found.weight.isfinite().all()
        assert found.weight.abs().max() < 100

    @pytest.mark.parametrize(("count", "dimensions"), [(6, 6), (40, 13)])
    def test_too_few_pictures_or_values_are_refused(
        self, descriptors: np.ndarray, head: np.ndarray, count: int, dimensions: int
    ) -> None:
        with pytest.raises(ValueError, match="style values take more than"):
            fit_projection(torch.tensor(descriptors[:count]), torch.tensor(head), dimensions)
