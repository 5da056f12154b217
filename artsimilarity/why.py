"""Why a picture was found: its scores beside the library's, and the colours that it shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Case, F, Field, TextField, When
from django.db.models.functions import Cast
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from artsimilarity.colours import WeightedColour
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.expressions import Subvector
from artsimilarity.recipes import known_recipe
from artsimilarity.scale import current_scale, percentile
from artsimilarity.swatches import (
    SharedColour,
    cubes_of,
    shared_colours,
    shares,
    wanted_colours,
)
from artsimilarity.targets import Target

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin

# From which percentile on a word is said, and for colours, from which score: one random pair in a
# thousand, in a hundred, in ten, in four is as alike; but what is rare in a library need not look
# alike. Two pictures of which one half is the same, and the rest wholly different, score 0.5.
_BANDS: Final = ((99.9, 0.9), (99.0, 0.75), (90.0, 0.5), (75.0, 0.25))
_DIFFERENT_BELOW: Final = (50.0, 0.5)
# For each band, and for what lies below. In between nothing is said.
_STYLE_WORDS: Final = (
    gettext_lazy("exceptionally similar brushwork"),
    gettext_lazy("very similar brushwork"),
    gettext_lazy("similar brushwork"),
    gettext_lazy("somewhat similar brushwork"),
    gettext_lazy("different brushwork"),
)
_COLOUR_WORDS: Final = (
    gettext_lazy("exceptionally similar colours"),
    gettext_lazy("very similar colours"),
    gettext_lazy("similar colours"),
    gettext_lazy("somewhat similar colours"),
    gettext_lazy("different colours"),
)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a picture was found; an attribute ``similarity_why`` of it.

    Attributes:
        style_percentile: how many per cent of random pairs of the library have a lower style score,
            0 to less than 100; None if no scale is known (:mod:`artsimilarity.scale`), or if what
            was searched for is not one picture: then scores are not those of pairs.
        colour_percentile: the same of the colour score.
        colour_score: that score; None if it has no say in the words.
        shared_colours: at most five, the largest share first; none if the vectors' recipe is not
            known here.
    """

    style_percentile: float | None = None
    colour_percentile: float | None = None
    colour_score: float | None = None
    shared_colours: tuple[SharedColour, ...] = ()

    @property
    def words(self) -> str:
        """The percentiles in a visitor's words, such as “Very similar brushwork”; may be empty."""
        parts = (
            _in_words(_STYLE_WORDS, self.style_percentile, None),
            _in_words(_COLOUR_WORDS, self.colour_percentile, self.colour_score),
        )
        return str(capfirst(", ".join(filter(None, parts))))

    @property
    def colours_in_words(self) -> str:
        """The shared colours by name, such as “Shared colours: ochre, cream”; may be empty."""
        if not self.shared_colours:
            return ""
        names = dict.fromkeys(shared.name for shared in self.shared_colours)
        return _("Shared colours: %(names)s") % {"names": ", ".join(names)}


def explain(
    found: Sequence[Any], target: Target, *, using: str, wanted: Sequence[WeightedColour] = ()
) -> None:
    """Give each picture that was found an attribute ``similarity_why``.

    One query for the colours of all of them, and one for the scale where ``target`` is a picture.

    Args:
        found: pictures with the scores of one search.
        target: what was searched for.
        using: database alias.
        wanted: the colours that a visitor named, if it was those.
    """
    if not found:
        return
    model, fingerprint = type(found[0]), found[0].similarity_recipe
    recipe = known_recipe(fingerprint)
    scale = current_scale(model, fingerprint, using) if target.is_picture else None
    pks = {one.pk for one in found}
    if not target.values:
        pks.update(target.excluded)
    areas = _areas(model, pks, recipe, using) if recipe else {}
    common = _colours_in_common(target, recipe, areas, wanted) if recipe else None
    for one in found:
        style = colour = score = None
        if scale:
            score = one.similarity_colour
            style = percentile(one.similarity_style, scale.style_quantiles, scale.pairs)
            colour = percentile(score, scale.colour_quantiles, scale.pairs)
        one.similarity_why = Why(
            style_percentile=style,
            colour_percentile=colour,
            colour_score=score,
            shared_colours=common(areas[one.pk]) if common and one.pk in areas else (),
        )


def _colours_in_common(
    target: Target,
    recipe: Recipe,
    areas: Mapping[Any, list[float]],
    wanted: Sequence[WeightedColour],
) -> Callable[[list[float]], tuple[SharedColour, ...]] | None:
    """What tells the colours that a picture shares with the target; None if it is not known."""
    if wanted:
        cubes = {colour: cubes_of(colour, recipe.colour_bins) for colour, _weight in wanted}
        return partial(wanted_colours, cubes)
    if target.values:
        # What examples to move away from have taken below zero, nobody looks for.
        block = [max(value, 0.0) for value in target.values[recipe.style_dimensions :]]
        own: list[float] | None = shares(block, recipe)
    else:
        own = next((areas[pk] for pk in target.excluded if pk in areas), None)
    return partial(shared_colours, own, bins=recipe.colour_bins) if own else None


def _areas(
    model: type[SimilarityMixin], pks: Iterable[Any], recipe: Recipe, using: str
) -> Mapping[Any, list[float]]:
    """Shares of the colour cubes of each picture that has a vector of the recipe."""
    # While a recipe is being promoted, its vectors are in either column.
    vector = Case(
        When(embedding_recipe=recipe.fingerprint, then=F("embedding")),
        When(embedding_next_recipe=recipe.fingerprint, then=F("embedding_next")),
        output_field=Field(),
    )
    block = Subvector(vector, recipe.style_dimensions + 1, recipe.colour_dimensions)
    rows = model._base_manager.using(using).filter(pk__in=pks).order_by()
    blocks = rows.values_list("pk", Cast(block, TextField()))
    return {pk: shares(json.loads(text), recipe) for pk, text in blocks if text}


def _in_words(words: Sequence[Any], percentile: float | None, score: float | None) -> str:
    if percentile is None:
        return ""
    *alike, different = words
    for (rare, common), text in zip(_BANDS, alike, strict=True):
        if percentile >= rare and (score is None or score >= common):
            return str(text)
    rare, common = _DIFFERENT_BELOW
    is_different = percentile < rare and (score is None or score < common)
    return str(different) if is_different else ""
