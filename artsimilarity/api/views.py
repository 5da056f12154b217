"""“More like this” for Django REST framework."""

from __future__ import annotations

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from artsimilarity.api.serializers import NeighboursSerializer, SimilarityQuerySerializer
from artsimilarity.search import more_like_this


class SimilarityViewSetMixin(GenericViewSet[Any]):
    """Adds ``<pk>/similar/?limit=&style=`` to the host's own viewset.

    The picture comes from ``get_object()`` and its neighbours from ``get_queryset()``, so the
    host's permissions, filters and hidden rows hold; ``similarity_queryset(request)`` besides.
    Each neighbour is shown with the host's own serializer.
    """

    @action(detail=True, methods=["get"], url_path="similar", pagination_class=None)
    def similar(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the pictures most like this one, nearest first."""
        picture = self.get_object()
        query = SimilarityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        neighbours = more_like_this(
            picture,
            limit=query.validated_data.get("limit"),
            style=query.validated_data.get("style"),
            queryset=self.filter_queryset(self.get_queryset()),
            request=request._request,
        )
        context = {
            **self.get_serializer_context(),
            "picture_serializer": self.get_serializer_class(),
        }
        return Response(NeighboursSerializer(neighbours, context=context).data)
