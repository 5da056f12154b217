"""Fine-tuning of EfficientNet-Lite0, and the projection of its statistics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.lab.training.deep import (
    DeepTrainingNetwork,
    fine_tune,
    fit_deep_projection,
    rounded,
    write_deep_weights,
)
from artsimilarity.lab.training.export import Projection, extract_descriptors
from artsimilarity.lab.training.loop import Trained, train_network
from tests.encoder.make_deep_reference import NETWORK
from tests.lab.training.small import KNOWN, QUICK, TINY_DEEP, examples

pytestmark = pytest.mark.usefixtures("one_thread")

SEEN = examples(KNOWN[:4], 6)
FEW_STEPS = replace(QUICK, epochs=5, batch_size=12)


@pytest.fixture(scope="module")
def tuned() -> Trained[DeepTrainingNetwork]:
    return fine_tune(TINY_DEEP, SEEN, FEW_STEPS)


@pytest.fixture(scope="module")
def given() -> DeepTrainingNetwork:
    return fine_tune(TINY_DEEP, SEEN, replace(QUICK, epochs=0)).network


def test_the_loss_falls(tuned: Trained[DeepTrainingNetwork]) -> None:
    assert len(tuned.losses) == 5
    assert tuned.losses[-1] < 0.8 * tuned.losses[0]


def test_every_convolution_is_trained(
    tuned: Trained[DeepTrainingNetwork], given: DeepTrainingNetwork
) -> None:
    before = given.network.state_dict()
    after = tuned.network.network.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_without_epochs_the_bundled_weights_come_out_again(
    given: DeepTrainingNetwork, tmp_path: Path
) -> None:
    projection = Projection(weight=torch.zeros(16, 768), bias=torch.ones(16))
    recipe = write_deep_weights(rounded(given), projection, tmp_path / "new.safetensors")
    made, bundled = load_file(recipe.deep), load_file(NETWORK)
    assert set(made) == set(bundled)
    for name, tensor in bundled.items():
        np.testing.assert_array_equal(made[name], tensor, err_msg=name)


def test_the_same_seed_gives_the_same_network(tuned: Trained[DeepTrainingNetwork]) -> None:
    again = fine_tune(TINY_DEEP, SEEN, FEW_STEPS)
    assert again.losses == tuned.losses
    same = tuned.network.state_dict()
    for name, tensor in again.network.state_dict().items():
        assert torch.equal(tensor, same[name]), name


def test_given_weights_change_at_a_tenth_of_the_heads_rate(given: DeepTrainingNetwork) -> None:
    shares = {name: given.learning_rate_share(name) for name, _ in given.named_parameters()}
    assert shares.pop("head.weight") == shares.pop("head.bias") == 1
    assert set(shares.values()) == {0.1}


class OnlyTheHead(DeepTrainingNetwork):
    def learning_rate_share(self, parameter: str) -> float:
        return 0.0 if parameter.startswith("network.") else 1.0


def test_a_parameter_is_trained_at_its_share_of_the_rate(given: DeepTrainingNetwork) -> None:
    def make() -> OnlyTheHead:
        return OnlyTheHead(TINY_DEEP, head_dimensions=24, dropout=0.3)

    trained = train_network(make, SEEN, replace(FEW_STEPS, epochs=1)).network
    torch.manual_seed(FEW_STEPS.seed)
    untrained = make().head.weight
    before = given.network.state_dict()
    for name, tensor in trained.network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=1e-6, rtol=1e-6)
    assert not torch.allclose(trained.head.weight, untrained, atol=1e-4)


def test_the_head_sees_statistics_of_mean_nought_and_variance_one() -> None:
    # Twice as large, so that every map has several places and every deviation differs.
    pixels = SEEN.pixels.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    network = DeepTrainingNetwork(TINY_DEEP, head_dimensions=8, dropout=0.0).eval()
    descriptors = extract_descriptors(network, pixels)
    network.standardise(descriptors)
    values = descriptors.numpy().astype(np.float64)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    weight, bias = (network.state_dict()[f"head.{kind}"].numpy() for kind in ("weight", "bias"))
    expected = standard @ weight.T + bias
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with torch.inference_mode():
        found = network(pixels.permute(0, 3, 1, 2).float() / 255).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_plain_pictures_which_have_no_spread_do_not_break_training() -> None:
    plain = replace(SEEN, pixels=torch.full_like(SEEN.pixels, 90))
    trained = fine_tune(TINY_DEEP, plain, replace(FEW_STEPS, epochs=1)).network
    assert all(tensor.isfinite().all() for tensor in trained.state_dict().values())


def test_the_recipe_projects_the_statistics_of_the_tuned_network(
    tuned: Trained[DeepTrainingNetwork], tmp_path: Path
) -> None:
    network = rounded(tuned.network)
    descriptors = extract_descriptors(network, SEEN.pixels)
    projection = fit_deep_projection(descriptors, SEEN.artists, 16)
    recipe = write_deep_weights(network, projection, tmp_path / "new.safetensors")
    assert (recipe.style_dimensions, recipe.deep_dimensions) == (256 + 16, 16)
    values = descriptors.numpy() @ projection.weight.numpy().T + projection.bias.numpy()
    expected = 0.7**0.5 * values / np.linalg.norm(values, axis=1, keepdims=True)
    found = Encoder(recipe, device="cpu").encode(SEEN.pixels.numpy())[:, 256:272]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {
        "new.safetensors",
        "new-project.safetensors",
    }


def test_weights_that_float16_cannot_hold_are_refused(given: DeepTrainingNetwork) -> None:
    broken = rounded(given)
    broken.network.stem.bias.fill_(1e5)
    with pytest.raises(ValueError, match=r"stem\.bias.*--learning-rate"):
        rounded(broken)


class TestProjection:
    """fit_deep_projection, against the definition in numpy."""

    ARTISTS = np.repeat(np.arange(8), [9, 7, 5, 5, 5, 4, 4, 1])

    @pytest.fixture
    def descriptors(self) -> np.ndarray:
        rng = np.random.default_rng(3)
        own = rng.normal(size=(8, 12))[self.ARTISTS]
        apart = rng.normal(size=(40, 12)) @ rng.normal(size=(12, 12))
        return (own + apart) * np.geomspace(3, 0.1, 12) + rng.normal(size=12)

    @staticmethod
    def fit(descriptors: np.ndarray, artists: np.ndarray, dimensions: int) -> Projection:
        return fit_deep_projection(torch.tensor(descriptors), torch.tensor(artists), dimensions)

    def test_it_is_scaling_within_artist_whitening_and_principal_directions(
        self, descriptors: np.ndarray
    ) -> None:
        standard = (descriptors - descriptors.mean(axis=0)) / descriptors.std(axis=0)
        scatter = np.zeros((12, 12))
        for artist in range(8):
            pictures = standard[artist == self.ARTISTS]
            for picture in pictures:
                apart = picture - pictures.mean(axis=0)
                scatter += np.outer(apart, apart) / len(standard)
        variances, axes = np.linalg.eigh(scatter)
        variances = 0.9 * variances + 0.1 * variances.mean()
        whitened = standard @ axes @ np.diag(variances**-0.35) @ axes.T
        spreads, leading = np.linalg.eigh(np.cov(whitened.T, bias=True))
        expected = whitened @ leading[:, ::-1][:, :6]
        found = self.fit(descriptors, self.ARTISTS, 6)
        values = descriptors @ found.weight.numpy().T + found.bias.numpy()
        # Eigenvectors are the same up to their signs.
        signs = np.sign((expected * values).sum(axis=0))
        np.testing.assert_allclose(values, signs * expected, atol=1e-4)
        assert spreads[-6:].min() > 1e-3

    def test_what_one_artists_pictures_differ_in_is_dampened(self) -> None:
        rng = np.random.default_rng(7)
        artists = np.repeat(np.arange(10), 20)
        between, within = rng.normal(size=(10, 1))[artists], rng.normal(size=(200, 1))
        values = np.hstack([between, within])
        found = self.fit(values, artists, 2)
        gains = np.linalg.norm(found.weight.numpy() * values.std(axis=0), axis=0)
        assert gains[0] > 1.5 * gains[1]

    def test_a_statistic_without_any_spread_stays_finite(self, descriptors: np.ndarray) -> None:
        descriptors[:, 3] = 5.0
        found = self.fit(descriptors, self.ARTISTS, 6)
        assert found.weight.isfinite().all()
        values = descriptors @ found.weight.numpy().T + found.bias.numpy()
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-3)

    def test_artists_with_one_picture_each_are_refused(self, descriptors: np.ndarray) -> None:
        with pytest.raises(ValueError, match="two different pictures"):
            self.fit(descriptors, np.arange(40), 6)

    @pytest.mark.parametrize(("count", "dimensions"), [(6, 6), (40, 13)])
    def test_too_few_pictures_or_values_are_refused(
        self, descriptors: np.ndarray, count: int, dimensions: int
    ) -> None:
        with pytest.raises(ValueError, match="take more than"):
            self.fit(descriptors[:count], self.ARTISTS[:count], dimensions)
