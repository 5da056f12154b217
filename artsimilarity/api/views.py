"""“More like this” for Django REST framework."""

from __future__ import annotations

import hashlib
import logging
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request, clone_request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from artsimilarity.api.serializers import (
    ColourQuerySerializer,
    DetailQuerySerializer,
    ExamplesQuerySerializer,
    NeighboursSerializer,
    PictureQuerySerializer,
    SimilarityQuerySerializer,
)
from artsimilarity.api.throttling import SearchByPictureThrottle
from artsimilarity.conf import get_settings
from artsimilarity.own_picture import (
    NotAnswered,
    PictureRefused,
    search_by_detail,
    search_by_picture,
)
from artsimilarity.own_picture.uploads import keep_in_memory
from artsimilarity.search import (
    CursorError,
    Neighbours,
    more_like_these,
    more_like_this,
    search_by_colours,
)
from artsimilarity.search.visible import visible_pictures

if find_spec("drf_spectacular"):
    import artsimilarity.api.schema  # noqa: F401 -- describes what follows

logger = logging.getLogger(__name__)

# What keeps a worker busy while the visitor waits.
_ASKS_A_WORKER = ("by_picture", "by_detail")
_SEARCHES = (*_ASKS_A_WORKER, "similar", "similar_to", "by_colour")


class _Refusal(APIException):
    """A search that cannot be made, as the API says it."""

    def __init__(self, error: PictureRefused | NotAnswered) -> None:
        super().__init__(str(error))
        self.status_code = error.status
        if isinstance(error, NotAnswered):
            self.wait = error.retry_after  # becomes the header Retry-After


class _Unavailable(APIException):
    """The database did not answer, or broke the search off; the next try may be answered."""

    status_code = 503
    default_detail = _("No search is possible right now. Try again in a moment.")
    wait = 10  # becomes the header Retry-After


class SimilarityViewSetMixin(GenericViewSet[Any]):
    """Adds searches to the host's own viewset.

    - ``GET <pk>/similar/?limit=&style=&diversify=``
    - ``GET <pk>/by-detail/?box=0.1,0.2,0.5,0.6&limit=&style=``
    - ``GET similar-to/?like=1&like=2&unlike=3&like_weight=&unlike_weight=&limit=&style=``
    - ``GET by-colour/?colour=aa3311:2&colour=224466&limit=``
    - ``POST by-picture/``, a form with the file ``picture``, ``limit`` and ``style``

    The picture comes from ``get_object()``, examples and what is found from ``get_queryset()``, so
    the host's permissions, filters and hidden rows hold; ``similarity_queryset(request)`` besides.
    Each neighbour is shown with the host's own serializer. The answer's ``next`` leads to the next
    page by the parameter ``cursor``.
    """

    @action(detail=True, methods=["get"], url_path="similar", pagination_class=None)
    def similar(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures most like this one, nearest first."""
        picture = self.get_object()
        query = SimilarityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        options = self._options(request, query.validated_data)
        return self._answer(request, more_like_this(picture, why=True, **options))

    @action(detail=True, methods=["get"], url_path="by-detail", pagination_class=None)
    def by_detail(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures most like a part of this one, nearest first; nothing is stored."""
        # Before the picture is looked for: of one that is hidden, a bad box must tell nothing.
        query = DetailQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        picture = self.get_object()
        options = self._options(request, query.validated_data)
        box = options.pop("box")
        try:
            found = search_by_detail(picture, box, why=True, **options)
        except ObjectDoesNotExist:
            raise NotFound from None
        return Response(self._data(found), headers={"Cache-Control": "no-store"})

    @action(detail=False, methods=["get"], url_path="similar-to", pagination_class=None)
    def similar_to(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures like several examples, and away from others, nearest first."""
        query = ExamplesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        options = self._options(request, query.validated_data)
        like, unlike = options.pop("like"), options.pop("unlike")
        keys = [key for key, _weight in (*like, *unlike)]
        examples = self._examples(request, options["queryset"], keys)
        neighbours = more_like_these(
            [(examples[key], weight) for key, weight in like],
            [(examples[key], weight) for key, weight in unlike],
            why=True,
            **options,
        )
        return self._answer(request, neighbours)

    @action(detail=False, methods=["get"], url_path="by-colour", pagination_class=None)
    def by_colour(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures whose colours are nearest to one to five colours."""
        query = ColourQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        options = self._options(request, query.validated_data)
        colours = options.pop("colour")
        found = search_by_colours(options["queryset"].model, colours, why=True, **options)
        return self._answer(request, found)

    @action(
        detail=False,
        methods=["post"],
        url_path="by-picture",
        pagination_class=None,
        parser_classes=[MultiPartParser],
    )
    def by_picture(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the pictures most like one that is sent along, which is not stored."""
        query = PictureQuerySerializer(data=request.data)
        query.is_valid(raise_exception=True)
        options = self._options(request, query.validated_data)
        picture = options.pop("picture")
        found = search_by_picture(options["queryset"].model, picture, why=True, **options)
        return Response(self._data(found), headers={"Cache-Control": "no-store"})

    def handle_exception(self, exc: Exception) -> Response:
        """Answer what a search refuses as what it is, not as a server error."""
        if isinstance(exc, CursorError):
            exc = ValidationError({"cursor": [str(exc)]})
        elif isinstance(exc, PictureRefused | NotAnswered):
            exc = _Refusal(exc)
        elif isinstance(exc, OperationalError | InterfaceError) and self.action in _SEARCHES:
            logger.error("The search %s failed.", self.action, exc_info=exc)
            exc = _Unavailable()
        return super().handle_exception(exc)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Keep what is uploaded for a search in memory."""
        wrapped = super().initialize_request(request, *args, **kwargs)
        if self.action == "by_picture":
            keep_in_memory(request)
        return wrapped

    def check_permissions(self, request: Request) -> None:
        """Let those search by a picture who may read: nothing is written."""
        if self.action == "by_picture":
            request = clone_request(request, "GET")
        super().check_permissions(request)

    def get_throttles(self) -> list[BaseThrottle]:
        """The host's own throttles, and one for searches that keep a worker busy."""
        throttles = list(super().get_throttles())
        if self.action in _ASKS_A_WORKER:
            throttles.append(SearchByPictureThrottle())
        return throttles

    def _options(self, request: Request, wanted: dict[str, Any]) -> dict[str, Any]:
        """What was asked for, as the searches take it, among the rows of this viewset."""
        options = {**wanted, "request": request._request}
        options["queryset"] = self.filter_queryset(self.get_queryset())
        if "cursor" in options:
            options["after"] = options.pop("cursor")
        return options

    def _examples(
        self, request: Request, queryset: QuerySet[Any], keys: list[str]
    ) -> dict[str, Any]:
        """The pictures named as this viewset's addresses name them.

        Raises:
            NotFound: there is no such picture, or the visitor may not see it: the answer is one.
        """
        visible = visible_pictures(queryset.model, queryset, request._request)
        try:
            rows = list(visible.filter(**{f"{self.lookup_field}__in": keys}))
        except (TypeError, ValueError, DjangoValidationError):
            raise NotFound from None
        found = {str(getattr(row, self.lookup_field)): row for row in rows}
        if not found.keys() >= set(keys):
            raise NotFound
        for row in found.values():
            self.check_object_permissions(request, row)
        return found

    def _answer(self, request: Request, neighbours: Neighbours) -> HttpResponseBase:
        """The neighbours as this viewset shows pictures; 304 where the client has them already.

        What a visitor may see is nobody else's business, so no shared cache may keep it; the
        visitor's own may for as long as ``ARTSIMILARITY["CACHE_SECONDS"]``.
        """
        data = self._data(neighbours)
        etag = f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'
        response = Response(data, headers={"ETag": etag})
        patch_cache_control(response, private=True, max_age=get_settings().CACHE_SECONDS)
        patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
        answer = get_conditional_response(request._request, etag=etag, response=response)
        return answer if answer is not None else response

    def _data(self, neighbours: Neighbours) -> Any:
        context = {
            **self.get_serializer_context(),
            "picture_serializer": self.get_serializer_class(),
        }
        return NeighboursSerializer(neighbours, context=context).data
