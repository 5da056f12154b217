"""Real servers for the tests: started once a run, and only if a test asks for them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import pytest
from django.conf import settings as django_settings
from kombu import pools
from pytest_django import Settings

from demo_site import servers
from demo_site.celery import app as celery_app
from tests.broker import Broker, RefusingBroker

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres with pgvector: embedded, or the one in ``DATABASE_URL``.

    Not below pytest's own folder: another run closes that to the user that Postgres runs as when
    root starts it.
    """
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="artsimilarity-postgres-") as folder,
        servers.postgres(Path(folder) / "data") as url,
    ):
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    postgres_url: str, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Point Django at the server before pytest-django creates the test database on it."""
    django_settings.DATABASES["default"].update(dj_database_url.parse(postgres_url))


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """Every test writes its pictures to a folder of its own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture(scope="session", autouse=True)
def given_broker_url() -> str | None:
    """``CELERY_BROKER_URL``, taken out of the environment, where Celery would heed nothing else."""
    return os.environ.pop("CELERY_BROKER_URL", None)


@pytest.fixture(scope="session")
def broker_url(
    tmp_path_factory: pytest.TempPathFactory, given_broker_url: str | None
) -> Iterator[str]:
    """A Valkey: embedded, or the one in ``CELERY_BROKER_URL``.

    Of the latter, each process of ``pytest -n`` takes a database of its own.
    """
    if given_broker_url:
        parts = urlsplit(given_broker_url)
        process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        database = int(parts.path.strip("/") or 0) + process
        yield parts._replace(path=f"/{database}").geturl()
        return
    with servers.valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    """The workers' queue, empty, with the demo's Celery app connected to it."""
    old = celery_app.conf.broker_url
    connect(broker_url)
    broker = Broker(broker_url)
    broker.clear()
    yield broker
    broker.clear()
    broker.close()
    connect(old)


@pytest.fixture
def dead_broker() -> Iterator[None]:
    """The demo's Celery app connected to a port where nobody listens."""
    old = celery_app.conf.broker_url
    connect("redis://127.0.0.1:1/0")
    yield
    connect(old)


@pytest.fixture
def refusing_broker() -> Iterator[RefusingBroker]:
    """A broker that hangs up, reached with the options that Celery has by default."""
    conf = celery_app.conf
    old = conf.broker_url, conf.broker_transport_options
    conf.broker_transport_options = {}
    broker = RefusingBroker()
    connect(broker.url)
    yield broker
    broker.close()
    conf.broker_transport_options = old[1]
    connect(old[0])


@pytest.fixture
def no_worker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that ask whether a worker is there give up at once, in tests that start none."""
    monkeypatch.setattr("artsimilarity.monitoring.workers._PING_SECONDS", 0.05)


@pytest.fixture
def quick_encoder(settings: Settings) -> None:
    """Embeds without a network, for tests that are not about the encoder."""
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "ENCODER": "tests.fakes.QuickEncoder"}


def connect(url: str) -> None:
    """Point the app at another broker and forget the connections to the last one."""
    celery_app.conf.broker_url = url
    pools.reset()
    celery_app._pool = None
    celery_app.amqp._producer_pool = None
