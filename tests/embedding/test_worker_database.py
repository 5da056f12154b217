"""What a worker says of its database when it starts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.signals import celeryd_after_setup
from django.db import connections

from demo_site.library.models import Artwork

pytestmark = pytest.mark.django_db(transaction=True)


def start() -> None:
    """What Celery tells of a worker that starts."""
    worker = SimpleNamespace(
        app=SimpleNamespace(conf=SimpleNamespace()), max_concurrency=None, concurrency=1
    )
    celeryd_after_setup.send(sender="worker@host", instance=worker, conf=worker.app.conf)


def test_a_worker_with_the_sites_database_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    start()
    assert caplog.text == ""


def test_a_worker_with_another_kind_of_database_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    start()
    assert "cannot embed library.Artwork: its database 'default' is sqlite" in caplog.text
    assert "DATABASE_URL" in caplog.text


def test_a_worker_whose_database_lacks_the_pictures_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Artwork._meta, "db_table", "another_sites_pictures")
    start()
    assert "has no table 'another_sites_pictures': run 'manage.py migrate'" in caplog.text


def test_processes_to_come_inherit_no_connection() -> None:
    start()
    assert connections["default"].connection is None


def test_a_worker_starts_though_its_database_does_not_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections["default"].close()
    monkeypatch.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
    start()
    assert caplog.text == ""
