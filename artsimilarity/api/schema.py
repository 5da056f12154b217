"""What drf-spectacular says of the API in a host's OpenAPI schema, where it is installed."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from artsimilarity.api.serializers import (
    ColourQuerySerializer,
    DetailQuerySerializer,
    ExamplesQuerySerializer,
    NeighbourSerializer,
    NeighboursSerializer,
    PictureQuerySerializer,
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
BAD_PICTURE = OpenApiResponse(
    {"type": "object"}, description="What is wrong with the file or another field, in words."
)
REFUSED = OpenApiResponse(ProblemSerializer, description="What to do instead is said in words.")
NOT_MODIFIED = OpenApiResponse(None, description="The answer is the one that you have (ETag).")


class SimilarityViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Describes the actions of the mixin with each host's own serializer inside."""

    target_class = "artsimilarity.api.views.SimilarityViewSetMixin"
    match_subclasses = True

    def view_replacement(self) -> type[Any]:
        """The host's viewset, with its actions described."""
        viewset: type[Any] = self.target
        answer: Any = _answer_of(viewset)  # type: ignore[arg-type] # a class can be hashed
        # Of a search that no worker is asked for.
        found = {200: answer, 304: NOT_MODIFIED, 400: BAD_REQUEST, 503: REFUSED}

        class Described(viewset):  # type: ignore[misc]
            @extend_schema(
                parameters=[SimilarityQuerySerializer],
                responses={**found, 404: NOT_FOUND},
                examples=[_EXAMPLE],
                filters=False,
            )
            def similar(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures most like this one, nearest first."""
                return super().similar(request, *args, **kwargs)

            @extend_schema(
                parameters=[DetailQuerySerializer],
                responses={
                    200: answer,
                    400: BAD_REQUEST,
                    404: NOT_FOUND,
                    **dict.fromkeys((401, 403, 429, 503), REFUSED),
                },
                examples=[_EXAMPLE],
                filters=False,
            )
            def by_detail(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures most like a part of this one, which a worker describes now.

                Twelve such searches a minute are let through, those by a picture of one's own
                included.
                """
                return super().by_detail(request, *args, **kwargs)

            @extend_schema(
                parameters=[ExamplesQuerySerializer],
                responses={**found, 404: NOT_FOUND},
                examples=[_EXAMPLE],
                filters=False,
            )
            def similar_to(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures like several examples, and away from others."""
                return super().similar_to(request, *args, **kwargs)

            @extend_schema(
                parameters=[ColourQuerySerializer],
                responses=found,
                examples=[_EXAMPLE],
                filters=False,
            )
            def by_colour(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures whose colours are nearest to one to five colours."""
                return super().by_colour(request, *args, **kwargs)

            @extend_schema(
                request={"multipart/form-data": PictureQuerySerializer},
                responses={
                    200: answer,
                    400: BAD_PICTURE,
                    **dict.fromkeys((401, 403, 413, 415, 429, 503), REFUSED),
                },
                examples=[_EXAMPLE],
                filters=False,
            )
            def by_picture(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the pictures most like one that is sent along, which is not stored."""
                return super().by_picture(request, *args, **kwargs)

        Described.__name__ = viewset.__name__
        return Described


@cache  # one component, though several actions answer with it
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
        "style": 0.9,
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
