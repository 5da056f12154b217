"""Whether a library's map still shows what its pictures are like: what the status says of it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from artsimilarity.library.library import Library
from artsimilarity.schema.tables import PictureMap

# A map is crowded once anybody may see so many times the pictures that it was laid out from.
_GROWN = 1.5


def problems_of(library: Library) -> list[str]:
    """Say why the map should be made anew, and how; nothing if it need not be, or there is none."""
    known = PictureMap.objects.using(library.using)
    made = known.filter(model_label=library.label, made_at__isnull=False).first()
    if made is None:
        return []
    serving = library.recipes().serving.fingerprint
    if made.fingerprint != serving:
        text = _(
            "The map was laid out by what the recipe %(old)s says, and %(new)s is served by now. "
            "Make it anew: manage.py make_map --send."
        )
        return [text % {"old": made.fingerprint, "new": serving}]
    pictures = library.visible(None).using(library.using).count()
    if pictures > _GROWN * made.pictures:
        text = _(
            "The map was laid out from %(then)d pictures, and there are %(now)d by now, so that "
            "it grows crowded. Make it anew: manage.py make_map --send."
        )
        return [text % {"then": made.pictures, "now": pictures}]
    return []
