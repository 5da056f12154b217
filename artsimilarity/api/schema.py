"""What drf-spectacular says of the API in a host's OpenAPI schema, where it is installed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from artsimilarity.api.serializers import (
    NeighbourSerializer,
    NeighboursSerializer,
    SimilarityQuerySerializer,
)


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a request was refused as a whole."""

    detail = serializers.CharField()


BAD_REQUEST = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    description="A parameter cannot be used; each is named with the reason.",
)
NOT_FOUND = OpenApiResponse(
    ProblemSerializer, description="There is no such picture, or you may not see it."
)
NOT_MODIFIED = OpenApiResponse(None, description="The answer is the one that you have (ETag).")


class SimilarityViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Describes the actions of the mixin with each host's own serializer inside."""

    target_class = "artsimilarity.api.views.SimilarityViewSetMixin"
    match_subclasses = True

    def view_replacement(self) -> type[Any]:
        """The host's viewset, with its actions described."""
        viewset: type[Any] = self.target
        answer = _answer_of(viewset)

        class Described(viewset):  # type: ignore[misc]
            @extend_schema(
                parameters=[SimilarityQuerySerializer],
                responses={200: answer, 304: NOT_MODIFIED, 400: BAD_REQUEST, 404: NOT_FOUND},
                examples=[_EXAMPLE],
                filters=False,
            )
            def similar(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures most like this one, nearest first."""
                return super().similar(request, *args, **kwargs)

        Described.__name__ = viewset.__name__
        return Described


def _answer_of(viewset: type[Any]) -> type[serializers.BaseSerializer[Any]]:
    """The answer's serializer, with the host's own for each picture."""
    picture: Any = viewset.serializer_class
    if picture is None:
        return NeighboursSerializer
    name = picture.__name__.removesuffix("Serializer")
    neighbour: Any = type(
        f"{name}NeighbourSerializer", (NeighbourSerializer,), {"picture": picture()}
    )
    results = neighbour(many=True, source="pictures")
    return type(f"{name}NeighboursSerializer", (NeighboursSerializer,), {"results": results})


_EXAMPLE = OpenApiExample(
    "Two neighbours",
    value={
        "status": "ready",
        "message": "Similar pictures.",
        "style": 0.75,
        "next": "https://example.org/api/artworks/1/similar/?cursor=Wy0w&limit=1",
        "results": [
            {
                "score": 0.91,
                "style_score": 0.93,
                "colour_score": 0.85,
                "style_percentile": 99.21,
                "colour_percentile": 94.5,
                "shared_colours": [{"colour": "#c09540", "name": "ochre", "share": 0.31}],
                "picture": {"id": 7},
            },
        ],
    },
    response_only=True,
    status_codes=["200"],
)
