from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.evaluation import drawn


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn library, see ``drawn.save_library``."""
    return drawn.save_library(tmp_path_factory.mktemp("library"))
