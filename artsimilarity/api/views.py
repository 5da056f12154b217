"""“More like this” for Django REST framework."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from artsimilarity.api.serializers import NeighboursSerializer, SimilarityQuerySerializer
from artsimilarity.conf import get_settings
from artsimilarity.paging import CursorError
from artsimilarity.search import Neighbours, more_like_this

if find_spec("drf_spectacular"):
    import artsimilarity.api.schema  # noqa: F401 -- describes what follows


class SimilarityViewSetMixin(GenericViewSet[Any]):
    """Adds ``<pk>/similar/`` to the host's own viewset.

    The picture comes from ``get_object()`` and its neighbours from ``get_queryset()``, so the
    host's permissions, filters and hidden rows hold; ``similarity_queryset(request)`` besides.
    Each neighbour is shown with the host's own serializer. Parameters are ``limit``, ``style``,
    ``diversify`` and ``cursor``, which the answer's ``next`` brings along.
    """

    @action(detail=True, methods=["get"], url_path="similar", pagination_class=None)
    def similar(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures most like this one, nearest first."""
        picture = self.get_object()
        query = SimilarityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        try:
            neighbours = more_like_this(
                picture,
                limit=wanted.get("limit"),
                style=wanted.get("style"),
                diversify=wanted.get("diversify"),
                after=wanted.get("cursor"),
                queryset=self.filter_queryset(self.get_queryset()),
                request=request._request,
                why=True,
            )
        except CursorError as error:
            raise ValidationError({"cursor": [str(error)]}) from error
        return self._answer(request, neighbours)

    def _answer(self, request: Request, neighbours: Neighbours) -> HttpResponseBase:
        """The neighbours as this viewset shows pictures; 304 where the client has them already.

        What a visitor may see is nobody else's business, so no shared cache may keep it; the
        visitor's own may for as long as ``ARTSIMILARITY["CACHE_SECONDS"]``.
        """
        context = {
            **self.get_serializer_context(),
            "picture_serializer": self.get_serializer_class(),
        }
        data = NeighboursSerializer(neighbours, context=context).data
        etag = f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'
        response = Response(data, headers={"ETag": etag})
        patch_cache_control(response, private=True, max_age=get_settings().CACHE_SECONDS)
        patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
        answer = get_conditional_response(request._request, etag=etag, response=response)
        return answer if answer is not None else response
