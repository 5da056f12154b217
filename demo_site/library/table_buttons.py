"""What the buttons of the light table do, under a picture on any page and on the table itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from demo_site.library.light_table import MOST, WEIGHTS, LightTable, read_key
from demo_site.library.models import Artwork

TABLE_BUTTONS = ("like", "unlike", "remove", *WEIGHTS)
"""Names of the buttons that change the table; their value is a picture's primary key."""


@dataclass(frozen=True)
class Pressed:
    """What came of a button.

    Attributes:
        artwork: the picture that it belongs to.
        words: what has changed, or why nothing has.
        is_done: False if the table is full.
    """

    artwork: Artwork
    words: str
    is_done: bool = True


def press_table_button(request: HttpRequest) -> Pressed:
    """Do what the button of a picture asks for.

    Raises:
        Http404: no such picture is there for the visitor.
    """
    button = next((name for name in TABLE_BUTTONS if name in request.POST), None)
    pk = read_key(request.POST[button]) if button else None
    if button is None or pk is None:
        raise Http404
    artwork = get_object_or_404(Artwork.similarity_queryset(request), pk=pk)
    table = LightTable(request)
    if button == "remove":
        table.remove(artwork)
        return Pressed(artwork, _("“%(title)s” is off the light table.") % {"title": artwork.title})
    is_new = artwork.pk not in table.pks
    if button in WEIGHTS:
        mark = table.put(artwork, counts=button)
    else:
        mark = table.put(artwork, liked=button == "like")
    if mark is None:
        text = _("The light table holds %(most)d pictures. Take one off to add another.")
        return Pressed(artwork, text % {"most": MOST}, is_done=False)
    if is_new:
        text = _("“%(title)s” is on the light table: %(count)d of %(most)d pictures.")
        return Pressed(artwork, text % {"title": artwork.title, "count": table.count, "most": MOST})
    text = _("“%(title)s”: %(mark)s.")
    return Pressed(artwork, text % {"title": artwork.title, "mark": mark.words})
