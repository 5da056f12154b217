"""Which recipes a picture is embedded with at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.labels import model_label
from artsimilarity.status import RolloutState

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin


@dataclass(frozen=True)
class Plan:
    """The recipe whose vectors are served, and the one that is being rolled out beside it."""

    serving: Recipe
    next: Recipe | None = None

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes that a new picture is embedded with."""
        return (self.serving, self.next) if self.next else (self.serving,)


def current_plan(model: type[SimilarityMixin], using: str = "default") -> Plan:
    """Return the plan in force for ``model``.

    While a roll-out is filling, pictures get both vectors. From the moment it is promoted the new
    recipe is served, also while the settings still call it ``NEXT_RECIPE``.
    """
    from artsimilarity.models import Rollout

    settings = get_settings()
    candidate = settings.next_recipe
    if candidate is None or candidate.fingerprint == settings.recipe.fingerprint:
        return Plan(settings.recipe)
    rollout = Rollout.objects.using(using).filter(
        model_label=model_label(model), fingerprint=candidate.fingerprint
    )
    state = rollout.values_list("state", flat=True).first()
    if state is None:
        return Plan(settings.recipe)
    if state == RolloutState.FILLING:
        return Plan(settings.recipe, candidate)
    return Plan(candidate)


def known_recipe(fingerprint: str) -> Recipe | None:
    """Return the recipe of that fingerprint, if the settings name it as present or next one."""
    settings = get_settings()
    for recipe in (settings.recipe, settings.next_recipe):
        if recipe and recipe.fingerprint == fingerprint:
            return recipe
    return None
