from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from artsimilarity.encoder.recipe import ART, ARTICLE
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.recipes import find_recipes
from tests.encoder import small
from tests.lab.evaluation import drawn


def test_recipes_of_a_site_are_found_by_their_dotted_paths() -> None:
    assert find_recipes(f"art,{drawn.__name__}.COARSE", None) == [ART, drawn.COARSE]


def test_ablation_stands_for_all_steps() -> None:
    steps = [step.recipe for step in ABLATION]
    assert find_recipes("ablation,art", None) == [*steps, ART]


def test_a_local_file_stands_in_for_imagenet_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    digest = small.write(small.make_weights(), path)
    article, art = find_recipes("article,art", path)
    assert article == replace(ARTICLE, weights=str(path), weights_sha256=digest)
    assert art == ART
