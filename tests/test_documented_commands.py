"""Every command of README and docs/ as it is written: run, or read by the parser that it is for.

A command that is neither, nor named here with a reason, fails. What takes long, or does not end by
itself, is read only; its own tests run it.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from celery.bin.worker import worker
from django.core.management import call_command, get_commands, load_command_class
from packaging.requirements import Requirement
from pip._internal.commands import create_command

from artsimilarity.conf import Settings
from tests.documents import ROOT, Command, commands
from tests.pictures import make_artwork, make_embedded
from tests.test_packaging import PROJECT

_EXTRAS = set(PROJECT["optional-dependencies"])

# Commands of manage.py that are run here, on a tiny library.
RUN = {
    "build_similarity_index",
    "calibrate_scores",
    "check",
    "embed_artworks",
    "find_duplicates",
    "make_map",
    "make_thumbnails",
    "makemigrations",
    "migrate",
}
# Those that are read by their own parser only, and why.
READ = {
    "benchmark_pages": "loads the machine for a minute",
    "benchmark_search": "fills a table with 100,000 rows",
    "demo": "runs until it is stopped; tests/demo/test_demo_command.py",
    "fetch_weights": "downloads half a gigabyte; tests/management/test_fetch_weights.py",
    "fit_whitening": "needs hundreds of pictures; tests/management/test_fit_whitening.py",
    "help": "prints what Django knows",
    "make_tiles": "waits for a worker; tests/demo/test_tiles.py",
    "startapp": "makes a folder in the reader's own project",
    "measure_recall": "needs 500 pictures; tests/search/test_recall.py",
}
# Whole lines that are read only although their commands are run.
READ_AS_A_WHOLE = {
    "embed_artworks": "waits for a worker; tests/management/test_embed_artworks.py",
    "embed_artworks --pending": "waits for a worker; tests/management/test_embed_artworks.py",
    "embed_artworks --verify": "waits for a worker; tests/embedding/test_sweep.py",
    "embed_artworks --model photologue.Photo": "a model of the reader's own",
    "embed_artworks --rollout": "needs a second recipe; tests/integration/test_rollout.py",
    "embed_artworks --promote": "needs a second recipe; tests/integration/test_rollout.py",
}
# Modules with a parser that is read; and those without one, which have to be there.
MODULES = {
    "artsimilarity.lab.encoding_speed": "measures for minutes",
    "artsimilarity.lab.evaluation": "needs hundreds of pictures",
    "artsimilarity.lab.training": "trains for hours",
    "tests.encoder.compare_readers": "measures for minutes",
    "tests.encoder.hostile": "measures for minutes",
    "tests.hostile_clients": "measures a running demo for minutes",
    "tests.page_speed": "measures a running demo",
    "tests.servers": "would stop the servers of this very run; tests/test_servers.py",
    "tests.worker_memory": "measures for hours",
}
# What belongs to another tool, and why nobody runs it here.
OTHERS = {
    ".": "enters a virtual environment",
    "createdb": "Postgres' own",
    "export": "a setting of the reader's shell",
    "pg_dump": "Postgres' own; tests/integration/test_moved_library.py moves a library",
    "pg_restore": "Postgres' own; tests/integration/test_moved_library.py moves a library",
    "psql": "Postgres' own",
    "python -m docs.images.draw_neighbours": "encodes 144 pictures",
    "python -m pytest": "the tests themselves",
    "python -m venv": "Python's own; .ci/run does the same",
    "sphinx-build": ".ci/run does the same",
}

# All of the tutorial is executed in a folder of its own; tests/hosts/test_tutorial.py.
COMMANDS = commands(but="docs/tutorial.md")


def _named(*programs: str) -> list[Command]:
    return [one for one in COMMANDS if str(one).startswith(programs)]


def _managed() -> list[tuple[str, ...]]:
    """The words behind ``manage.py``."""
    found = {}
    for one in COMMANDS:
        words = one.words[1:] if one.words[0] == "python" else one.words
        if words[0] == "manage.py":
            found[words[1:]] = None
    return list(found)


def _is_run(words: tuple[str, ...]) -> bool:
    return words[0] in RUN and " ".join(words) not in READ_AS_A_WHOLE


def _has_a_way(command: Command) -> bool:
    """Whether it is known what is done with a command here."""
    text = str(command)
    match command.words:
        case ("python", "manage.py", name, *_) | ("manage.py", name, *_):
            return name in RUN | READ.keys()
        case ("python", "-m", "pip", *_) | ("pip", *_) | ("celery", *_) | ("nox", *_):
            return True
        case ("python", "-m", module, *_) if module in MODULES:
            return True
    return text.startswith(tuple(OTHERS))


def test_every_command_is_run_or_read_or_named_with_a_reason() -> None:
    assert [f"{one.place}: {one}" for one in COMMANDS if not _has_a_way(one)] == []


def test_commands_are_found_in_blocks_and_sentences() -> None:
    texts = {str(one) for one in COMMANDS}
    assert "python manage.py demo" in texts  # in a block of README's
    assert "python manage.py embed_artworks --status" in texts  # in a sentence
    assert any(text.startswith("python -m artsimilarity.lab.training") for text in texts)


def test_no_reason_is_left_of_a_command_that_nobody_documents() -> None:
    names = {words[0] for words in _managed()}
    assert names == RUN | READ.keys()
    assert READ_AS_A_WHOLE.keys() <= {" ".join(words) for words in _managed()}
    assert {one.words[2] for one in _named("python -m artsimilarity", "python -m tests")} == set(
        MODULES
    )


@pytest.mark.parametrize("words", _managed(), ids=" ".join)
def test_a_command_of_django_knows_its_options(words: tuple[str, ...]) -> None:
    name, *options = words
    if name == "help":
        name, options = options[0], []
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    parser.parse_args(options)  # SystemExit, which fails, where an option is wrong


@pytest.mark.usefixtures("broker", "quick_encoder", "no_worker_is_waited_for")
@pytest.mark.parametrize("words", [words for words in _managed() if _is_run(words)], ids=" ".join)
def test_a_command_of_django_runs(
    transactional_db: None,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(4):
        make_embedded(f"embedded {number}", [1, 0.1 * number])
    make_artwork("waiting")
    name, *options = words
    call_command(name, *options)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", _named("python -m artsimilarity.lab"), ids=lambda one: one.place
)
def test_a_command_of_the_lab_knows_its_options(command: Command) -> None:
    _python, _m, module, *options = command.words
    parser: Callable[[], argparse.ArgumentParser]
    parser = importlib.import_module(f"{module}.__main__")._parser
    if command.is_whole:
        parser().parse_args(options)
    known = parser()._option_string_actions
    assert {word for word in options if word.startswith("--")} <= known.keys()


@pytest.mark.parametrize("command", _named("python -m tests"), ids=str)
def test_a_module_of_the_tests_is_there(command: Command) -> None:
    path = Path(ROOT, *command.words[2].split("."))
    assert path.with_suffix(".py").exists()


@pytest.mark.parametrize("command", _named("python -m pip", "pip"), ids=str)
def test_pip_knows_its_options_and_the_package_its_extras(command: Command) -> None:
    words = list(command.words)
    name, *options = words[words.index("pip") + 1 :]
    _options, given = create_command(name).parse_args(options)
    for text in [*given, *getattr(_options, "editables", [])]:
        ours = re.fullmatch(
            r"(?:.*/checkout|\.|django-artsimilarity)\[([\w,]+)\](?: @ file://.*)?", text
        )
        if ours:
            assert set(ours[1].split(",")) <= _EXTRAS
        elif "/" not in text:
            Requirement(text)


@pytest.mark.parametrize("command", _named("celery"), ids=str)
def test_celery_knows_its_options_and_the_worker_serves_our_queues(command: Command) -> None:
    _celery, _a, _project, name, *options = command.words
    assert name == "worker"
    given = worker.make_context(name, options, resilient_parsing=True).params
    ours = Settings()
    assert set(given["queues"]) <= {ours.QUEUE, ours.SEARCH_QUEUE}


@pytest.mark.parametrize("command", _named("nox"), ids=str)
def test_nox_has_the_session(command: Command) -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert command.words[2] in sessions


@pytest.mark.parametrize("command", _named("python -m pytest"), ids=str)
def test_pytest_is_given_files_and_markers_that_there_are(command: Command) -> None:
    markers = re.findall(r'^    "(\w+): ', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    words = command.words
    assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
    marked = [word for before, word in pairwise(words[3:]) if before == "-m"]
    assert set(marked) <= set(markers)
