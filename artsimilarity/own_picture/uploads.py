"""Takes a file that must never be stored: Django would write a larger one to a temporary file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from artsimilarity.conf import get_settings


def keep_in_memory(request: HttpRequest) -> None:
    """Keep this request's files in memory, and no more of them than a search reads.

    To be called before anything reads ``request.POST``; later it changes nothing.
    """
    if not hasattr(request, "_files"):
        request.upload_handlers = [_BoundedHandler(request)]


class _BoundedHandler(FileUploadHandler):
    """Keeps one byte past the limit, which tells that there were more; the rest goes unread."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._room = get_settings().SEARCH_MAX_BYTES + 1  # of all files of the request together
        self._file = BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._room -= self._file.write(raw_data[: self._room])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        size = self._file.tell()
        self._file.seek(0)
        return InMemoryUploadedFile(
            self._file,
            self.field_name,
            self.file_name or "",
            self.content_type,
            size,
            self.charset,
            self.content_type_extra,
        )
