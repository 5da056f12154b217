"""The example of a host in containers, as far as it can be judged without an engine."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
import yaml
from celery.bin.worker import worker
from django.core.management import load_command_class
from packaging.requirements import Requirement
from pip._internal.commands import create_command

from artsimilarity.conf import Settings
from tests.hosts.environments import ROOT
from tests.test_packaging import PROJECT

EXAMPLE = ROOT / "examples" / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def _instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and their words; those of several lines joined."""
    lines = (EXAMPLE / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [(name, words) for name, _, words in (line.partition(" ") for line in text.split("\n"))]


def _stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage."""
    stages: dict[str, list[tuple[str, str]]] = {}
    for name, words in _instructions():
        if name == "FROM":
            instructions = stages[words.split(" AS ")[1]] = []
        elif name:
            instructions.append((name, words))
    return stages


def _command(stage: str) -> list[str]:
    """What a stage runs, without the program's name."""
    (words,) = (words for name, words in _stages()[stage] if name == "CMD")
    command: list[str] = json.loads(words)
    return command[1:]


def test_the_dockerfile_holds_only_instructions_that_there_are() -> None:
    known = {"", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"}
    assert {name for name, _words in _instructions()} <= known


def test_every_service_is_an_image_or_a_stage_of_the_dockerfile() -> None:
    for service in SERVICES.values():
        assert ("image" in service) != ("build" in service)
        if "build" in service:
            assert service["build"]["target"] in _stages()


def test_every_service_waits_for_one_that_can_become_what_is_waited_for() -> None:
    for service in SERVICES.values():
        for name, waited in service.get("depends_on", {}).items():
            if waited["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]
            else:
                assert SERVICES[name]["restart"] == "no"


def test_the_database_is_healthy_only_once_it_answers_by_tcp() -> None:
    program, *options = SERVICES["db"]["healthcheck"]["test"][1:]
    assert program == "pg_isready"
    assert "--host=127.0.0.1" in options


def test_every_volume_is_declared() -> None:
    named = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", [])}
    assert named == set(COMPOSE["volumes"])


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|DATABASE_URL", name):
                assert ":?" in value


def test_web_processes_and_workers_share_the_pictures() -> None:
    assert SERVICES["web"]["volumes"] == SERVICES["worker"]["volumes"]


def test_the_worker_serves_both_queues_with_options_that_celery_knows() -> None:
    words = _command("worker")
    assert words[:3] == ["-A", "yourproject", "worker"]
    given = worker.make_context("worker", words[3:], resilient_parsing=True).params
    defaults = Settings()
    assert given["queues"] == [defaults.QUEUE, defaults.SEARCH_QUEUE]
    assert given["concurrency"] == 1


def test_the_migration_runs_with_options_that_django_knows() -> None:
    program, script, name, *options = SERVICES["migrate"]["command"]
    assert (program, script) == ("python", "manage.py")
    load_command_class("django.core", name).create_parser(script, name).parse_args(options)


@pytest.mark.parametrize("stage", ["web", "worker"])
def test_pip_knows_its_options_and_the_package_its_extras(stage: str) -> None:
    (words,) = (words for name, words in _stages()[stage] if name == "RUN")
    assert words.startswith("python -m pip install ")
    _options, given = create_command("install").parse_args(shlex.split(words)[4:])
    (ours,) = (Requirement(one) for one in given)
    assert ours.name == PROJECT["name"]
    assert ours.extras <= set(PROJECT["optional-dependencies"])
    assert ("worker" in ours.extras) == (stage == "worker")
