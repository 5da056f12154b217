"""The project's chores: ``nox -s tests``, and ``nox --list`` for the others.

They run in the environment that nox itself runs in, which has torch already; what follows ``--``
goes to the tool: ``nox -s tests -- tests/search/test_cursor.py -x``.
"""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests", "lint", "types", "imports"]


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, two at a time unless told which."""
    session.run("python", "-m", "pytest", *(session.posargs or ("-n", "2")))


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests marked slow, one at a time: most keep all cores busy."""
    session.run("python", "-m", "pytest", "-m", "slow", *session.posargs)


@nox.session
def hosts(session: nox.Session) -> None:
    """Install the wheel into other sites, each in an environment of its own, and use them."""
    options = session.posargs or ("-n", "2")
    session.run("python", "-m", "pytest", "-m", "hosts", "tests/hosts", *options)


@nox.session
def lint(session: nox.Session) -> None:
    """Look for mistakes and for lines that are not formatted."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Check which rooms import which: the contracts in pyproject.toml."""
    session.run("lint-imports", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, in docs/_build, and stop at any warning."""
    session.run("sphinx-build", "-n", "-W", "--keep-going", "docs", "docs/_build", *session.posargs)


@nox.session
def messages(session: nox.Session) -> None:
    """Bring every catalogue up to date with the code, and compile it; needs GNU gettext."""
    options = ("--all", "--no-wrap", "--add-location", "file", "--no-obsolete")
    for package in ("artsimilarity", "demo_site"):
        with session.chdir(package):
            session.run("python", "-m", "django", "makemessages", *options)
            session.run("python", "-m", "django", "compilemessages")


@nox.session
def package(session: nox.Session) -> None:
    """Build the source distribution and the wheel into dist/, as a package index takes them."""
    session.run("python", "-m", "build")
    session.run("python", "-m", "twine", "check", "--strict", "dist/*")


@nox.session
def stop(session: nox.Session) -> None:
    """Stop the tests' servers of this checkout and remove their data."""
    session.run("python", "-m", "tests.servers", "stop", "--all")
