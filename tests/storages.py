"""A storage as object stores are: no local paths, and now and then it does not answer."""

from __future__ import annotations

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage


class ObjectStorage(Storage):
    """Keeps files in a dict; has no ``path()``."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if self.down:
            raise RuntimeError("503 Slow Down")
        return ContentFile(self.objects[name], name=name)

    def _save(self, name: str, content: File[bytes]) -> str:
        self.objects[name] = content.read()
        return name

    def exists(self, name: str) -> bool:
        return name in self.objects

    def delete(self, name: str) -> None:
        del self.objects[name]

    def size(self, name: str) -> int:
        return len(self.objects[name])
