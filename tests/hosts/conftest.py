"""Hosts set up one after another, each once for all of its tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hosts.environments import NoSuchPython, Wheel, environment
from tests.hosts.sites import PROJECTS, Site, empty_queue, new_databases

NewSite = Callable[..., AbstractContextManager[Site]]

_PYTHON = "3.13"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """Our wheel, of which one is enough for a run."""
    return Wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def new_site(
    postgres_url: str, broker_url: str, wheel: Wheel, tmp_path_factory: pytest.TempPathFactory
) -> NewSite:
    """Sets up a host as it was before it installs the app, with empty databases.

    Skips the test where this machine has no such Python.
    """

    @contextmanager
    def new_site(
        *layers: str,
        python: str = _PYTHON,
        requirements: tuple[str, ...] = (),
        databases: tuple[str, ...] = ("default",),
        sql: tuple[str, ...] = (),
        **settings: object,
    ) -> Iterator[Site]:
        listed = [PROJECTS / layer / "requirements.txt" for layer in layers]
        lines = [path.read_text() for path in listed if path.exists()]
        names = [f"host_{os.getpid()}_{alias}" for alias in databases]
        with ExitStack() as stack:
            try:
                its_python = stack.enter_context(
                    environment("\n".join([*lines, *requirements]), python, wheel)
                )
            except NoSuchPython as error:
                pytest.skip(str(error))
            empty_queue(broker_url)
            made = stack.enter_context(new_databases(postgres_url, *names, sql=sql))
            site = Site(
                layers=layers,
                folder=tmp_path_factory.mktemp(layers[-1]),
                python=its_python,
                databases=dict(zip(databases, made, strict=True)),
                broker_url=broker_url,
                settings=settings,
            )
            site.create_before()
            yield site

    return new_site


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Path:
    """A host has a folder of its own for pictures; that of our project's settings is not used."""
    return tmp_path
