"""Why a picture was found: its scores beside the library's, and the colours that it shares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, F, Field, TextField, When
from django.db.models.functions import Cast
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.recipes import known_recipe
from artsimilarity.schema.sql import Subvector
from artsimilarity.schema.tables import ScoreCalibration
from artsimilarity.search.request import Search
from artsimilarity.search.score_calibration import current_calibration, percentile
from artsimilarity.search.swatches import (
    SharedColour,
    cubes_of,
    shared_colours,
    shares,
    wanted_colours,
)

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
            0 to less than 100; None if scores are not calibrated
            (:mod:`artsimilarity.search.score_calibration`), or if what was searched for is not one
            picture: then scores are not those of pairs.
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


def explain(found: Sequence[Any], search: Search) -> None:
    """Give each picture that was found an attribute ``similarity_why``.

    One query for the colours of all of them, and one for the calibration of scores where a single
    picture was searched for.

    Args:
        found: pictures with the scores of the search.
        search: that found them.
    """
    if not found:
        return
    fingerprint = found[0].similarity_recipe
    calibration = None
    if search.query.is_picture:
        calibration = current_calibration(search.library, fingerprint)
    colours = _shared_colours(found, search, fingerprint)
    for picture in found:
        picture.similarity_why = _why(picture, calibration, colours.get(picture.pk, ()))


def _why(
    picture: Any, calibration: ScoreCalibration | None, colours: tuple[SharedColour, ...]
) -> Why:
    if calibration is None:
        return Why(shared_colours=colours)
    style, colour, pairs = picture.similarity_style, picture.similarity_colour, calibration.pairs
    return Why(
        style_percentile=percentile(style, calibration.style_quantiles, pairs),
        colour_percentile=percentile(colour, calibration.colour_quantiles, pairs),
        colour_score=colour,
        shared_colours=colours,
    )


def _shared_colours(
    found: Sequence[Any], search: Search, fingerprint: str
) -> Mapping[Any, tuple[SharedColour, ...]]:
    """The colours that each picture shares with what was searched for, by primary key."""
    recipe = known_recipe(fingerprint)
    if recipe is None:
        return {}
    query, bins = search.query, recipe.colour_bins
    pks = {picture.pk for picture in found}
    areas = _areas(search.library, pks | set(() if query.values else query.excluded), recipe)
    if search.colours:
        cubes = {colour: cubes_of(colour, bins) for colour, _weight in search.colours}
        return {pk: wanted_colours(cubes, areas[pk]) for pk in pks & areas.keys()}
    if query.values:
        # What examples to move away from have taken below zero, nobody looks for.
        block = [max(value, 0.0) for value in query.values[recipe.style_dimensions :]]
        own: list[float] | None = shares(block, recipe)
    else:
        own = next((areas[pk] for pk in query.excluded if pk in areas), None)
    if own is None:
        return {}
    return {pk: shared_colours(own, areas[pk], bins) for pk in pks & areas.keys()}


def _areas(library: Library, pks: Iterable[Any], recipe: Recipe) -> Mapping[Any, list[float]]:
    """Shares of the colour cubes of each picture that has a vector of the recipe."""
    # While a recipe is being promoted, its vectors are in either column.
    vector = Case(
        When(embedding_recipe=recipe.fingerprint, then=F("embedding")),
        When(embedding_next_recipe=recipe.fingerprint, then=F("embedding_next")),
        output_field=Field(),
    )
    block = Subvector(vector, recipe.style_dimensions + 1, recipe.colour_dimensions)
    rows = library.rows.current().filter(pk__in=pks).order_by()
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
