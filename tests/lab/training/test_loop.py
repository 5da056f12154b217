from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from artsimilarity.lab.evaluation.retrieval import Labels, assess
from artsimilarity.lab.training.dataset import TrainingError
from artsimilarity.lab.training.export import extract_descriptors, fit_projection
from artsimilarity.lab.training.loop import (
    Examples,
    Settings,
    Trained,
    WarmedAverage,
    learning_rate_factor,
    train,
)
from artsimilarity.lab.training.losses import UNKNOWN
from artsimilarity.lab.training.record import chance
from tests.encoder.textures import paint_all
from tests.lab.training.small import KNOWN, QUICK, TINY, UNSEEN, examples

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_learning_rate_rises_for_3_per_cent_and_falls_along_a_cosine() -> None:
    assert learning_rate_factor(0.015) == pytest.approx(0.5, rel=0.01)
    assert learning_rate_factor(0.03) == pytest.approx(1, rel=0.01)
    assert learning_rate_factor(0.5) == pytest.approx(0.5)
    assert learning_rate_factor(1) == 0


def test_the_average_forgets_its_start_and_then_decays() -> None:
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


def test_it_learns_hands_so_that_unseen_ones_are_told_apart_better() -> None:
    seen = examples(KNOWN, 12)
    pixels, hands = paint_all(UNSEEN, 12)

    def precision(settings: Settings) -> float:
        trained = train(TINY, seen, settings).network
        described = extract_descriptors(trained, seen.pixels)
        projection = fit_projection(described, trained.head.weight, TINY.style_dimensions)
        unseen = extract_descriptors(trained, torch.from_numpy(pixels))
        values = (unseen @ projection.weight.T + projection.bias).numpy()
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        labels = Labels(labels=hands.astype(np.str_))
        return assess(lambda part: values[part] @ values.T, labels).scores["P@4"].mean

    untrained = precision(replace(QUICK, epochs=0))
    learnt = precision(QUICK)
    by_chance = chance(hands.astype(np.str_))
    assert learnt > untrained + 0.1
    assert learnt > 2 * by_chance


def test_the_loss_falls() -> None:
    losses = train(TINY, examples(KNOWN, 8), replace(QUICK, epochs=6)).losses
    assert len(losses) == 6
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_network_and_leaves_torchs_generator_alone() -> None:
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


def test_every_setting_changes_what_is_learnt() -> None:
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


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    with pytest.raises(TrainingError, match="lower --learning-rate"):
        train(TINY, examples(KNOWN[:2], 4), replace(QUICK, learning_rate=math.inf))


def test_it_tells_steps_epoch_and_loss(capsys: pytest.CaptureFixture[str]) -> None:
    losses = train(TINY, examples(KNOWN[:2], 4), replace(QUICK, epochs=2, batch_size=4)).losses
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Training: 4 of 4 steps")
    assert last.endswith(f"epoch=2, loss={losses[-1]:.3f}")
