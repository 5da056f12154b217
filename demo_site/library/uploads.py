"""What becomes of a picture that a visitor adds, as its page says it to that visitor alone."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.core import signing
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from artsimilarity.library.files import decoding_limits
from artsimilarity.schema import reasons
from artsimilarity.schema.states import EmbeddingStatus
from demo_site.library.light_table import read_key
from demo_site.library.models import Artwork

_SIGNER: Final = signing.Signer(salt="library.upload")
# Workers read a picture within seconds, unless others wait before it.
_USUAL = timedelta(minutes=2)
_OUR_FAULT = frozenset(
    {reasons.FILE_MISSING, reasons.STORAGE_FAILED, reasons.ENCODER_FAILED, reasons.UNFORESEEN}
)


class State(StrEnum):
    """How far it has come."""

    WAITING = "waiting"
    SHOWN = "shown"
    FAILED = "failed"
    TAKEN_DOWN = "taken down"
    GONE = "gone"


def address_for_uploader(artwork: Artwork) -> str:
    """Return the address that tells what becomes of a picture; nobody can guess another's."""
    return reverse("library:uploaded", args=[_SIGNER.sign(str(artwork.pk))])


def key_of(token: str) -> int | None:
    """Return the primary key in such an address; None if nobody was given it here."""
    try:
        return read_key(_SIGNER.unsign(token))
    except signing.BadSignature:
        return None


def state_of(artwork: Artwork | None) -> State:
    """Return how far a picture has come; None is one that was deleted."""
    if artwork is None:
        return State.GONE
    if not artwork.published:
        return State.TAKEN_DOWN
    if artwork.embedding_status == EmbeddingStatus.FAILED:
        return State.FAILED
    return State.SHOWN if artwork.embedded_at else State.WAITING


def takes_long(artwork: Artwork) -> bool:
    """Whether it has been waiting for longer than usual."""
    return timezone.now() - artwork.created > _USUAL


def why_failed(artwork: Artwork) -> str:
    """Return why a picture cannot be shown, and what to do, in words for whoever added it.

    The row's own reason is in an administrator's words, and may name files and settings.
    """
    reason = reasons.read(artwork.embedding_error)
    if reason and reason.code in _OUR_FAULT:
        return _("Something went wrong here, and not with your picture. Add it again in a while.")
    limits = decoding_limits()
    width, height = artwork.width or 0, artwork.height or 0
    if not width:
        return _("It is no picture that can be read here. Save it as a JPEG or PNG.")
    if min(width, height) < limits.min_side:
        text = _("It is too small: each side needs %(side)d pixels. Choose a larger copy.")
        return text % {"side": limits.min_side}
    if width * height > limits.max_pixels:
        text = _("It has more than %(count)d million pixels. Choose a smaller copy.")
        return text % {"count": limits.max_pixels // 10**6}
    return _(
        "The file is damaged or incomplete, or it takes too long to read. Open it in a program for "
        "pictures, save it anew as a JPEG, and add that."
    )
