"""What the API takes and what it answers."""

from __future__ import annotations

import math
from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers

from artsimilarity.conf import get_settings
from artsimilarity.search import NeighbourStatus


class SimilarityQuerySerializer(serializers.Serializer[Any]):
    """Query parameters of ``similar/``."""

    limit = serializers.IntegerField(required=False, min_value=1)
    style = serializers.FloatField(required=False, min_value=0, max_value=1)  # type: ignore[assignment]

    def validate_style(self, style: float) -> float:
        """Refuse NaN, which passes every comparison."""
        if math.isnan(style):
            raise serializers.ValidationError(self.fields["style"].error_messages["invalid"])
        return style

    def validate_limit(self, limit: int) -> int:
        """Refuse more than ``ARTSIMILARITY["MAX_LIMIT"]``, as it stands at the time of the call."""
        most = get_settings().MAX_LIMIT
        if limit > most:
            message = serializers.IntegerField.default_error_messages["max_value"]
            raise serializers.ValidationError(str(message).format(max_value=most))
        return limit


class NeighbourSerializer(serializers.Serializer[Any]):
    """One neighbour: the host's own representation, and how near it is.

    ``score`` is the weighted mean of ``style_score`` (cosine of the styles, -1..1) and
    ``colour_score`` (affinity of the colour histograms, 0..1).
    """

    score = serializers.FloatField(source="similarity")
    style_score = serializers.FloatField(source="similarity_style")
    colour_score = serializers.FloatField(source="similarity_colour")
    picture = serializers.SerializerMethodField()

    @cached_property
    def _host_serializer(self) -> serializers.BaseSerializer[Any]:
        serializer_class: type[serializers.BaseSerializer[Any]] = self.context["picture_serializer"]
        return serializer_class(context=self.context)

    def get_picture(self, neighbour: Any) -> Any:
        """Return the neighbour as the host's viewset shows it."""
        return self._host_serializer.to_representation(neighbour)


class NeighboursSerializer(serializers.Serializer[Any]):
    """The answer of ``similar/``; ``status`` and ``message`` say why ``results`` may be empty."""

    status = serializers.ChoiceField(choices=NeighbourStatus.choices)
    message = serializers.CharField()
    style = serializers.FloatField()  # type: ignore[assignment]
    results = NeighbourSerializer(many=True, source="pictures")
