from __future__ import annotations

from pathlib import Path

import pytest

from artsimilarity.lab.encoding_speed.__main__ import main


def test_too_few_pictures_are_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds 0 readable pictures" in capsys.readouterr().err
