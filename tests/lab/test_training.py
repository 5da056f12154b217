"""Training of style weights, piece by piece against other formulas, and as a whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.lab.evaluation.retrieval import Labels, assess
from artsimilarity.lab.training.__main__ import main
from artsimilarity.lab.training.augment import augment, change_light, crop_and_flip
from artsimilarity.lab.training.dataset import (
    NOT_BY_AN_ARTIST,
    Collection,
    TrainingError,
    check_enough,
    hold_out,
    read_collection,
)
from artsimilarity.lab.training.export import (
    Projection,
    describe_pictures,
    fit_projection,
    fold,
    head_projection,
    write_weights,
)
from artsimilarity.lab.training.loop import (
    Examples,
    Settings,
    Trained,
    WarmedAverage,
    learning_rate_factor,
    train,
)
from artsimilarity.lab.training.losses import (
    UNKNOWN,
    CosineClassifier,
    cosine_softmax_loss,
    supervised_contrastive_loss,
)
from artsimilarity.lab.training.network import TrainingNetwork
from artsimilarity.lab.training.record import chance
from tests.encoder.make_reference import WEIGHTS
from tests.encoder.textures import HANDS, SIDE, paint, paint_all, save_all

# Vectors may differ by this between machines; float16 weights stay far inside it.
TOLERANCE = 1e-3
# Greatest relative error of a number in float16.
HALF = 2**-11

TINY = replace(
    ART, name="tiny", side=SIDE, layer="relu1_1", reduced_channels=12, style_dimensions=16
)
QUICK = Settings(epochs=12, batch_size=32, head_dimensions=24, learning_rate=5e-3)
KNOWN = [0, 1, 2, 3, 6, 7, 9, 10]
UNSEEN = [hand for hand in range(len(HANDS)) if hand not in KNOWN]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads only wait for each other on pictures as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def unit_rows(*shape: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=shape)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def examples(hands: list[int], each: int) -> Examples:
    pixels, artists = paint_all(hands, each)
    return Examples(pixels=torch.from_numpy(pixels), artists=torch.from_numpy(artists))


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


class TestLosses:
    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_cosine_softmax_is_the_cross_entropy_of_scaled_cosines(self, smoothing: float) -> None:
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

    def test_unknown_classes_do_not_count(self) -> None:
        torch.manual_seed(0)
        classify = CosineClassifier(3, 4, scale=10, smoothing=0.1)
        embeddings = torch.tensor(unit_rows(4, 4), dtype=torch.float32)
        labels = torch.tensor([1, UNKNOWN, 2, UNKNOWN])
        assert classify(embeddings, labels).item() == pytest.approx(
            classify(embeddings[::2], labels[::2]).item()
        )
        assert classify(embeddings, torch.full((4,), UNKNOWN)).item() == 0

    @pytest.mark.parametrize("twin_weight", [1.0, 5.0])
    def test_supervised_contrast_weighs_the_other_view_among_the_positives(
        self, twin_weight: float
    ) -> None:
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

    def test_supervised_contrast_has_finite_gradients(self) -> None:
        views = torch.tensor(unit_rows(8, 6), requires_grad=True)
        labels = torch.arange(4)
        supervised_contrastive_loss(views, labels, temperature=0.1, twin_weight=5.0).backward()
        assert views.grad is not None
        assert views.grad.isfinite().all()
        assert views.grad.abs().min() > 0


class TestViews:
    def test_crops_keep_45_to_100_per_cent_of_the_area_and_lie_inside(self) -> None:
        torch.manual_seed(0)
        middles = (torch.arange(56) + 0.5) / 56
        places = torch.stack([middles.expand(56, 56), middles[:, None].expand(56, 56)])
        pictures = torch.cat([places, torch.zeros(1, 56, 56)]).expand(300, 3, 56, 56)
        crops = crop_and_flip(pictures, 56)
        # A crop of width w has middles w / 56 apart.
        widths = (crops[:, 0, 20, 30] - crops[:, 0, 20, 29]) * 56
        heights = (crops[:, 1, 30, 20] - crops[:, 1, 29, 20]) * 56
        areas = widths.abs() * heights
        assert areas.min() > 0.44
        assert areas.max() < 1.001
        assert areas.std() > 0.1
        assert crops[:, :2].min() >= middles[0]
        assert crops[:, :2].max() <= middles[-1]
        assert heights.min() > 0, "no picture is turned upside down"
        assert 0.4 < (widths < 0).float().mean() < 0.6, "about every other is mirrored"

    def test_about_15_per_cent_become_grey_and_all_stay_in_range(self) -> None:
        torch.manual_seed(0)
        changed = change_light(torch.rand(1000, 3, 4, 4))
        is_grey = (changed == changed[:, :1]).all(dim=3).all(dim=2).all(dim=1)
        assert 0.11 < is_grey.float().mean() < 0.19
        assert 0 <= changed.min() < changed.max() <= 1

    def test_brightness_changes_by_75_to_130_per_cent_and_the_gain_of_channels(self) -> None:
        torch.manual_seed(0)
        changed = change_light(torch.full((500, 3, 2, 2), 0.5))
        assert changed.min() >= 0.5 * 0.75 * 0.88
        assert changed.max() <= 0.5 * 1.3 * 1.12
        by_picture = changed.mean(dim=(1, 2, 3))
        assert by_picture.min() < 0.5 * 0.8
        assert by_picture.max() > 0.5 * 1.2

    def test_two_draws_differ_and_a_seed_repeats_them(self) -> None:
        pictures = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(1))
        torch.manual_seed(0)
        first, second = augment(pictures, 24), augment(pictures, 24)
        torch.manual_seed(0)
        assert first.shape == (4, 3, 24, 24)
        assert torch.equal(first, augment(pictures, 24))
        assert not torch.equal(first, second)


class TestExport:
    def test_batch_norm_is_folded_into_the_layer_before_it(self) -> None:
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
        self, layer: str, tmp_path: Path
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
        self, tmp_path: Path
    ) -> None:
        network = fold(unsettled(TINY))
        squares, _ = paint_all([0, 1, 2, 3], 6)
        descriptors = describe_pictures(network, torch.from_numpy(squares))
        projection = fit_projection(descriptors, network.head.weight, 16)
        recipe = write_weights(network, projection, tmp_path / "new.safetensors")
        values = descriptors.numpy() @ projection.weight.numpy().T + projection.bias.numpy()
        expected = values / np.linalg.norm(values, axis=1, keepdims=True)
        found = Encoder(recipe, device="cpu").encode(squares)[:, :16]
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)

    def test_the_file_has_the_tensors_of_the_bundled_one(self, tmp_path: Path) -> None:
        network = unsettled(ART)
        projection = Projection(weight=torch.zeros(256, 4752), bias=torch.ones(256))
        recipe = write_weights(network, projection, tmp_path / "new.safetensors")
        made, bundled = load_file(recipe.weights), load_file(WEIGHTS)
        assert {name: (tensor.shape, tensor.dtype) for name, tensor in made.items()} == {
            name: (tensor.shape, tensor.dtype) for name, tensor in bundled.items()
        }

    def test_values_that_float16_cannot_hold_are_refused(self, tmp_path: Path) -> None:
        network = unsettled(TINY)
        projection = Projection(weight=torch.full((2, 90), 1e5), bias=torch.zeros(2))
        with pytest.raises(ValueError, match=r"project\.weight.*--learning-rate"):
            write_weights(network, projection, tmp_path / "new.safetensors")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("recipe", [ARTICLE, replace(TINY, reduced_channels=None)])
    def test_a_recipe_without_reduction_or_projection_cannot_be_trained(
        self, recipe: Recipe
    ) -> None:
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


class TestLoop:
    def test_the_learning_rate_rises_for_3_per_cent_and_falls_along_a_cosine(self) -> None:
        assert learning_rate_factor(0.015) == pytest.approx(0.5, rel=0.01)
        assert learning_rate_factor(0.03) == pytest.approx(1, rel=0.01)
        assert learning_rate_factor(0.5) == pytest.approx(0.5)
        assert learning_rate_factor(1) == 0

    def test_the_average_forgets_its_start_and_then_decays(self) -> None:
        model = nn.Linear(1, 1, bias=False)
        average = AveragedModel(model, multi_avg_fn=WarmedAverage(0.3), use_buffers=True)
        values = [5.0, 1.0, 2.0, -3.0, 4.0]
        expected = values[0]
        for number, value in enumerate(values):
            nn.init.constant_(model.weight, value)
            average.update_parameters(model)
            kept = min(0.3, (1 + number) / (10 + number))
            expected = kept * expected + (1 - kept) * value if number else value
        assert average.module.weight.item() == pytest.approx(expected)

    def test_it_learns_hands_so_that_unseen_ones_are_told_apart_better(self) -> None:
        seen = examples(KNOWN, 12)
        pixels, hands = paint_all(UNSEEN, 12)

        def precision(settings: Settings) -> float:
            trained = train(TINY, seen, settings).network
            described = describe_pictures(trained, seen.pixels)
            projection = fit_projection(described, trained.head.weight, TINY.style_dimensions)
            unseen = describe_pictures(trained, torch.from_numpy(pixels))
            values = (unseen @ projection.weight.T + projection.bias).numpy()
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            labels = Labels(labels=hands.astype(np.str_))
            return assess(lambda part: values[part] @ values.T, labels).scores["P@4"].mean

        untrained = precision(replace(QUICK, epochs=0))
        learnt = precision(QUICK)
        by_chance = chance(hands.astype(np.str_))
        assert learnt > untrained + 0.1
        assert learnt > 2 * by_chance

    def test_the_loss_falls(self) -> None:
        losses = train(TINY, examples(KNOWN, 8), replace(QUICK, epochs=6)).losses
        assert len(losses) == 6
        assert losses[-1] < 0.8 * losses[0]

    def test_the_same_seed_gives_the_same_network_and_leaves_torchs_generator_alone(self) -> None:
        settings = replace(QUICK, epochs=1)

        def run(seed: int) -> Trained:
            return train(TINY, examples(KNOWN[:3], 4), replace(settings, seed=seed))

        torch.manual_seed(11)
        expected = torch.rand(1)
        torch.manual_seed(11)
        first = run(0)
        assert torch.equal(torch.rand(1), expected)
        assert not torch.are_deterministic_algorithms_enabled()
        again, other = run(0), run(1)
        assert first.losses == again.losses != other.losses
        same = first.network.state_dict()
        for name, tensor in again.network.state_dict().items():
            assert torch.equal(tensor, same[name]), name

    def test_every_setting_changes_what_is_learnt(self) -> None:
        changes: dict[str, float] = {
            "epochs": 2,
            "batch_size": 5,
            "learning_rate": 1e-3,
            "weight_decay": 0.5,
            "head_dimensions": 20,
            "dropout": 0.0,
            "crop_share": 0.5,
            "artist_scale": 10.0,
            "style_scale": 20.0,
            "label_smoothing": 0.0,
            "temperature": 0.2,
            "twin_weight": 1.0,
            "contrastive_weight": 0.0,
            "style_weight": 0.6,
            "averaging": 0.0,
            "seed": 1,
        }
        seen = examples(KNOWN[:3], 4)
        styled = replace(seen, styles=torch.where(seen.artists > 0, seen.artists, UNKNOWN))
        settings = replace(QUICK, epochs=1, batch_size=6)

        def reduction(data: Examples, **change: float) -> tuple[float, ...]:
            network = train(TINY, data, replace(settings, **change)).network
            return tuple(network.reduce.weight.flatten().tolist())

        assert set(changes) == set(Settings.__dataclass_fields__)
        learnt = [reduction(styled, **{name: value}) for name, value in changes.items()]
        assert len({*learnt, reduction(styled), reduction(seen)}) == len(learnt) + 2

    def test_a_loss_that_is_no_number_ends_the_training(self) -> None:
        with pytest.raises(TrainingError, match="lower --learning-rate"):
            train(TINY, examples(KNOWN[:2], 4), replace(QUICK, learning_rate=math.inf))


class TestFolder:
    def test_pictures_belong_to_the_artist_of_their_first_folder(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 2)
        (folder / "Hand 01" / "late").mkdir()
        (folder / "Hand 01" / "1.png").rename(folder / "Hand 01" / "late" / "1.png")
        found, skipped = read_collection(folder, side=SIDE, max_per_artist=9, seed=0)
        assert found.paths[:2] == ["Hand 00/0.png", "Hand 00/1.png"]
        assert found.paths[2:] == ["Hand 01/0.png", "Hand 01/late/1.png"]
        assert found.artists.tolist() == ["Hand 00"] * 2 + ["Hand 01"] * 2
        np.testing.assert_array_equal(found.pixels[3], paint(1, 1))
        assert skipped == {}

    def test_what_cannot_be_read_is_skipped_and_named(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 2)
        (folder / "Hand 00" / "0.png").write_bytes(b"no picture")
        (folder / "Hand 00" / ".hidden").write_bytes(b"passed over")
        (folder / "notes.txt").write_text("whose?")
        found, skipped = read_collection(folder, side=SIDE, max_per_artist=9, seed=0)
        assert found.paths == ["Hand 00/1.png", "Hand 01/0.png", "Hand 01/1.png"]
        np.testing.assert_array_equal(found.pixels[0], paint(0, 1))
        assert list(skipped) == ["notes.txt", "Hand 00/0.png"]
        assert skipped["notes.txt"] == NOT_BY_AN_ARTIST

    def test_no_artist_gives_more_than_so_many(self, tmp_path: Path) -> None:
        folder = save_all(tmp_path, [0, 1], 6)
        drawn = [
            read_collection(folder, side=SIDE, max_per_artist=3, seed=seed)[0].paths
            for seed in (0, 0, 1)
        ]
        assert [path.partition("/")[0] for path in drawn[0]] == ["Hand 00"] * 3 + ["Hand 01"] * 3
        assert drawn[0] == drawn[1] != drawn[2]


def collection(**sizes: int) -> Collection:
    artists = np.repeat(list(sizes), list(sizes.values()))
    paths = [f"{artist}/{place}" for place, artist in enumerate(artists)]
    pixels = np.arange(len(artists), dtype=np.uint8)[:, None, None, None]
    return Collection(paths=paths, artists=artists, pixels=np.tile(pixels, (1, 1, 1, 3)))


class TestHoldingOut:
    SIZES = {"a": 5, "b": 6, "c": 4, "d": 7, "e": 8, "f": 2}

    def test_artists_are_held_out_whole(self) -> None:
        training, held = hold_out(collection(**self.SIZES), 0.5, min_pictures=5, seed=0)
        assert held is not None
        kept, apart = set(training.artists), set(held.artists)
        assert len(apart) == 3
        assert kept | apart == set(self.SIZES)
        assert not kept & apart
        assert {"c", "f"} <= kept, "those with too few pictures make no queries"
        assert sorted([*training.paths, *held.paths]) == sorted(collection(**self.SIZES).paths)
        for part in (training, held):
            numbers = [int(path.partition("/")[2]) for path in part.paths]
            assert part.pixels[:, 0, 0, 0].tolist() == numbers

    def test_which_ones_depends_on_the_seed(self) -> None:
        drawn = []
        for seed in range(8):
            _, held = hold_out(collection(**self.SIZES), 0.1, min_pictures=5, seed=seed)
            assert held is not None
            assert len(set(held.artists)) == 2, "one artist alone would always be found"
            drawn.append(frozenset(held.artists))
        assert len(set(drawn)) > 1

    def test_none_are_held_out_where_none_shall_be(self) -> None:
        everything = collection(a=2, b=2)
        assert hold_out(everything, 0.0, min_pictures=5, seed=0) == (everything, None)

    def test_too_few_artists_to_hold_out_are_told(self) -> None:
        with pytest.raises(TrainingError, match=r"only 1 have 8 .*--min-pictures"):
            hold_out(collection(**self.SIZES), 0.1, min_pictures=8, seed=0)

    @pytest.mark.parametrize(
        ("sizes", "dimensions", "advice"),
        [
            ({"a": 9, "b": 1}, 2, "two artists or more with two"),
            ({"a": 5, "b": 5}, 10, "lower --dimensions"),
        ],
    )
    def test_too_few_pictures_to_train_on_are_told(
        self, sizes: dict[str, int], dimensions: int, advice: str
    ) -> None:
        with pytest.raises(TrainingError, match=advice):
            check_enough(collection(**sizes), dimensions)

    def test_chance_is_how_often_a_blind_draw_finds_the_artist(self) -> None:
        artists = collection(a=2, b=3, c=1).artists
        pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
        assert chance(artists) == pytest.approx(
            np.mean([artists[i] == artists[j] for i, j in pairs])
        )


OPTIONS = (
    f"--size={SIDE} --layer=relu1_1 --reduced-channels=12 --dimensions=16 --epochs=1 "
    "--batch-size=16 --held-out=0.3 --min-pictures=4 --device=cpu"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_all(tmp_path_factory.mktemp("pictures"), [0, 2, 4, 7, 9, 11], 5)
    (folder / "Hand 00" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    rows = [f"{path.relative_to(folder)},{len(path.stem)}" for path in folder.rglob("*.png")]
    (folder / ".styles.csv").write_text("\n".join(["path,style", *sorted(rows)]))
    return folder


def run(folder: Path, output: Path, *more: str) -> int:
    return main([str(folder), "--output", str(output), *OPTIONS, *more])


@pytest.fixture(scope="module")
def output(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("output") / "style.safetensors"
    assert run(folder, output) == 0
    return output


@pytest.fixture(scope="module")
def record(output: Path) -> dict:
    return json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))


class TestCommand:
    def test_the_weights_can_be_used_by_the_recipe_in_the_record(
        self, folder: Path, output: Path, record: dict
    ) -> None:
        recipe = Recipe(**{**record["recipe"], "weights": str(output)})
        assert recipe.fingerprint == record["fingerprint"]
        square = read_square((folder / "Hand 00" / "0.png").read_bytes(), side=SIDE)
        vector = Encoder(recipe, device="cpu").encode([square])[0]
        assert np.linalg.norm(vector[:16]) == pytest.approx(1, abs=1e-5)

    def test_artists_held_out_were_not_trained_on(self, record: dict) -> None:
        trained, held = record["training"], record["held_out"]
        assert len(held["artists"]) == 2
        assert not set(held["artists"]) & set(trained["artists"])
        assert trained["pictures"] == sum(trained["artists"].values()) == 20
        assert held["pictures"] == record["evaluation"]["pictures"] == 10

    def test_the_new_weights_are_scored_beside_the_bundled_ones(self, record: dict) -> None:
        rows = record["evaluation"]["rows"]
        assert [(row["recipe"], row["ranking"]) for row in rows] == [
            (name, ranking)
            for name in ("art", "own")
            for ranking in ("style", "0.75 style + 0.25 colour")
        ]
        assert all({"P@1", "P@4"} <= set(row["scores"]) for row in rows)
        assert rows[2]["fingerprint"] == record["fingerprint"]
        assert record["chance"] == pytest.approx(4 / 9)

    def test_the_record_names_all_that_a_repetition_takes(self, record: dict) -> None:
        assert record["settings"] == {
            **{name: getattr(Settings(), name) for name in Settings.__dataclass_fields__},
            "epochs": 1,
            "batch_size": 16,
        }
        assert record["options"] == {
            "held_out": 0.3,
            "min_pictures": 4,
            "max_per_artist": 140,
            "projection_pictures": 2000,
            "styles": 0,
            "device": "cpu",
        }
        assert record["machine"]["torch"] == torch.__version__
        assert list(record["skipped"]) == ["Hand 00/broken.jpg"]
        assert len(record["losses"]) == 1

    def test_the_same_seed_gives_the_same_file(
        self, folder: Path, output: Path, tmp_path: Path
    ) -> None:
        again, other = tmp_path / "again.safetensors", tmp_path / "other.safetensors"
        assert run(folder, again, "--compare=") == 0
        assert run(folder, other, "--compare=", "--seed=1") == 0
        assert again.read_bytes() == output.read_bytes()
        assert other.read_bytes() != output.read_bytes()

    def test_the_projection_is_fitted_to_no_more_pictures_than_asked_for(
        self, folder: Path, output: Path, tmp_path: Path
    ) -> None:
        few = tmp_path / "few.safetensors"
        assert run(folder, few, "--compare=", "--projection-pictures=17") == 0
        found, usual = load_file(few), load_file(output)
        changed = {name for name in usual if not np.array_equal(found[name], usual[name])}
        assert changed == {"project.weight", "project.bias"}

    def test_it_says_what_was_skipped_and_how_to_use_the_weights(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        output = tmp_path / "style.safetensors"
        assert run(folder, output, "--held-out=0", "--name=mine") == 0
        told = capsys.readouterr()
        assert "skipped Hand 00/broken.jpg: " in told.err
        assert "nothing will be evaluated" in told.out
        made: dict[str, Recipe] = {}
        exec(told.out[told.out.index("from dataclasses") :], made)
        record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
        assert made["MINE"].fingerprint == record["fingerprint"]
        assert made["MINE"].weights == str(output.resolve())
        assert record["evaluation"] is None

    def test_styles_from_a_table_are_learnt_too(
        self, folder: Path, output: Path, tmp_path: Path
    ) -> None:
        styled = tmp_path / "styled.safetensors"
        assert run(folder, styled, "--compare=", f"--styles={folder / '.styles.csv'}") == 0
        assert styled.read_bytes() != output.read_bytes()
        record = json.loads(styled.with_suffix(".json").read_text(encoding="utf-8"))
        assert record["options"]["styles"] == 1

    @pytest.mark.parametrize(
        ("options", "advice"),
        [
            (["--dimensions=30"], "lower --dimensions"),
            (["--dimensions=91"], "raise --reduced-channels"),
            (["--projection-pictures=16"], "raise --projection-pictures"),
            (["--min-pictures=6"], "lower --min-pictures"),
            (["--held-out=0.9"], "Add pictures"),
            (["--layer=relu9_1"], "relu9_1"),
            (["--device=abacus"], "abacus"),
            (["--compare=nothing"], "no recipe 'nothing'"),
            (["--name=Not a slug"], "slug"),
            (["--styles=nowhere.csv"], "nowhere.csv"),
            (["--output=style.bin"], "end in .safetensors"),
            (["--output=nowhere/style.safetensors"], "no folder nowhere"),
        ],
    )
    def test_what_cannot_work_ends_with_advice_and_writes_nothing(
        self,
        options: list[str],
        advice: str,
        folder: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert run(folder, tmp_path / "style.safetensors", *options) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: ")
        assert advice in error
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", ["style.safetensors", "style.json"])
    def test_no_file_is_written_over(
        self, name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / name).write_text("in service")
        assert run(folder, tmp_path / "style.safetensors") == 1
        assert "exists already" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "in service"

    @pytest.mark.parametrize(
        ("files", "advice"),
        [([], "is no folder"), (["loose.png"], "make one for each artist")],
    )
    def test_a_folder_without_artists_is_told(
        self,
        files: list[str],
        advice: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        pictures = tmp_path / "pictures"
        for name in files:
            pictures.mkdir(exist_ok=True)
            (pictures / name).write_bytes(b"")
        assert run(pictures, tmp_path / "style.safetensors") == 1
        assert advice in capsys.readouterr().err

    @pytest.mark.parametrize("option", ["--epochs=0", "--held-out=1"])
    def test_numbers_out_of_range_are_refused(self, option: str, tmp_path: Path) -> None:
        with pytest.raises(SystemExit):
            run(tmp_path, tmp_path / "style.safetensors", option)

    def test_it_runs_as_a_module(self) -> None:
        command = [sys.executable, "-m", "artsimilarity.lab.training", "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "--held-out" in shown.stdout
