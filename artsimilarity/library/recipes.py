"""Which recipes a picture is embedded with at this moment."""

from __future__ import annotations

from dataclasses import dataclass

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.schema.states import RolloutState
from artsimilarity.schema.tables import Rollout


@dataclass(frozen=True)
class RecipesInForce:
    """The recipe whose vectors are served, and the one that is being rolled out beside it."""

    serving: Recipe
    next: Recipe | None = None

    @property
    def all(self) -> tuple[Recipe, ...]:
        """The recipes that a new picture is embedded with."""
        return (self.serving, self.next) if self.next else (self.serving,)

    @property
    def newest(self) -> Recipe:
        """The one that is going to be served, if it is not yet."""
        return self.all[-1]


def recipes_in_force(label: str, using: str) -> RecipesInForce:
    """Return the recipes in force for the library of that label.

    While a roll-out is filling, pictures get both vectors. From the moment it is promoted the new
    recipe is served, also while the settings still call it ``NEXT_RECIPE``.
    """
    settings = get_settings()
    candidate = settings.next_recipe
    if candidate is None or candidate.fingerprint == settings.recipe.fingerprint:
        return RecipesInForce(settings.recipe)
    rollout = Rollout.objects.using(using).filter(
        model_label=label, fingerprint=candidate.fingerprint
    )
    state = rollout.values_list("state", flat=True).first()
    if state is None:
        return RecipesInForce(settings.recipe)
    if state == RolloutState.FILLING:
        return RecipesInForce(settings.recipe, candidate)
    return RecipesInForce(candidate)


def known_recipe(fingerprint: str) -> Recipe | None:
    """Return the recipe of that fingerprint, if the settings name it as present or next one."""
    named = get_settings().named_recipes
    return next((one for one in named if one.fingerprint == fingerprint), None)
