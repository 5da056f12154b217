"""What an administrator sees of the embeddings, one by one and as a library."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.decorators import display
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_value
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
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

from artsimilarity.admin import news
from artsimilarity.admin.actions import ACTIONS, LibraryAction, available
from artsimilarity.admin.area import AreaCorrection, ShownArea
from artsimilarity.admin.base import LibraryAdmin
from artsimilarity.admin.duplicates import DuplicatesReport
from artsimilarity.admin.recall import recall_context
from artsimilarity.conf import get_settings
from artsimilarity.embedding.rollout import RolloutError
from artsimilarity.library import Library, patience, recall_history, waiting
from artsimilarity.monitoring.status import LibraryStatus, as_dict, library_status
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import stored_vector
from artsimilarity.search.request import PageRequest, Search

_NEIGHBOURS = 8
# A primary key is no longer; Python refuses to read numbers of thousands of digits.
_LONGEST_KEY = 200
# For so long the first page shows the same number of failures.
_COUNTED_SECONDS = 60


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
    named = get_settings().named_recipes
    return list(dict.fromkeys(recipe.fingerprint for recipe in named))


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
        if admin_site.index_template is None:  # a host's own may have {% library_notices %}
            admin_site.index_template = "admin/artsimilarity/index.html"
        if self.actions is not None:  # None is how a host does without actions
            self.actions = [*self.actions, "reembed", "retry_failed"]

    # The list

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The host's columns, then the embedding's."""
        summary: Any = "embedding_summary"
        if self.library.has_companion:  # whose column cannot be named on the class

            @display(description=_("embedding"), ordering=self.library.lookup("embedding_status"))
            def embedding_summary(picture: Model) -> str:  # style sheets know the column by it
                return self.embedding_summary(picture)

            summary = embedding_summary
        return [*super().get_list_display(request), summary]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The host's filters, then the embedding's."""
        status = self.library.lookup("embedding_status")
        return [*super().get_list_filter(request), status, RecipeFilter]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list's rows, with those of a companion in one query more; exports do without."""
        changelist = super().get_changelist_instance(request)
        self.library.load_rows(list(changelist.result_list))
        return changelist

    @admin.display(description=_("embedding"), ordering="embedding_status")
    def embedding_summary(self, picture: Model) -> str:
        """Status, and when or why."""
        row = self.row_of(picture)
        if row.embedding_status == EmbeddingStatus.READY and row.embedded_at:
            detail = display_for_value(row.embedded_at, "")
            if row.embedding_damaged:
                detail = _("%(when)s; the end of the file is missing") % {"when": detail}
        else:
            detail = row.embedding_reason
        label = EmbeddingStatus(row.embedding_status).label
        return format_html("<strong>{}</strong><br>{}", label, detail)

    @admin.action(description=_("Embed selected pictures again"), permissions=["change"])
    def reembed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send the selected pictures to the workers, ready or not."""
        self.tell_news(request, self.send_to_workers(queryset))

    @admin.action(description=_("Retry those of the selected that failed"), permissions=["change"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send those of the selected pictures to the workers that failed."""
        failed = {self.library.lookup("embedding_status"): EmbeddingStatus.FAILED}
        self.tell_news(request, self.send_to_workers(queryset.filter(**failed)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The list, with a button to the library page for those who may change pictures."""
        if not self._is_sound(request):
            # As Django itself answers to a filter that it cannot make sense of.
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")  # type: ignore[return-value]
        allowed = self.has_library_permission(request)
        context = {"artsimilarity_library_url": self.address("library") if allowed else None}
        return super().changelist_view(request, {**context, **(extra_context or {})})  # type: ignore[return-value]

    def _is_sound(self, request: HttpRequest) -> bool:
        """Whether Postgres can be asked for what was filtered by, and for the rows ticked.

        Django asks without looking: a NUL, or a key that is none, would be a server error.
        """
        texts = (text for name, many in request.GET.lists() for text in (name, *many))
        if any("\0" in text for text in texts):
            return False
        key = self.model._meta.pk
        try:
            for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
                if "\0" in text or len(text) > _LONGEST_KEY:
                    return False
                key.to_python(text)
        except (ValidationError, ValueError):
            return False
        return True

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
            allowed = self.has_change_permission(request, obj)
            row = self.row_of(obj)
            with patience.page():
                area = AreaCorrection(self).shown(obj, row, allowed=allowed)
                panel = self._render_panel(request, obj, row, area, allowed)
            context["artsimilarity_panel"] = panel
            if allowed:
                context["artsimilarity_reembed_url"] = self.address("reembed", str(obj.pk))
                if area:
                    context["artsimilarity_area"] = area
                    context["artsimilarity_area_url"] = self.address("area", str(obj.pk))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def reembed_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send one picture to the workers; POST only. Told in JSON to a script that asks so."""
        picture = self.picture_to_change(request, object_id)
        sent = self.send_to_workers(self.get_queryset(request).filter(pk=picture.pk))
        return self.answer_button(request, object_id, sent)

    # The first page

    def library_notices(self, request: HttpRequest) -> list[dict[str, str]]:
        """Return what the admin's first page says of this library: what failed, waits, is missed.

        Counted at most once a minute: it may mean reading every row.
        """
        if not self.has_library_permission(request):
            return []
        key = f"artsimilarity.failed.{self.library.label}"
        failed = cache.get_or_set(key, self.library.rows.failed().count, _COUNTED_SECONDS) or 0
        notices = [
            {"text": problem, "url": self.address("library")}
            for problem in (
                *waiting.problems_of(self.library),
                *recall_history.problems_of(self.library),
            )
        ]
        if failed:
            text = ngettext(
                "%(count)d picture of “%(name)s” could not be embedded.",
                "%(count)d pictures of “%(name)s” could not be embedded.",
                failed,
            )
            values = {"count": failed, "name": self.opts.verbose_name_plural}
            notices.append({"text": text % values, "url": self._failed_address()})
        return notices

    def _failed_address(self) -> str:
        status = self.library.lookup("embedding_status")
        return f"{self.address('changelist')}?{status}__exact={EmbeddingStatus.FAILED}"

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
            *AreaCorrection(self).urls(),
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
                self._perform(request, chosen, status)
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

    def _perform(self, request: HttpRequest, action: LibraryAction, status: LibraryStatus) -> None:
        try:
            taken = action.perform(self.library)
        except RolloutError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        if taken:
            tasks = None if status.queue_length is None else status.queue_length + 1
            told = news.of_queue(
                tasks=tasks, worker_seen=status.worker_seen, pending=status.pending
            )
        else:
            told = news.of_broker()
        self.tell_news(request, [told])

    def _library_status(self, request: HttpRequest) -> LibraryStatus:
        if not self.has_library_permission(request):
            raise PermissionDenied
        return library_status(self.library)

    def _status_context(self, status: LibraryStatus) -> dict[str, Any]:
        pictures = status.total - status.without_picture
        # Whatever is served is no gap in the bar, also if it is about to be embedded anew.
        unserved = min(status.pending, max(0, pictures - status.failed - status.served))
        left = unserved + (status.rollout.left if status.rollout else 0)
        todo = pictures * (2 if status.rollout else 1)
        return {
            "status": status,
            "pictures": pictures,
            "anew": status.pending - unserved,
            "failed_url": self._failed_address(),
            "done": max(todo - left, 0),
            "todo": todo,
            "percent": 100 * max(todo - left, 0) // todo if todo else 100,
            "duration": duration_in_words(status.seconds_left),
            "recall": recall_context(status.recall),
            "errors": [(error, self.address("change", error.pk)) for error in status.errors],
            "actions": [
                (action, self.address("library_action", action.name))
                for action in available(status)
            ],
        }

    def _render_panel(
        self,
        request: HttpRequest,
        picture: Model,
        row: EmbeddingColumns,
        area: ShownArea | None,
        allowed: bool,
    ) -> str:
        rows = self.without_vectors(self.get_queryset(request))
        page = PageRequest(limit=_NEIGHBOURS, style=get_settings().STYLE, why=True)
        query = stored_vector(Library.searched(rows), picture)
        found = find_page(Search(pictures=rows, query=query, page=page))
        context = {
            "picture": picture,
            "row": row,
            "status_label": EmbeddingStatus(row.embedding_status).label,
            "neighbours": [(one, self.address("change", str(one.pk))) for one in found],
            "allowed": allowed,
            "area": area,
        }
        return render_to_string("admin/artsimilarity/picture_panel.html", context, request)


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
