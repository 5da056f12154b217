"""Python in README and docs/: it is Python, and what it takes from the package is there."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from tests.documents import Block, blocks

BLOCKS = list(blocks("python"))
_PATH = re.compile(r"artsimilarity(?:\.\w+)+")


def test_there_are_examples() -> None:
    assert len(BLOCKS) > 20


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_an_example_is_python(block: Block) -> None:
    compile(block.code, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_what_an_example_takes_from_the_package_is_there(block: Block) -> None:
    for node in ast.walk(ast.parse(block.code)):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.startswith(
                "artsimilarity"
            ):
                for alias in names:
                    assert _exists(f"{module}.{alias.name}"), f"{module}.{alias.name}"
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.startswith("artsimilarity"):
                        importlib.import_module(alias.name)
            case ast.Constant(value=str(text)) if _PATH.fullmatch(text):
                assert _exists(text), text


def _exists(path: str) -> bool:
    """Whether a dotted path names a module, or something in one."""
    module, _, name = path.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    if hasattr(found, name):
        return True
    try:
        importlib.import_module(path)
    except ModuleNotFoundError:
        return False
    return True
