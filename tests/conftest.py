"""Real servers for the tests: started once for many runs, and only if a test asks for them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import translation
from kombu import pools
from pytest_django import Settings

from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.search import graphs, plan
from artsimilarity.testing import use_quick_encoder
from demo_site import servers as embedded
from demo_site.celery import app as celery_app
from demo_site.library.models import Artwork
from tests import servers
from tests.broker import Broker, RefusingBroker, SilentBroker
from tests.clusters import Cluster, at
from tests.migrated_database import MigratedDatabase, schema_fingerprint
from tests.servers import Seat
from tests.settings import ARTSIMILARITY

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def seat() -> Iterator[Seat]:
    """This process's databases on the tests' own servers, which outlive the run."""
    with servers.of_this_environment().seat() as seat:
        yield seat


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running on a machine of a CI service."""
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        servers.of_this_environment().stop(unless_used=True)


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A Postgres with pgvector: our own, or the one in ``DATABASE_URL``."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    seat: Seat = request.getfixturevalue("seat")
    return seat.postgres_url


@pytest.fixture(scope="session")
def migrated_database(
    postgres_url: str, django_db_use_migrations: bool, django_db_keepdb: bool
) -> MigratedDatabase | None:
    """On our own server, the database to copy; None where a run makes or keeps its own."""
    if "DATABASE_URL" in os.environ or django_db_keepdb or not django_db_use_migrations:
        return None
    facts = repr((django_settings.INSTALLED_APPS, django_settings.ARTSIMILARITY))
    return MigratedDatabase(postgres_url, schema_fingerprint(facts))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    postgres_url: str,
    migrated_database: MigratedDatabase | None,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Point Django at the server before pytest-django creates the test database on it."""
    database = django_settings.DATABASES["default"]
    database.update(dj_database_url.parse(postgres_url))
    if "DATABASE_URL" in os.environ:
        return
    seat: Seat = request.getfixturevalue("seat")
    test = database.setdefault("TEST", {})
    test["NAME"] = seat.database
    if migrated_database:
        migrated_database.lock()
        migrated_database.drop(seat.database)  # left by a run that was killed
        if migrated_database.exists():
            test["TEMPLATE"] = migrated_database.name


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, migrated_database: MigratedDatabase | None, django_db_blocker: Any
) -> None:
    """After pytest-django has migrated a database, keep a copy for the runs to come."""
    if not migrated_database:
        return
    if not migrated_database.exists():
        with django_db_blocker.unblock():
            connection.close()  # Postgres copies only what nobody is connected to
        migrated_database.keep(connection.settings_dict["NAME"])
    migrated_database.unlock()


@pytest.fixture
def postgres_of_its_own(transactional_db: None) -> Iterator[None]:
    """An empty library on a server that nobody else uses, for tests that restart it.

    Not below pytest's own folder: another run closes that to the user that Postgres runs as when
    root starts it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="artsimilarity-postgres-") as folder,
        embedded.postgres(Path(folder) / "data") as url,
        at("default", Cluster.at(url)),
    ):
        call_command("migrate", verbosity=0)
        yield


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """Every test writes its pictures to a folder of its own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def nothing_remembered_of_tables() -> None:
    """Each test has other rows in the same tables, and is over within seconds."""
    plan._totals.cache_clear()
    graphs._known.cache_clear()


@pytest.fixture(autouse=True)
def language_of_the_site() -> Iterator[None]:
    """A request leaves its language to its thread, which is the tests' own."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def given_broker_url() -> str | None:
    """``CELERY_BROKER_URL``, taken out of the environment, where Celery would heed nothing else."""
    return os.environ.pop("CELERY_BROKER_URL", None)


@pytest.fixture(scope="session")
def broker_url(request: pytest.FixtureRequest, given_broker_url: str | None) -> str:
    """A Valkey: our own, or the one in ``CELERY_BROKER_URL``.

    Of either, each process of ``pytest -n`` takes a database of its own.
    """
    if given_broker_url:
        parts = urlsplit(given_broker_url)
        process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        database = int(parts.path.strip("/") or 0) + process
        return parts._replace(path=f"/{database}").geturl()
    seat: Seat = request.getfixturevalue("seat")
    return seat.valkey_url


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
def silent_broker() -> Iterator[SilentBroker]:
    """A broker that accepts connections and does not answer, reached with the demo's options."""
    old = celery_app.conf.broker_url
    broker = SilentBroker()
    connect(broker.url)
    yield broker
    broker.close()
    connect(old)


@pytest.fixture
def index_restored(transactional_db: None) -> Iterator[None]:
    """The index of the default recipe is there again after a test that rolls out another."""
    yield
    with override_settings(ARTSIMILARITY=ARTSIMILARITY):
        for index in VectorIndex.serving(Library.of(Artwork)).with_others():
            if not index.is_built():
                index.build()


@pytest.fixture
def no_worker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that ask whether a worker is there give up at once, in tests that start none."""
    monkeypatch.setattr("artsimilarity.monitoring.workers._PING_SECONDS", 0.05)


@pytest.fixture
def quick_encoder(settings: Settings) -> Iterator[None]:
    """Embeds without a network, for tests that are not about the encoder."""
    with use_quick_encoder():
        yield


def connect(url: str) -> None:
    """Point the app at another broker and forget the connections to the last one."""
    celery_app.conf.broker_url = url
    pools.reset()
    celery_app._pool = None
    celery_app.amqp._producer_pool = None
