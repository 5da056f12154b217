"""Whatever is imported is declared in pyproject.toml, and nothing else is."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"artsimilarity", "demo_site", "tests"}


# Adapters to packages that a host has for reasons of its own; none of ours to bring.
_HOSTS_OWN = {"easy_thumbnails", "imagekit", "sorl"}


def _declared(*extras: str) -> set[str]:
    """Distributions that the package with these extras names, those of extras of ours included."""
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    names = set()
    for line in lines:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            names |= _declared(*requirement.extras)
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def _imported(files: Iterable[Path]) -> dict[str, str]:
    """Top-level modules of others that files import, at the top or not, each with a place."""
    found = {}
    for path in files:
        for line, name in _names(ast.parse(path.read_text())):
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names | OURS:
                found[top] = f"{path.relative_to(ROOT)}:{line}"
    return found


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.Call(
                func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield node.lineno, name


def _distributions(modules: Iterable[str]) -> set[str]:
    known = _known_distributions()
    return {canonicalize_name(known[module][0]) for module in modules if module in known}


@cache
def _known_distributions() -> Mapping[str, list[str]]:
    return packages_distributions()  # reads every installed file's name, which takes seconds


def _undeclared(files: Iterable[Path], declared: set[str]) -> dict[str, str]:
    """Imported modules that no declared distribution holds, each with a place."""
    return {
        module: place
        for module, place in _imported(files).items()
        if not _distributions([module]) & declared
    }


def _lab() -> set[Path]:
    return set((ROOT / "artsimilarity/lab").rglob("*.py"))


def _app() -> set[Path]:
    return set((ROOT / "artsimilarity").rglob("*.py")) - _lab()


def test_the_app_imports_only_what_it_and_its_extras_declare() -> None:
    undeclared = _undeclared(_app(), _declared("heic", "map", "metrics", "openapi", "worker"))
    assert undeclared.keys() == _HOSTS_OWN


def test_the_lab_imports_only_what_its_extra_declares() -> None:
    assert _undeclared(_lab(), _declared("lab")) == {}


def test_the_demo_and_the_tests_import_only_what_their_extras_declare() -> None:
    assert _undeclared((ROOT / "demo_site").rglob("*.py"), _declared("demo")) == {}
    hosts = {"host_project", "projects"}  # which import what they install themselves
    tests = (
        path
        for path in (ROOT / "tests").rglob("*.py")
        if hosts.isdisjoint(path.relative_to(ROOT).parts)
    )
    assert _undeclared(tests, _declared("test")) == {}


def test_what_every_host_installs_is_imported_outside_the_lab() -> None:
    assert _declared() <= _distributions(_imported(_app()))


@pytest.mark.parametrize("extra", ["api", "map", "metrics", "openapi", "worker"])
def test_what_an_extra_of_the_app_brings_is_imported(extra: str) -> None:
    assert _declared(extra) <= _distributions(_imported(_app()))


def test_an_undeclared_import_is_noticed_wherever_it_stands() -> None:
    tree = ast.parse(
        "import a.b\ndef f():\n    from c import d\n    importlib.import_module('e.f')\n"
        "from . import g\n"
    )
    assert [name for _line, name in _names(tree)] == ["a.b", "c", "e.f"]
