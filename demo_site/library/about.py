"""What a picture's page says of itself: to search engines, and to whoever shares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from artsimilarity.library.thumbnails import Thumbnail
from demo_site.library.models import Artwork
from demo_site.library.pictures import largest_address

# With these no text can end the script element that it stands in.
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class About:
    """Facts for OpenGraph, and for schema.org.

    Attributes:
        title: with the artist.
        description: one line.
        address: of the page, without what a visitor has chosen on it.
        preview: address of a small version of the picture; "" if there is none.
        site: name of the site.
        json: a ``VisualArtwork`` as JSON-LD, safe within a script element.
    """

    title: str
    description: str
    address: str
    preview: str
    site: str
    json: SafeString

    @classmethod
    def of(cls, artwork: Artwork, thumbnail: Thumbnail | None, request: HttpRequest) -> Self:
        """Return what is known of a picture and its thumbnail; what is not is left out."""
        address = request.build_absolute_uri(artwork.get_absolute_url())
        preview = request.build_absolute_uri(largest_address(thumbnail)) if thumbnail else ""
        facts = (artwork.maker_and_year, artwork.technique, artwork.credit)
        return cls(
            title=", ".join(filter(None, (artwork.title, artwork.artist))),
            description=". ".join(filter(None, facts)) or artwork.title,
            address=address,
            preview=preview,
            site=_("The Print Room"),
            json=_as_script(_visual_artwork(artwork, request, address, preview)),
        )


def _visual_artwork(
    artwork: Artwork, request: HttpRequest, address: str, preview: str
) -> dict[str, Any]:
    image = {
        "@type": "ImageObject",
        "contentUrl": request.build_absolute_uri(artwork.image.url) if artwork.image else "",
        "thumbnailUrl": preview,
        "width": artwork.width,
        "height": artwork.height,
        "creditText": artwork.credit,
        "license": artwork.licence,
    }
    creator = {"@type": "Person", "name": artwork.artist} if artwork.artist else None
    facts = {
        "@context": "https://schema.org",
        "@type": "VisualArtwork",
        "name": artwork.title,
        "url": address,
        "creator": creator,
        "dateCreated": artwork.year,
        "artMedium": artwork.technique,
        "image": {name: value for name, value in image.items() if value},
    }
    return {name: value for name, value in facts.items() if value}


def _as_script(facts: dict[str, Any]) -> SafeString:
    text = json.dumps(facts, ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(text)  # noqa: S308 -- escaped just now
