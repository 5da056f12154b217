"""What all pages of one library's admin have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from artsimilarity.library import Library
from artsimilarity.library.visibility import hides_rows
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.fields import VECTORS

if TYPE_CHECKING:  # the stubs' class is generic, Django's own is not
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class LibraryAdmin(_ModelAdmin):
    """The admin of a model with an embedding: its library, permission, addresses and context."""

    @property
    def library(self) -> Library:
        """The library that this admin looks after."""
        return Library.of(self.model)

    def row_of(self, picture: Model) -> EmbeddingColumns:
        """Return the row with a picture's embedding, a blank one if it has none yet."""
        return self.library.row_of(picture) or self.library.new_row(picture.pk)

    def without_vectors(self, pictures: QuerySet[Any]) -> QuerySet[Any]:
        """Return some pictures whose vectors stay in the database."""
        return pictures if self.library.has_companion else pictures.defer(*VECTORS)

    def address(self, name: str, *args: str) -> str:
        """Return the address of one of this model's pages."""
        options = self.opts
        full = f"{self.admin_site.name}:{options.app_label}_{options.model_name}_{name}"
        return reverse(full, args=args)

    def has_library_permission(self, request: HttpRequest) -> bool:
        """Whether this administrator may see figures of the whole library and act on all of it.

        By default those who may change pictures, unless ``get_queryset()`` keeps some from them:
        the page counts, names and sends every picture.
        """
        everything = self.model._default_manager.all()
        hidden = hides_rows(self.get_queryset(request), beside=everything)
        return self.has_change_permission(request) and not hidden

    def page_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of the admin needs in its context."""
        request.current_app = self.admin_site.name  # as Django's own views do
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
        }
