"""What an administrator sees of the embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from artsimilarity import dispatch
from artsimilarity.models import SimilarityMixin
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.status import EmbeddingStatus

if TYPE_CHECKING:  # the stubs' class is generic, Django's own is not
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class SimilarityAdminMixin(_ModelAdmin):
    """Shows the embedding's status in the list and on the page of a picture, and re-embeds.

    Put it before ``ModelAdmin``; it adds to ``list_display``, ``list_filter`` and
    ``readonly_fields`` whatever the host declares.
    """

    actions = ["reembed"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The host's columns, then the embedding's."""
        return [*super().get_list_display(request), "embedding_summary"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The host's filters, then the embedding's."""
        return [*super().get_list_filter(request), "embedding_status"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The host's, then the embedding's, which only workers write."""
        names = ["embedding_status", "embedding_error", "embedded_at", "embedding_recipe"]
        return [*super().get_readonly_fields(request, obj), *names]

    @admin.display(description=_("embedding"), ordering="embedding_status")
    def embedding_summary(self, picture: SimilarityMixin) -> str:
        """Status, and when or why."""
        if picture.embedding_status == EmbeddingStatus.READY and picture.embedded_at:
            detail = display_for_value(picture.embedded_at, "")
        else:
            detail = picture.embedding_error
        label = EmbeddingStatus(picture.embedding_status).label
        return format_html("<strong>{}</strong><br>{}", label, detail)

    @admin.action(description=_("Embed selected pictures again"), permissions=["change"])
    def reembed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send the selected pictures to the workers, ready or not."""
        wanted = SimilarityQuerySet.with_picture(dispatch.as_similarity_queryset(queryset)).count()
        sent = dispatch.enqueue(queryset, force=True)
        message = ngettext(
            "%(count)d picture was sent to the workers.",
            "%(count)d pictures were sent to the workers.",
            sent,
        )
        self.message_user(request, message % {"count": sent}, messages.SUCCESS)
        if sent < wanted:
            self.message_user(
                request,
                _(
                    "The broker did not take the others. They wait until "
                    "“manage.py embed_artworks --pending” runs."
                ),
                messages.WARNING,
            )
