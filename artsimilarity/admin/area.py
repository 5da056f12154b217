"""The picture's own area on its admin page: outlined, and corrected by numbers or by mouse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from artsimilarity.admin.base import LibraryAdmin
from artsimilarity.admin.news import News
from artsimilarity.encoder.pictures.crop import MOST_DEGREES, WHOLE, Area
from artsimilarity.library.thumbnails import Thumbnail, thumbnail_of
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import EmbeddingStatus

FORM_ID = "artsimilarity-area"

_EDGES = ("left", "top", "right", "bottom")

# Where nobody knows a picture's proportions, its outline is drawn in these and stretched over it.
_UNKNOWN_SIZE = (100, 100)


class AreaForm(forms.Form):
    """Four edges in per cent and an angle in degrees; ``area`` is what they make."""

    left = forms.FloatField(label=gettext_lazy("Left, %"), min_value=0, max_value=100)
    top = forms.FloatField(label=gettext_lazy("Top, %"), min_value=0, max_value=100)
    right = forms.FloatField(label=gettext_lazy("Right, %"), min_value=0, max_value=100)
    bottom = forms.FloatField(label=gettext_lazy("Bottom, %"), min_value=0, max_value=100)
    angle = forms.FloatField(
        label=gettext_lazy("Turned, °"), min_value=-MOST_DEGREES, max_value=MOST_DEGREES
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, auto_id=f"{FORM_ID}-%s", label_suffix="")
        for field in self.fields.values():
            # Outside of its form, which cannot stand within the one that the host's page is.
            field.widget.attrs |= {"form": FORM_ID, "step": "0.1"}

    @classmethod
    def showing(cls, area: Area) -> AreaForm:
        """Return the form with an area's numbers, to a tenth."""
        edges = {name: f"{100 * getattr(area, name):.1f}" for name in _EDGES}
        return cls(initial={**edges, "angle": f"{round(area.angle, 1) + 0.0:.1f}"})

    def clean(self) -> dict[str, Any]:
        """Make an area of the numbers."""
        given = super().clean() or {}
        if self.errors:
            return given
        left, top, right, bottom = (given[name] / 100 for name in _EDGES)
        try:
            given["area"] = Area(left, top, right, bottom, given["angle"])
        except ValueError:
            words = _("The left edge lies before the right one, and the upper above the lower.")
            raise ValidationError(words) from None
        return given


@dataclass(frozen=True)
class ShownArea:
    """What the panel shows of an area.

    Attributes:
        words: where it is, and how that is known.
        thumbnail: of the whole picture; None if there is none.
        size: width and height in which it is outlined; only their proportion matters.
        corners: of the area in that size, as SVG has points.
        form: to correct it; None for those who may not.
        image: name of the file that is shown, and ``digest`` its sha256 if it is known.
    """

    words: str
    thumbnail: Thumbnail | None
    size: tuple[int, int]
    corners: str
    form: AreaForm | None
    image: str
    digest: str


class AreaCorrection:
    """Outline and correction of the area, for one ``ModelAdmin``."""

    def __init__(self, model_admin: LibraryAdmin) -> None:
        self.admin = model_admin

    def urls(self) -> list[URLPattern]:
        """The address that corrections are posted to."""
        options = self.admin.opts
        view = self.admin.admin_site.admin_view(self.correct_view)
        name = f"{options.app_label}_{options.model_name}_area"
        return [path("<path:object_id>/area/", view, name=name)]

    def shown(self, picture: Model, row: EmbeddingColumns, *, allowed: bool) -> ShownArea | None:
        """Return what to show of a picture; None where no recipe in force looks for areas.

        Args:
            picture: whose page it is.
            row: with its embedding.
            allowed: whether who looks may correct it.
        """
        library = self.admin.library
        file = getattr(picture, library.image_field)
        if not file or not any(recipe.finds_area for recipe in library.recipes().all):
            return None
        area = row.embedding_area_by_hand or row.embedding_area or WHOLE
        thumbnail = thumbnail_of(picture)
        size = _UNKNOWN_SIZE
        if thumbnail and thumbnail.width and thumbnail.height:
            size = thumbnail.width, thumbnail.height
        return ShownArea(
            words=self._words(row, area),
            thumbnail=thumbnail,
            size=size,
            corners=" ".join(f"{x:.1f},{y:.1f}" for x, y in corners(area, *size)),
            form=AreaForm.showing(area) if allowed else None,
            image=file.name,
            digest=row.embedding_digest,
        )

    def _words(self, row: EmbeddingColumns, area: Area) -> str:
        if row.embedding_area_by_hand is not None:
            source = _("given by hand")
        elif row.embedding_status != EmbeddingStatus.READY:
            return _("not looked for yet")
        elif row.embedding_area is not None:
            source = _("found")
        elif self.admin.library.finds_area:
            source = _("no margin was found")
        else:
            source = _("it is not looked for in this library")
        return _("%(where)s (%(source)s)") % {"where": in_words(area), "source": source}

    def correct_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take an area by hand, or forget it, and embed the picture again; POST only."""
        picture = self.admin.picture_to_change(request, object_id)
        wanted, faults = _wanted(request)
        if faults:
            return self.admin.answer_button(request, object_id, faults, status=400)
        if not self._write(request, picture, wanted):
            words = _("The picture was replaced meanwhile. Load its page again, and look at it.")
            told = [(messages.ERROR, words)]
            return self.admin.answer_button(request, object_id, told, status=409)
        changed = [{"changed": {"fields": ["area of the picture within its scan"]}}]
        self.admin.log_change(request, picture, changed)
        told = [(messages.SUCCESS, str(_NEWS[request.POST["area"]]))]
        told += self.admin.send_to_workers(self.admin.get_queryset(request).filter(pk=picture.pk))
        return self.admin.answer_button(request, object_id, told)

    def _write(self, request: HttpRequest, picture: Model, area: Area | None) -> bool:
        """Write the area if the picture still holds the file that was looked at."""
        library = self.admin.library
        library.add_rows([picture.pk])
        rows = library.rows.filter(pk=picture.pk)
        columns = (library.holder.similarity_image_lookup(), "embedding_digest")
        with transaction.atomic(using=library.using):
            rows.reset_replaced()
            found = rows.select_for_update(of=("self",)).values_list(*columns).first()
            image, digest = request.POST.get("image"), request.POST.get("digest")
            if found is None or found[0] != image or (digest and digest != found[1]):
                return False
            return bool(rows.update(embedding_area_by_hand=area))


_NEWS = {
    "given": gettext_lazy("The area is kept, until the picture is replaced."),
    "whole": gettext_lazy("The whole picture is used, until it is replaced."),
    "found": gettext_lazy(
        "The area is looked for again. Load the page anew to see what was found."
    ),
}


def _wanted(request: HttpRequest) -> tuple[Area | None, list[News]]:
    """Return the area that was asked for, None to have it found, and what is wrong with it."""
    which = request.POST.get("area")
    if which == "whole":
        return WHOLE, []
    if which == "found":
        return None, []
    form = AreaForm(request.POST)
    if which == "given" and form.is_valid():
        area: Area = form.cleaned_data["area"]
        return area, []
    faults = [
        f"{form.fields[name].label}: {text}" if name in form.fields else str(text)
        for name, texts in form.errors.items()
        for text in texts
    ]
    return None, [(messages.ERROR, text) for text in faults or [_("Choose one of the buttons.")]]


def in_words(area: Area) -> str:
    """Say where an area lies, in per cent of the scan's width and height."""
    if area == WHOLE:
        return _("the whole picture")
    edges = {name: _tenth(100 * getattr(area, name)) for name in _EDGES}
    words = _("%(left)s to %(right)s %% from the left, %(top)s to %(bottom)s %% from the top") % {
        **edges
    }
    if round(area.angle, 1):
        turned = _("%(edges)s, turned by %(angle)s°")
        words = turned % {"edges": words, "angle": _tenth(area.angle)}
    return words


def _tenth(value: float) -> str:
    """Return a number in the reader's language; Django alone would cut it off and not round it."""
    return number_format(round(value, 1), 1)


def corners(area: Area, width: float, height: float) -> list[tuple[float, float]]:
    """Return an area's corners on a scan of that size, clockwise from the upper left."""
    angle = math.radians(area.angle)
    cosine, sine = math.cos(angle), math.sin(angle)
    places = []
    for across, down in (
        *((area.left, area.top), (area.right, area.top)),
        *((area.right, area.bottom), (area.left, area.bottom)),
    ):
        x, y = (across - 0.5) * width, (down - 0.5) * height
        places.append((width / 2 + cosine * x - sine * y, height / 2 + sine * x + cosine * y))
    return places
