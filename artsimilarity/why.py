"""Why a picture was found: its scores beside the library's, and the colours that both share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Case, F, Field, TextField, When
from django.db.models.functions import Cast
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.expressions import Subvector
from artsimilarity.recipes import known_recipe
from artsimilarity.scale import current_scale, percentile
from artsimilarity.swatches import SharedColour, shared_colours, shares

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
            0 to less than 100; None if no scale is known (:mod:`artsimilarity.scale`).
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


def explain(picture: SimilarityMixin, found: Sequence[Any], *, using: str) -> None:
    """Give each picture that was found an attribute ``similarity_why``.

    Two queries, however many pictures: the scale, and the colours of all of them.

    Args:
        picture: what was searched for.
        found: pictures with the scores of that search.
        using: database alias.
    """
    if not found:
        return
    fingerprint = found[0].similarity_recipe
    recipe = known_recipe(fingerprint)
    scale = current_scale(type(picture), fingerprint, using)
    pks = [picture.pk, *(one.pk for one in found)]
    areas = _areas(type(picture), pks, recipe, using) if recipe else {}
    own = areas.get(picture.pk)
    for one in found:
        style = colour = None
        if scale:
            style = percentile(one.similarity_style, scale.style_quantiles, scale.pairs)
            colour = percentile(one.similarity_colour, scale.colour_quantiles, scale.pairs)
        shared: tuple[SharedColour, ...] = ()
        if recipe and own and one.pk in areas:
            shared = shared_colours(own, areas[one.pk], recipe.colour_bins)
        one.similarity_why = Why(
            style_percentile=style,
            colour_percentile=colour,
            colour_score=one.similarity_colour,
            shared_colours=shared,
        )


def _areas(
    model: type[SimilarityMixin], pks: Sequence[Any], recipe: Recipe, using: str
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
