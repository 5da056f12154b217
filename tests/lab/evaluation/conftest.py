from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.lab.evaluation import drawn


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn library, see ``drawn.save_library``."""
    return drawn.save_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def framed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures, each in a frame that is wider than itself."""
    out = tmp_path_factory.mktemp("scans") / "framed"
    for path in folder.rglob("*.png"):
        target = out / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        ImageOps.expand(Image.open(path), 40, drawn.FRAME).save(target)
    return out
