"""What the API takes and what it answers."""

from __future__ import annotations

import math
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.utils.urls import replace_query_param

from artsimilarity.conf import get_settings
from artsimilarity.own_picture.detail import BoxError, parse_box
from artsimilarity.search import Neighbours, NeighbourStatus
from artsimilarity.search.colours import MAX_COLOURS
from artsimilarity.search.cursor import Cursor, CursorError

MAX_EXAMPLES = 20
"""Pictures to move towards that one search may name, and as many to move away from."""


class LimitField(serializers.IntegerField):
    """How many pictures; the most is ``ARTSIMILARITY["MAX_LIMIT"]`` at the time of the call."""

    def __init__(self, **options: Any) -> None:
        help_text = _("How many pictures to return.")
        super().__init__(required=False, min_value=1, help_text=help_text, **options)

    def to_internal_value(self, data: Any) -> int:
        """Refuse more than the most."""
        limit, most = super().to_internal_value(data), get_settings().MAX_LIMIT
        if limit > most:
            self.fail("max_value", max_value=most)
        return limit


class ShareField(serializers.FloatField):
    """A number from 0 to 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, min_value=0, max_value=1, **options)

    def to_internal_value(self, data: Any) -> float:
        """Refuse NaN, which passes every comparison."""
        value = super().to_internal_value(data)
        if math.isnan(value):
            self.fail("invalid")
        return value


class StyleField(ShareField):
    """The balance of style and colour."""

    def __init__(self, **options: Any) -> None:
        help_text = _("Weight of style against colour: 1 is style alone, 0 is colour alone.")
        super().__init__(help_text=help_text, **options)


class PageSerializer(serializers.Serializer[Any]):
    """Which page of a search, and how long."""

    limit = LimitField()
    cursor = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=4096,
        help_text=_("Where to go on: see “next” in the answer."),
    )

    def validate_cursor(self, cursor: str) -> Cursor | None:
        """Refuse what no page has given out; without a cursor it is the first page."""
        try:
            return Cursor.parse(cursor) if cursor else None
        except CursorError as error:
            raise serializers.ValidationError(str(error)) from error


class SimilarityQuerySerializer(PageSerializer):
    """Query parameters of ``similar/``."""

    style = StyleField()  # type: ignore[assignment]
    diversify = ShareField(
        help_text=_("How much the pictures should differ from each other; 0 is not at all.")
    )
    # A missing one is None, "as the settings say"; without allow_null DRF would take it for false.
    hide_duplicates = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text=_("Show only the nearest of several scans of one print."),
    )


class ManyField(serializers.ListField):
    """A parameter given many times, whose errors are a plain list as any other's are."""

    def run_child_validation(self, data: Any) -> Any:
        """Name the first that is wrong."""
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            details: Any = error.detail
            raise serializers.ValidationError(next(iter(details.values()))) from error


class KeyField(serializers.RegexField):
    """What stands for a picture in the viewset's addresses."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[^\s/\x00-\x1f]{1,200}\Z", trim_whitespace=False, **options)


class WeightField(serializers.FloatField):
    """How much an example counts: a number above 0, written plainly."""

    default_error_messages = {"invalid": _("A weight is a number above 0, up to 1000.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_value=1000, **options)

    def to_internal_value(self, data: Any) -> float:
        """Refuse 0, what is below, and NaN, which passes every comparison."""
        weight = super().to_internal_value(data)
        if not weight > 0:
            self.fail("invalid")
        return weight


class ExamplesQuerySerializer(SimilarityQuerySerializer):
    """Query parameters of ``similar-to/``: those of the examples may be given many times.

    Weights come in the order of the pictures, one for each, or none at all.
    """

    like = ManyField(
        child=KeyField(),
        min_length=1,
        max_length=MAX_EXAMPLES,
        help_text=_("Keys of the pictures to move towards."),
    )
    unlike = ManyField(
        child=KeyField(),
        required=False,
        max_length=MAX_EXAMPLES,
        help_text=_("Keys of the pictures to move away from."),
    )
    like_weight = ManyField(
        child=WeightField(),
        required=False,
        max_length=MAX_EXAMPLES,
        help_text=_("How much each of “like” counts, in the same order; 1 where none is given."),
    )
    unlike_weight = ManyField(
        child=WeightField(),
        required=False,
        max_length=MAX_EXAMPLES,
        help_text=_("How much each of “unlike” counts, in the same order; 1 where none is given."),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put each example and its weight together, as pairs."""
        words = _("Give one weight for each “%(name)s”, in the same order, or none.")
        for name in ("like", "unlike"):
            keys, weights = attrs.get(name, []), attrs.pop(f"{name}_weight", [])
            if weights and len(weights) != len(keys):
                raise serializers.ValidationError({f"{name}_weight": [words % {"name": name}]})
            attrs[name] = list(zip(keys, weights or [1.0] * len(keys), strict=True))
        return attrs


class ColourField(serializers.RegexField):
    """A colour and its weight: ``aa3311:2``, or ``aa3311`` for a weight of 1."""

    default_error_messages = {
        "invalid": _(
            "A colour is six hexadecimal digits; its weight, a number above 0, may follow a "
            "colon, such as aa3311:2."
        )
    }

    def __init__(self, **options: Any) -> None:
        weight = r"[1-9][0-9]{0,3}(\.[0-9]{1,4})?|0\.[0-9]{0,3}[1-9][0-9]{0,3}"
        options["trim_whitespace"] = False
        super().__init__(rf"^#?[0-9A-Fa-f]{{6}}(:({weight}))?\Z", **options)


class ColourQuerySerializer(PageSerializer):
    """Query parameters of ``by-colour/``."""

    colour = ManyField(
        child=ColourField(),
        min_length=1,
        max_length=MAX_COLOURS,
        help_text=_("Colours with weights, such as “aa3311:2”; a weight is 1 if it is left out."),
    )

    def validate_colour(self, colours: list[str]) -> list[tuple[str, float]]:
        """Take colours and weights apart."""
        pairs = (colour.partition(":") for colour in colours)
        return [(text, float(weight or 1)) for text, _colon, weight in pairs]


class PictureQuerySerializer(serializers.Serializer[Any]):
    """The form of ``by-picture/``."""

    picture = serializers.FileField(
        help_text=_("A picture: JPEG, PNG, TIFF, WebP or GIF. It is not stored."),
        error_messages={
            "required": _("Send a picture in the form field “picture”."),
            "invalid": _("Send the picture itself, as a file, in the form field “picture”."),
        },
    )
    limit = LimitField()
    style = StyleField()  # type: ignore[assignment]


class BoxField(serializers.RegexField):
    """Left, top, right and bottom edge of a box on a picture, as shares of its width and height."""

    default_error_messages = {
        "invalid": _(
            "A box is four numbers from 0 to 1 between commas, such as 0.1,0.2,0.5,0.6: the left, "
            "top, right and bottom edge as shares of the picture's width and height."
        )
    }

    def __init__(self, **options: Any) -> None:
        share = r"(0(\.[0-9]{1,9})?|1(\.0{1,9})?)"
        super().__init__(rf"^{share}(,{share}){{3}}\Z", trim_whitespace=False, **options)


class DetailQuerySerializer(serializers.Serializer[Any]):
    """Query parameters of ``<pk>/by-detail/``."""

    box = BoxField(
        help_text=_(
            "Left, top, right and bottom edge of the detail, as shares (0 to 1) of the width and "
            "height of the whole upright picture: “0.1,0.2,0.5,0.6”. At least 0.05 wide and high."
        )
    )
    limit = LimitField()
    style = StyleField()  # type: ignore[assignment]
    hide_duplicates = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text=_("Show only the nearest of several scans of one print."),
    )

    def validate_box(self, text: str) -> list[float]:
        """Refuse a box whose edges are in the wrong order, or that is too small."""
        box = [float(edge) for edge in text.split(",")]
        try:
            parse_box(box)
        except BoxError as error:
            raise serializers.ValidationError(str(error)) from error
        return box


class SharedColourSerializer(serializers.Serializer[Any]):
    """A colour that both pictures have; ``share`` of the area of either, at least, 0..1.

    After a search by colour, one of the colours asked for, and its share of the picture found.
    """

    colour = serializers.CharField()
    name = serializers.CharField()
    share = serializers.FloatField()


class ScoreField(serializers.FloatField):
    """A similarity, at most 1: half precision makes 1.0001 of that."""

    def to_representation(self, value: Any) -> Any:
        """Leave the rounding out."""
        return min(1.0, float(value))


class NeighbourSerializer(serializers.Serializer[Any]):
    """One neighbour: the host's own representation, and how near it is.

    ``score`` is the weighted mean of ``style_score`` (cosine of the styles, -1..1) and
    ``colour_score`` (affinity of the colour histograms, 0..1). A percentile says how many per cent
    of random pairs of the library are less alike; null while that has not been measured, and where
    it would mean nothing: after a search by colour or by several examples.
    """

    score = ScoreField(source="similarity")
    style_score = ScoreField(source="similarity_style")
    colour_score = ScoreField(source="similarity_colour")
    style_percentile = serializers.FloatField(
        source="similarity_why.style_percentile", read_only=True, default=None, allow_null=True
    )
    colour_percentile = serializers.FloatField(
        source="similarity_why.colour_percentile", read_only=True, default=None, allow_null=True
    )
    shared_colours = SharedColourSerializer(
        source="similarity_why.shared_colours", many=True, read_only=True, default=()
    )
    picture = serializers.SerializerMethodField()

    @cached_property
    def _host_serializer(self) -> serializers.BaseSerializer[Any]:
        serializer_class: type[serializers.BaseSerializer[Any]] = self.context["picture_serializer"]
        return serializer_class(context=self.context)

    def get_picture(self, neighbour: Any) -> Any:
        """Return the neighbour as the host's viewset shows it."""
        return self._host_serializer.to_representation(neighbour)


class NeighboursSerializer(serializers.Serializer[Any]):
    """The answer of a search; ``status`` and ``message`` say why ``results`` may be empty.

    ``next`` is the address of the next page, null on the last.
    """

    status = serializers.ChoiceField(choices=NeighbourStatus.choices)
    message = serializers.CharField()
    style = serializers.FloatField()  # type: ignore[assignment]
    next = serializers.SerializerMethodField()
    results = NeighbourSerializer(many=True, source="pictures")

    def get_next(self, neighbours: Neighbours) -> str | None:
        """Return the address of this page with another cursor."""
        if not neighbours.next_page:
            return None
        address: str = self.context["request"].build_absolute_uri()
        return replace_query_param(address, "cursor", neighbours.next_page)
