"""A virtual environment for each host's requirements, kept from run to run, and our wheel in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parents[2]
_EXTRAS = "api,redis,binary"
# What is built into the wheel.
_SOURCES = ("artsimilarity", "pyproject.toml", "README.md", "LICENSE")


class NoSuchPython(Exception):
    """This machine has no interpreter of the version that a host asks for."""


class Unavailable(Exception):
    """The requirements of a host cannot be installed here; pip's own words."""


def environment(requirements: str, version: str) -> Path:
    """Make, or find, an environment with a host's requirements and our wheel of this moment.

    There is no torch in it: whatever embeds there uses the quick encoder, which needs numpy.

    Args:
        requirements: Lines of a requirements file.
        version: Of Python, as "3.13".

    Returns:
        Its ``python``.

    Raises:
        NoSuchPython: there is no such interpreter.
        Unavailable: pip does not find a requirement, or two contradict each other.
    """
    wheel = build_wheel()
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*ours["dependencies"], *sorted(ours["optional-dependencies"].items())]
    key = hashlib.sha256(repr((requirements, declared, _EXTRAS)).encode()).hexdigest()[:12]
    home = user_cache_path("artsimilarity-hosts") / f"python{version}-{key}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with _lock(home.with_suffix(".lock")):
        python = home / "bin" / "python"
        installed = home / "wheel.sha256"
        if not installed.exists():
            shutil.rmtree(home, ignore_errors=True)
            _run(_interpreter(version), "-m", "venv", str(home))
            listed = home / "requirements.txt"
            listed.write_text(f"{requirements}\nnumpy>=2\n")
            ours_too = f"django-artsimilarity[{_EXTRAS}] @ {wheel.as_uri()}"
            _run(str(python), "-m", "pip", "install", "-q", "-r", str(listed), ours_too)
        elif installed.read_text() != _digest(wheel):
            install = ("-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", str(wheel))
            _run(str(python), *install)
        installed.write_text(_digest(wheel))
    return python


@cache
def build_wheel() -> Path:
    """Build our wheel, once in a run, from a copy: what lay in a ``build`` folder is not in it."""
    folder = Path(tempfile.mkdtemp(prefix="artsimilarity-wheel-"))
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def versions(python: Path) -> dict[str, str]:
    """What is installed in an environment, for a report."""
    lines = _run(str(python), "-m", "pip", "list", "--format=freeze").splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


def _interpreter(version: str) -> str:
    """A command of that version; where pyenv chooses, it is told which."""
    name = f"python{version}"
    environ = {**os.environ, "PYENV_VERSION": version}
    try:
        done = subprocess.run(
            [name, "-c", "import sys; print(sys.executable)"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoSuchPython(f"no {name} on this machine") from error
    return done.stdout.strip()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
