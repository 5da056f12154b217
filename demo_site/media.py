"""Hands out pictures and thumbnails, and says how long browsers may keep them."""

from __future__ import annotations

import mimetypes
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils._os import safe_join
from django.views.decorators.http import condition, require_safe

from demo_site.library import tiles
from demo_site.library.pictures import Thumbnails

mimetypes.add_type("image/webp", ".webp")  # unknown to Python before 3.13

# Private: a picture that is taken down must not live on in caches that visitors share.
_HOUR = "private, max-age=3600"
_FOR_GOOD = "private, max-age=31536000, immutable"


def _path(path: str) -> Path:
    """Where a file lies.

    Raises:
        Http404: there is none, or it has a name that no file of this system can have.
        django.core.exceptions.SuspiciousFileOperation: it lies outside.
    """
    try:
        found = Path(safe_join(settings.MEDIA_ROOT, path))
        if found.is_file():
            return found
    except (OSError, ValueError) as error:
        raise Http404 from error
    raise Http404


def _etag(request: HttpRequest, path: str) -> str:
    """Changes whenever the file is written, also twice within a second."""
    stat = _path(path).stat()
    return f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'


def _last_modified(request: HttpRequest, path: str) -> datetime:
    return datetime.fromtimestamp(_path(path).stat().st_mtime, UTC)


@require_safe
@condition(_etag, _last_modified)
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Hand out a file. For this demo only: a real site leaves it to its web server or storage,
    because Django would hold a thread of the site for as long as each download takes."""
    response = FileResponse(_path(path).open("rb"))
    # Their names follow from the picture's content: another picture has others.
    is_kept = path.startswith((f"{Thumbnails.folder}/", f"{tiles.FOLDER}/"))
    response["Cache-Control"] = _FOR_GOOD if is_kept else _HOUR
    return response
