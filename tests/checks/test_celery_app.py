"""The check of the host's Celery app."""

from __future__ import annotations

import pytest
from celery import Celery
from django.core.checks import run_checks

from artsimilarity.checks import celery_app, check_celery_app


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """What Celery makes up where the project has no app, or does not import it."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    app = Celery("default", fixups=[], set_as_current=False)
    monkeypatch.setattr(celery_app, "current_app", app)
    return app


def test_a_project_without_a_celery_app_is_told_what_to_write(made_up: Celery) -> None:
    (message,) = [one for one in run_checks() if one.id == "artsimilarity.W017"]
    assert "CELERY_BROKER_URL is not read" in message.msg
    assert "__init__.py" in str(message.hint)


def test_a_project_with_an_app_of_its_own_is_told_nothing() -> None:
    assert check_celery_app(None) == []


def test_celery_that_is_told_of_its_broker_in_another_way_is_told_nothing(
    made_up: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker:6379/0")
    assert check_celery_app(None) == []


def test_tasks_that_run_at_once_need_no_broker(made_up: Celery) -> None:
    made_up.conf.task_always_eager = True
    assert check_celery_app(None) == []
