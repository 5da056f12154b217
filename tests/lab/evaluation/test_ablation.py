from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest

from artsimilarity.encoder.recipe import ART, ARTICLE, Recipe
from artsimilarity.lab.evaluation.ablation import ABLATION, Step


def differences(one: Recipe, other: Recipe) -> set[str]:
    names = (field.name for field in fields(Recipe))
    return {name for name in names if getattr(one, name) != getattr(other, name)}


def test_it_begins_with_the_article_and_ends_with_the_default() -> None:
    assert ABLATION[0].recipe == ARTICLE
    assert ABLATION[-1].recipe == ART


def test_names_are_different() -> None:
    assert len({step.recipe.name for step in ABLATION}) == len(ABLATION)


@pytest.mark.parametrize(("before", "after"), list(pairwise(ABLATION)))
def test_each_step_changes_one_thing(before: Step, after: Step) -> None:
    # What only follows from another change is no change of its own.
    following = {"name", "style_dimensions", "weights_sha256", "seed"}
    assert len(differences(before.recipe, after.recipe) - following) == 1
