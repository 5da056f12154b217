"""Which recipes a picture is embedded with at this moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import BUNDLED, Recipe
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


def recipes_in_force(
    latest: Rollout | None, present: str, is_served: Callable[[str], bool]
) -> RecipesInForce:
    """Return the recipes in force for a library.

    A library stays under the recipe that it was embedded with, whatever the settings say, until
    another is rolled out: an upgrade with a new default leaves no library half under the one and
    half under the other. Until a roll-out is promoted, pictures get both vectors. From that moment
    on the new recipe is served.

    Args:
        latest: roll-out, finished or not.
        present: fingerprint of the recipe that the library seems to be under; empty if by none.
        is_served: whether any picture is served by a vector of that fingerprint.
    """
    named = known_recipe(latest.fingerprint) if latest else None
    if latest and named and latest.state == RolloutState.PROMOTED:
        return RecipesInForce(named)
    serving = get_settings().recipe
    if present and present != serving.fingerprint:
        known = known_recipe(present)
        serving = known if known and is_served(present) else serving
    return RecipesInForce(serving, named)


def known_recipe(fingerprint: str) -> Recipe | None:
    """Return the recipe of that fingerprint, if the settings name it or we bring it along."""
    known = (*get_settings().named_recipes, *BUNDLED)
    return next((one for one in known if one.fingerprint == fingerprint), None)
