"""What all pages of one library's admin have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.messages.constants import DEFAULT_TAGS
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from artsimilarity.admin import news
from artsimilarity.embedding.broker import publish, queue_length
from artsimilarity.embedding.queue import ENQUEUE_TASK, enqueue
from artsimilarity.library import Library
from artsimilarity.library.visibility import hides_rows
from artsimilarity.monitoring.workers import worker_answers
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.fields import VECTORS

if TYPE_CHECKING:  # the stubs' class is generic, Django's own is not
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


# As many selected pictures are sent while the administrator waits; more, by a worker.
_SENT_AT_ONCE = 1000


class LibraryAdmin(_ModelAdmin):
    """The admin of a model with an embedding: its library, permission, addresses and context."""

    @property
    def library(self) -> Library:
        """The library that this admin looks after."""
        return Library.of(self.model)

    def row_of(self, picture: Model) -> EmbeddingColumns:
        """Return the row with a picture's embedding, a blank one if it has none yet."""
        return Library.loaded(picture).row_of(picture) or self.library.new_row(picture.pk)

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

    # What buttons do, and how they tell of it

    def picture_to_change(self, request: HttpRequest, object_id: str) -> Any:
        """Return the picture that a POST is about.

        Raises:
            PermissionDenied: it is no POST, or who sends it may change nothing.
            Http404: there is no such picture, or not for them.
        """
        # Who may change nothing is refused before any row is looked for: the answer tells of none.
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        picture = self.get_object(request, unquote(object_id))
        if picture is None or not self.has_change_permission(request, picture):
            raise Http404
        return picture

    def send_to_workers(self, queryset: QuerySet[Any]) -> list[news.News]:
        """Send pictures to the workers, ready or not; returns what to tell of it."""
        library = self.library
        pictures = queryset.using(library.using)
        rows = library.rows_of(pictures)
        wanted = rows.with_picture().count()
        if wanted > _SENT_AT_ONCE:
            rows.mark_pending()
            task = (library.name, "pending", library.using)
            sent = wanted if publish(ENQUEUE_TASK, *task) else 0
        else:
            sent = enqueue(pictures, force=True)
        told = news.of_pictures(sent=sent, wanted=wanted)
        if sent:
            tasks = queue_length()
            pending = library.rows.pending().count()
            told.append(
                news.of_queue(tasks=tasks, worker_seen=worker_answers(tasks), pending=pending)
            )
        return told

    def tell_news(self, request: HttpRequest, told: Iterable[news.News]) -> None:
        """Tell it at the head of the next page."""
        for level, text in told:
            self.message_user(request, text, level)

    def answer_button(
        self, request: HttpRequest, object_id: str, told: Iterable[news.News], *, status: int = 200
    ) -> HttpResponse:
        """Tell it on the picture's page; in JSON, with that status, to a script that asks so."""
        if "application/json" in request.headers.get("Accept", ""):
            messages = [{"level": DEFAULT_TAGS[level], "text": text} for level, text in told]
            return JsonResponse({"messages": messages}, status=status)
        self.tell_news(request, told)
        return HttpResponseRedirect(self.address("change", object_id))
