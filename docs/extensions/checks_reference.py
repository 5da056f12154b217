"""``{checks}``: every system check by its id, with its message and hint, read from the code.

The messages are read, not triggered: what stands in braces there is shown as it is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import artsimilarity.checks

_FOLDER = Path(artsimilarity.checks.__file__).parent
_LEVELS = {"Error": 0, "Warning": 1, "Info": 2}
_LEVEL_OF = {level[0]: level for level in _LEVELS}


@dataclass(frozen=True)
class Check:
    """One check as the code says it."""

    level: str
    id: str
    message: str
    hints: tuple[str, ...]


def checks() -> list[Check]:
    """Every check of the package, errors first, then by number.

    Raises:
        ExtensionError: a check is written in a way that is not understood here.
    """
    texts = [path.read_text() for path in _FOLDER.glob("*.py")]
    found = [one for text in texts for one in _checks(ast.parse(text))]
    written = {one for text in texts for one in re.findall(r"\bartsimilarity\.[EWI]\d+", text)}
    if missing := written - {one.id for one in found}:
        raise ExtensionError(f"The page of checks lacks {', '.join(sorted(missing))}.")
    return sorted(found, key=lambda one: (_LEVELS[one.level], one.id))


def _checks(tree: ast.Module) -> Iterator[Check]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        assigned: dict[str, list[str]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                assigned.setdefault(node.targets[0].id, []).extend(_texts(node.value, {}))
        for node in ast.walk(function):
            match node:
                case ast.Call(func=called, args=[message, *_], keywords=words):
                    given = {word.arg: word.value for word in words}
                    if not isinstance(given.get("id"), ast.Constant):
                        continue
                    number = str(ast.literal_eval(given["id"]))
                    level = _LEVEL_OF[number.partition(".")[2][0]]
                    # A helper is handed what to ask; its caller's docstring says what that is.
                    is_message = isinstance(called, ast.Attribute) and called.attr == level
                    said = _texts(message, assigned) if is_message else [_first_line(function)]
                    hints = _texts(given["hint"], assigned) if "hint" in given else []
                    yield Check(level, number, " / ".join(said), tuple(hints))


def _texts(node: ast.expr, assigned: dict[str, list[str]]) -> list[str]:
    """The texts that an expression may be; of a name, all that it was given."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(_part(part) for part in parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            others = _texts(right, assigned) or [""]
            return [one + other for one in _texts(left, assigned) for other in others]
        case ast.BinOp(left=left, op=ast.Mod()):
            return _texts(left, assigned)
        case ast.IfExp(body=body, orelse=other):
            return [*_texts(body, assigned), *_texts(other, assigned)]
        case ast.Call(func=ast.Name(id="str"), args=[said]):
            return ["{" + ast.unparse(said) + "}"]
        case ast.Call(args=[text, *_]):
            return _texts(text, assigned)
        case ast.Name(id=name):
            return assigned.get(name, ["{" + name + "}"])
    return []


def _first_line(function: ast.FunctionDef) -> str:
    return (ast.get_docstring(function) or "").partition("\n")[0].replace("``", "")


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=value):
            name = ast.unparse(value).rpartition(".")[2].strip("()")
            return "{model}" if name == "__name__" else f"{{{name}}}"
    return ""


class Checks(Directive):
    """The checks as definition lists under their levels."""

    def run(self) -> list[nodes.Node]:
        """One section of the page for each level."""
        listed = nodes.definition_list()
        for check in checks():
            term = nodes.term("", "", nodes.literal(text=check.id))
            said = nodes.definition("", nodes.paragraph(text=f"{check.level}: {check.message}"))
            for hint in check.hints:
                said += nodes.paragraph("", "", nodes.emphasis(text="Hint: "), nodes.Text(hint))
            name = check.id.replace(".", "-").lower()
            listed += nodes.definition_list_item("", term, said, ids=[name])
        return [listed]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("checks", Checks)
    return {"parallel_read_safe": True}
