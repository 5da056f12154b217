from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from artsimilarity.encoder.blocks.efficientnet import EfficientNetLite0
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.recipe import ART, ART_DEEP, ARTICLE, LIKENESS
from artsimilarity.encoder.weight_files import DIRECTORY_VARIABLE, sha256_of
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.recipes import find_recipes
from tests.encoder import small
from tests.encoder.make_deep_reference import NETWORK
from tests.encoder.make_reference import pictures
from tests.lab.evaluation import drawn


def test_recipes_of_a_site_are_found_by_their_dotted_paths() -> None:
    assert find_recipes(f"art,{drawn.__name__}.COARSE", None) == [ART, drawn.COARSE]


def test_ablation_stands_for_all_steps() -> None:
    steps = [step.recipe for step in ABLATION]
    assert find_recipes("ablation,art", None) == [*steps, ART]


def test_the_joined_recipes_and_the_deep_part_alone_are_known_by_name() -> None:
    alone, joined, likeness = find_recipes("deep-alone,art-deep,likeness", None)
    assert (joined, likeness) == (ART_DEEP, LIKENESS)
    assert replace(alone, name="art-deep", deep_share=0.7) == ART_DEEP


def test_the_last_stage_pooled_is_the_means_of_stage_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "weights"))
    (recipe,) = find_recipes("last-stage-pooled", None)
    squares = np.stack(list(pictures().values())[:2])
    style = Encoder(recipe, device="cpu").encode(squares)[:, : recipe.style_dimensions]
    weights = {name: one.float() for name, one in load_file(NETWORK).items()}
    pixels = (torch.from_numpy(squares).permute(0, 3, 1, 2).float() - 127) / 128
    last = EfficientNetLite0(weights)(pixels)[5].numpy()
    means = last.reshape(2, 192, 49).mean(axis=2)
    assert not style[:, :256].any()
    np.testing.assert_allclose(
        style[:, 256:], means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-5
    )


def test_the_file_of_the_last_stage_is_mended_and_always_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    (first,) = find_recipes("last-stage-pooled", None)
    Path(first.deep_projection).write_bytes(b"broken off")
    assert find_recipes("last-stage-pooled", None) == [first]
    assert sha256_of(Path(first.deep_projection).read_bytes()) == first.deep_projection_sha256


def test_a_local_file_stands_in_for_imagenet_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    digest = small.write(small.make_weights(), path)
    article, art = find_recipes("article,art", path)
    assert article == replace(ARTICLE, weights=str(path), weights_sha256=digest)
    assert art == ART
