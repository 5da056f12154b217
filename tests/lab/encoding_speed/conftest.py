from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, one of them a folder below, and two files that are none."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    (folder / "more").mkdir()
    for name in ("one.png", "two.jpg", "more/three.jpg"):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(folder / name)
    (folder / "readme.txt").write_text("no picture")
    (folder / "damaged.jpg").write_bytes((folder / "two.jpg").read_bytes()[:200])
    return folder
