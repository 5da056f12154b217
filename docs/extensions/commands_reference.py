"""``{command} name``: what a management command does and takes, read from its own parser."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class Command(Directive):
    """The command's help, and a list of its own arguments."""

    required_arguments = 1
    option_spec = {"app": str}

    def run(self) -> list[nodes.Node]:
        """What its parser knows, without what every command of Django's takes."""
        name = self.arguments[0]
        app = self.options.get("app", "artsimilarity")
        command = load_command_class(app, name)
        common = {one.dest for one in _actions(BaseCommand().create_parser("manage.py", name))}
        own = [
            one
            for one in _actions(command.create_parser("manage.py", name))
            if one.dest not in common
        ]
        found: list[nodes.Node] = [nodes.paragraph(text=str(command.help))]
        if own:
            listed = nodes.definition_list()
            for action in own:
                term = nodes.term("", "", nodes.literal(text=_spelling(action)))
                said = nodes.definition("", nodes.paragraph(text=_meaning(action)))
                listed += nodes.definition_list_item("", term, said)
            found.append(listed)
        return found


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions


def _spelling(action: argparse.Action) -> str:
    taken = action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"{taken} …" if action.nargs in ("*", "+") else str(taken)
    value = "" if action.nargs == 0 else f" {taken}"
    return ", ".join(action.option_strings) + value


def _meaning(action: argparse.Action) -> str:
    said = str(action.help or "")
    said = said[:1].upper() + said[1:]
    if action.choices:
        said += f" One of: {', '.join(map(str, action.choices))}."
    if action.option_strings and action.default not in (None, False, argparse.SUPPRESS):
        said = said.replace("%(default)s", str(action.default))
        if str(action.default) not in said:
            said += f" (default: {action.default})"
    return said.replace("%%", "%")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("command", Command)
    return {"parallel_read_safe": True}
