"""A pooler that cannot be had says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from demo_site import pooler
from demo_site.servers import ServerError

URL = "postgresql://somebody@127.0.0.1/library"


def test_says_what_to_install_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "find_pgbouncer", lambda: None)
    with (
        pytest.raises(ServerError, match="apt-get install pgbouncer"),
        pooler.pgbouncer(tmp_path / "pooler", URL, connections=2),
    ):
        pass


def test_names_its_log_where_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "find_pgbouncer", lambda: shutil.which("false"))
    with (
        pytest.raises(ServerError, match=str(tmp_path / "pooler" / "log")),
        pooler.pgbouncer(tmp_path / "pooler", URL, connections=2),
    ):
        pass
