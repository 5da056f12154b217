"""What an administrator sees of the embeddings, one by one and as a library."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.decorators import display
from django.contrib.admin.utils import display_for_value, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from artsimilarity.admin.actions import ACTIONS, ENQUEUE_TASK, LibraryAction, available
from artsimilarity.admin.base import LibraryAdmin
from artsimilarity.admin.duplicates import DuplicatesReport
from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import publish
from artsimilarity.embedding.queue import enqueue
from artsimilarity.embedding.rollout import RolloutError
from artsimilarity.library import Library
from artsimilarity.monitoring.status import LibraryStatus, as_dict, library_status
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import stored_vector
from artsimilarity.search.request import PageRequest, Search

_NEIGHBOURS = 8
# As many selected pictures are sent while the administrator waits; more, by a worker.
_SENT_AT_ONCE = 1000


class RecipeFilter(admin.SimpleListFilter):
    """By the recipe of the vector that is served."""

    title = _("recipe")
    parameter_name = "embedding_recipe"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The recipes that the settings name, and all others: asking every row takes too long."""
        return [*((name, name) for name in _named_recipes()), ("other", _("another recipe"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen one."""
        lookup = Library.searched(queryset).lookup
        recipe = lookup("embedding_recipe")
        if self.value() == "other":
            served = queryset.filter(**{f"{lookup('embedding')}__isnull": False})
            return served.exclude(**{f"{recipe}__in": _named_recipes()})
        return queryset.filter(**{recipe: self.value()}) if self.value() else queryset


def _named_recipes() -> list[str]:
    settings = get_settings()
    recipes = (settings.recipe, settings.next_recipe)
    return list(dict.fromkeys(recipe.fingerprint for recipe in recipes if recipe))


class SimilarityAdminMixin(LibraryAdmin):
    """Shows every picture's embedding, embeds again, and has a page for the whole library.

    Put it before ``ModelAdmin``; it adds to ``list_display``, ``list_filter`` and ``actions``
    whatever the host declares. A host with a ``change_list_template`` or ``change_form_template``
    of its own lets them extend ``admin/artsimilarity/change_list.html`` and ``change_form.html``.
    """

    change_list_template = "admin/artsimilarity/change_list.html"
    change_form_template = "admin/artsimilarity/change_form.html"

    class Media:
        css = {"all": ["artsimilarity/admin.css"]}

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.actions is not None:  # None is how a host does without actions
            self.actions = [*self.actions, "reembed", "retry_failed"]

    # The list

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The host's columns, then the embedding's."""
        summary: Any = "embedding_summary"
        if self.library.has_companion:  # whose column cannot be named on the class
            summary = display(
                description=_("embedding"), ordering=self.library.lookup("embedding_status")
            )(lambda picture: self.embedding_summary(picture))
        return [*super().get_list_display(request), summary]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The host's filters, then the embedding's."""
        status = self.library.lookup("embedding_status")
        return [*super().get_list_filter(request), status, RecipeFilter]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The host's rows, with those of a companion in one query more."""
        pictures = super().get_queryset(request)
        row = self.library.row_accessor
        return pictures.prefetch_related(row) if row else pictures

    @admin.display(description=_("embedding"), ordering="embedding_status")
    def embedding_summary(self, picture: Model) -> str:
        """Status, and when or why."""
        row = self.row_of(picture)
        if row.embedding_status == EmbeddingStatus.READY and row.embedded_at:
            detail = display_for_value(row.embedded_at, "")
            if row.embedding_damaged:
                detail = _("%(when)s; the end of the file is missing") % {"when": detail}
        else:
            detail = row.embedding_error
        label = EmbeddingStatus(row.embedding_status).label
        return format_html("<strong>{}</strong><br>{}", label, detail)

    @admin.action(description=_("Embed selected pictures again"), permissions=["change"])
    def reembed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send the selected pictures to the workers, ready or not."""
        self._send(request, queryset)

    @admin.action(description=_("Retry those of the selected that failed"), permissions=["change"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send those of the selected pictures to the workers that failed."""
        failed = {self.library.lookup("embedding_status"): EmbeddingStatus.FAILED}
        self._send(request, queryset.filter(**failed))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The list, with a button to the library page for those who may change pictures."""
        allowed = self.has_library_permission(request)
        context = {"artsimilarity_library_url": self.address("library") if allowed else None}
        return super().changelist_view(request, {**context, **(extra_context or {})})  # type: ignore[return-value]

    # The page of one picture

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any | None = None,
    ) -> HttpResponse:
        """The host's form, and below it the picture's embedding and its neighbours."""
        if obj is not None:
            context["artsimilarity_panel"] = self._render_panel(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def reembed_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send one picture to the workers; POST only."""
        picture = self.get_object(request, unquote(object_id))
        if picture is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, picture):
            raise PermissionDenied
        self._send(request, self.get_queryset(request).filter(pk=picture.pk))
        return HttpResponseRedirect(self.address("change", object_id))

    # The library page

    def get_urls(self) -> list[URLPattern]:
        """The library page's addresses, before those that take anything for a primary key."""
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("library/", view(self.library_view), name=f"{name}_library"),
            path("library/status/", view(self.status_view), name=f"{name}_library_status"),
            *DuplicatesReport(self).urls(),
            path("library/<slug:action>/", view(self.action_view), name=f"{name}_library_action"),
            path("<path:object_id>/reembed/", view(self.reembed_view), name=f"{name}_reembed"),
            *super().get_urls(),
        ]

    def library_view(self, request: HttpRequest) -> HttpResponse:
        """How far the library is embedded, and what can be done about it."""
        context = {
            **self.page_context(request),
            **self._status_context(self._library_status(request)),
            "title": _("Embeddings of the library"),
            "status_url": self.address("library_status"),
            "duplicates_url": (self.address("duplicates") if self.library.finds_duplicates else ""),
        }
        return TemplateResponse(request, "admin/artsimilarity/library.html", context)

    def status_view(self, request: HttpRequest) -> JsonResponse:
        """The same figures for the page's script, which asks every two seconds."""
        status = self._library_status(request)
        panel = render_to_string(
            "admin/artsimilarity/status_panel.html", self._status_context(status), request
        )
        return JsonResponse({"status": as_dict(status), "panel": panel})

    def action_view(self, request: HttpRequest, action: str) -> HttpResponse:
        """Ask whether it is meant, on GET; do it, on POST."""
        status = self._library_status(request)
        chosen = ACTIONS.get(action)
        if chosen is None:
            raise Http404
        count = chosen.count(status)
        if request.method == "POST":
            if count or chosen.refuses:
                self._perform(request, chosen)
            else:
                self.message_user(
                    request, _("There is nothing for it to do now."), messages.WARNING
                )
            return HttpResponseRedirect(self.address("library"))
        seconds = count / status.rate if status.rate and chosen.works else None
        context = {
            **self.page_context(request),
            "title": chosen.label,
            "action": chosen,
            "count": count,
            "duration": duration_in_words(seconds),
            "library_url": self.address("library"),
        }
        return TemplateResponse(request, "admin/artsimilarity/confirm.html", context)

    def _perform(self, request: HttpRequest, action: LibraryAction) -> None:
        try:
            taken = action.perform(self.library)
        except RolloutError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        if taken:
            self.message_user(request, _("The workers have been told."), messages.SUCCESS)
        else:
            self.message_user(
                request,
                _("The broker does not answer. Start it (see CELERY_BROKER_URL) and try again."),
                messages.ERROR,
            )

    def _library_status(self, request: HttpRequest) -> LibraryStatus:
        if not self.has_library_permission(request):
            raise PermissionDenied
        return library_status(self.library)

    def _status_context(self, status: LibraryStatus) -> dict[str, Any]:
        left = status.pending + (status.rollout.left if status.rollout else 0)
        pictures = status.total - status.without_picture
        todo = pictures * (2 if status.rollout else 1)
        return {
            "status": status,
            "pictures": pictures,
            "done": max(todo - left, 0),
            "todo": todo,
            "percent": 100 * max(todo - left, 0) // todo if todo else 100,
            "duration": duration_in_words(status.seconds_left),
            "errors": [(error, self.address("change", error.pk)) for error in status.errors],
            "actions": [
                (action, self.address("library_action", action.name))
                for action in available(status)
            ],
        }

    def _render_panel(self, request: HttpRequest, picture: Model) -> str:
        rows, row = self.without_vectors(self.get_queryset(request)), self.row_of(picture)
        page = PageRequest(limit=_NEIGHBOURS, style=get_settings().STYLE, why=True)
        query = stored_vector(Library.searched(rows), picture)
        found = find_page(Search(pictures=rows, query=query, page=page))
        allowed = self.has_change_permission(request, picture)
        return render_to_string(
            "admin/artsimilarity/picture_panel.html",
            {
                "picture": picture,
                "row": row,
                "status_label": EmbeddingStatus(row.embedding_status).label,
                "neighbours": [(one, self.address("change", str(one.pk))) for one in found],
                "reembed_url": self.address("reembed", str(picture.pk)) if allowed else None,
            },
            request,
        )

    def _send(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
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
        message = ngettext(
            "%(count)d picture was sent to the workers.",
            "%(count)d pictures were sent to the workers.",
            sent,
        )
        if sent or not wanted:
            self.message_user(request, message % {"count": sent}, messages.SUCCESS)
        if sent < wanted:
            self.message_user(
                request,
                _(
                    "The broker does not answer. The pictures that it did not take wait until "
                    "“manage.py embed_artworks --pending” runs."
                ),
                messages.WARNING,
            )


def duration_in_words(seconds: float | None) -> str:
    """Return a length of time for people, "" if it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return str(_("less than a minute"))
    minutes = round(seconds / 60)
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
