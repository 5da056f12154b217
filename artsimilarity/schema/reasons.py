"""What a row says of a picture that could not be embedded.

The column ``embedding_error`` holds a code and its values, as JSON; they are put into words of the
reader's language when they are shown. A row that an earlier release wrote holds the words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from artsimilarity.encoder.pictures.reasons import TEXTS, Reason, Value

WORKER_STOPPED: Final = "worker-stopped"
FILE_MISSING: Final = "file-missing"
STORAGE_FAILED: Final = "storage-failed"
NO_MEMORY_TO_DECODE: Final = "no-memory-to-decode"
NOT_DECODED: Final = "not-decoded"
ENCODER_FAILED: Final = "encoder-failed"
UNFORESEEN: Final = "unforeseen"
NO_MEMORY: Final = "no-memory"

# What goes wrong with a worker. What is wrong with a file, the encoder says (``TEXTS``).
_WORDS: Final[Mapping[str, Any]] = {
    WORKER_STOPPED: ngettext_lazy(
        "The worker stopped once while it embedded this picture, perhaps for lack of memory. "
        "Replace the picture with a smaller one, or give the worker more memory and re-embed it.",
        "The worker stopped %(count)d times while it embedded this picture, perhaps for lack of "
        "memory. Replace the picture with a smaller one, or give the worker more memory and "
        "re-embed it.",
        "count",
    ),
    FILE_MISSING: _("The file “%(name)s” is missing from the storage. Upload the picture again."),
    STORAGE_FAILED: _("The storage could not read “%(name)s”: %(error)s"),
    NO_MEMORY_TO_DECODE: _(
        "There was not enough memory to decode the picture. Give the worker more, or replace the "
        "picture with a smaller one."
    ),
    NOT_DECODED: _("The picture could not be decoded: %(error)s"),
    ENCODER_FAILED: _("The encoder failed: %(error)s"),
    UNFORESEEN: _("Something unforeseen went wrong: %(error)s"),
    NO_MEMORY: _("not enough memory. Give the worker more, or lower BATCH_SIZE."),
}


def stored(reason: Reason) -> str:
    """Return what a row keeps of a reason; of one without a code that is known, its words."""
    if not _is_known(reason):
        return str(reason)
    return json.dumps(reason.plain(), ensure_ascii=False)


def read(text: str) -> Reason | None:
    """Return the reason that a row keeps; None if it keeps words, or a code that is not known."""
    if not text.startswith("{"):
        return None
    try:
        reason = Reason.from_plain(json.loads(text))
    except ValueError:
        return None
    return reason if _is_known(reason) else None


def in_words(text: str) -> str:
    """Return what a row keeps in words of the active language, for an administrator.

    Names of files, and what storages, Pillow, libvips and torch say, stay as they are.
    """
    reason = read(text)
    if reason is None:
        return text
    try:
        return _say(reason)
    except (KeyError, TypeError, ValueError):  # another release gives this code other values
        return text


def _is_known(reason: Reason) -> bool:
    return reason.code in _WORDS or reason.code in TEXTS


def _say(reason: Reason) -> str:
    values = {name: _say_value(name, value) for name, value in reason.values.items()}
    if reason.code in _WORDS:
        return str(_WORDS[reason.code] % values)
    return gettext(TEXTS[reason.code]) % values if reason.code in TEXTS else reason.code


def _say_value(name: str, value: Value) -> Any:
    if isinstance(value, Reason):
        return _say(value)
    if isinstance(value, str) or name == "count":  # which chooses the plural
        return value
    return number_format(value, use_l10n=True, force_grouping=True)
