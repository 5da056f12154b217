"""Which Chromium is driven."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any


def find_chromium(driver: Any) -> str | None:
    """The program named by ``CHROMIUM_PATH``, else the system's, else Playwright's own, if any."""
    if named := os.environ.get("CHROMIUM_PATH"):
        return named
    for program in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(program):
            return found
    own = str(driver.chromium.executable_path)
    return own if Path(own).exists() else None
