"""The admin's report of near-duplicates, and the button that says that two pictures are none."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from artsimilarity.admin.base import LibraryAdmin
from artsimilarity.duplicates.pairs import groups_of, keys_of, recorded
from artsimilarity.schema.states import DuplicateState
from artsimilarity.schema.tables import DuplicatePair

logger = logging.getLogger(__name__)

_GROUPS_ON_A_PAGE = 20
# A group may hold every blank page of a library.
_PAIRS_SHOWN = 30
_OTHER_STATE = {
    DuplicateState.FOUND: DuplicateState.DISMISSED,
    DuplicateState.DISMISSED: DuplicateState.FOUND,
}


@dataclass(frozen=True)
class _Picture:
    """A picture as the report shows it."""

    row: Any
    url: str
    size: str


@dataclass
class _Group:
    """Pictures that seem to be scans of one print, and what binds them together."""

    pictures: list[_Picture] = field(default_factory=list)
    pairs: list[tuple[DuplicatePair, _Picture, _Picture]] = field(default_factory=list)
    left_out: int = 0
    ids: str = ""


class DuplicatesReport:
    """The report's two addresses, for one ``ModelAdmin``.

    It shows pairs of which the administrator may see both pictures (``get_queryset()``), and needs
    the permission to change pictures.
    """

    def __init__(self, model_admin: LibraryAdmin) -> None:
        self.admin = model_admin

    def urls(self) -> list[URLPattern]:
        """Addresses, to stand before those that take anything for an action."""
        wrap = self.admin.admin_site.admin_view
        name = f"{self.admin.opts.app_label}_{self.admin.opts.model_name}_duplicates"
        return [
            path("library/duplicates/", wrap(self.report_view), name=name),
            path("library/duplicates/judge/", wrap(self.judge_view), name=f"{name}_judge"),
        ]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """List the groups; with ``?state=dismissed`` those that were said to be none."""
        self._require_permission(request)
        state = _state_of(request.GET.get("state"))
        pairs = self._visible_pairs(request, state)
        page = Paginator(groups_of(pairs), _GROUPS_ON_A_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin.page_context(request),
            "title": _("Near-duplicates"),
            "library_url": self.admin.address("library")
            if self.admin.has_library_permission(request)
            else None,
            "judge_url": self.admin.address("duplicates_judge"),
            "state": state,
            "dismissed": state == DuplicateState.DISMISSED,
            "page": page,
            "groups": self._as_shown(request, list(page.object_list)),
        }
        return TemplateResponse(request, "admin/artsimilarity/duplicates.html", context)

    def judge_view(self, request: HttpRequest) -> HttpResponse:
        """Say of some pairs that they are no duplicates, or take that back; POST only."""
        self._require_permission(request)
        if request.method != "POST":
            raise PermissionDenied
        state = _state_of(request.POST.get("state"))
        ids = {int(one) for one in request.POST.get("pairs", "").split(",") if one.isdecimal()}
        rows = self._recorded(state).filter(pk__in=ids)
        pairs = self._visible(request, rows)
        if not self._may_change(request, pairs):
            raise PermissionDenied
        judged = rows.filter(pk__in=[pair.pk for pair in pairs]).update(state=_OTHER_STATE[state])
        if state == DuplicateState.FOUND:
            words = ngettext(
                "%(count)d pair is remembered as no duplicates.",
                "%(count)d pairs are remembered as no duplicates.",
                judged,
            )
        else:
            words = ngettext(
                "%(count)d pair counts as duplicates again.",
                "%(count)d pairs count as duplicates again.",
                judged,
            )
        self.admin.message_user(request, words % {"count": judged})
        query = urlencode({"state": state.value, "page": request.POST.get("page", "1")})
        return HttpResponseRedirect(f"{self.admin.address('duplicates')}?{query}")

    def _require_permission(self, request: HttpRequest) -> None:
        if not self.admin.has_change_permission(request):
            raise PermissionDenied

    def _may_change(self, request: HttpRequest, pairs: Sequence[DuplicatePair]) -> bool:
        rows = self._rows(request, pairs).values()
        return all(self.admin.has_change_permission(request, row) for row in rows)

    def _recorded(self, state: DuplicateState) -> Any:
        return recorded(self.admin.library, state)

    def _visible_pairs(self, request: HttpRequest, state: DuplicateState) -> list[DuplicatePair]:
        return self._visible(request, self._recorded(state))

    def _visible(self, request: HttpRequest, rows: Iterable[DuplicatePair]) -> list[DuplicatePair]:
        """Those that still count and whose pictures this administrator may see."""
        pairs = list(rows)
        seen = self.admin.library.rows_of(self.admin.get_queryset(request))
        digests = seen.digests(keys_of(pairs))
        return [pair for pair in pairs if pair.holds(digests)]

    def _rows(self, request: HttpRequest, pairs: Iterable[DuplicatePair]) -> dict[str, Any]:
        rows = self.admin.get_queryset(request).filter(pk__in=keys_of(pairs))
        return {str(row.pk): row for row in self.admin.without_vectors(rows)}

    def _as_shown(
        self, request: HttpRequest, groups: Sequence[Sequence[DuplicatePair]]
    ) -> list[_Group]:
        rows = self._rows(request, [pair for group in groups for pair in group[:_PAIRS_SHOWN]])
        shown: dict[str, _Picture] = {}
        for key, row in rows.items():
            shown[key] = _Picture(
                row,
                self.admin.address("change", key),
                _size_of(row, self.admin.library.image_field),
            )
        result = []
        for pairs in groups:
            group = _Group(
                left_out=max(0, len(pairs) - _PAIRS_SHOWN),
                ids=",".join(str(pair.pk) for pair in pairs),
            )
            for pair in pairs[:_PAIRS_SHOWN]:
                if pair.first in shown and pair.second in shown:  # or it went away just now
                    first, second = shown[pair.first], shown[pair.second]
                    group.pairs.append((pair, first, second))
                    group.pictures += [one for one in (first, second) if one not in group.pictures]
            result.append(group)
        return [group for group in result if group.pairs]


def _state_of(text: str | None) -> DuplicateState:
    return DuplicateState.DISMISSED if text == DuplicateState.DISMISSED else DuplicateState.FOUND


def _size_of(row: Any, image_field: str) -> str:
    """Return pixels and bytes of a picture's file, as far as its storage gives them."""
    image = getattr(row, image_field)
    try:
        size = str(filesizeformat(image.size))
        return f"{image.width} × {image.height}, {size}" if hasattr(image, "width") else size
    except Exception:  # every storage backend has errors of its own, and Pillow has others
        logger.info("The size of %s is not known.", image, exc_info=True)
        return ""
