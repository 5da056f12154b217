from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from artsimilarity.encoder.recipe import ART, ART_DEEP, ARTICLE, LIKENESS
from artsimilarity.lab.evaluation.ablation import ABLATION
from artsimilarity.lab.evaluation.recipes import find_recipes
from tests.encoder import small
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


def test_a_local_file_stands_in_for_imagenet_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    digest = small.write(small.make_weights(), path)
    article, art = find_recipes("article,art", path)
    assert article == replace(ARTICLE, weights=str(path), weights_sha256=digest)
    assert art == ART
