"""The site's secret key, made once and kept in a file that only its owner reads."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def read_or_make_secret_key(path: Path) -> str:
    """Return the key in ``path``; make one there first if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Linked into place when complete: of two processes that start at once, both read one key.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # made with mode 600
            file.write(get_random_secret_key())
            file.flush()
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()
