"""A virtual environment for each host's requirements, kept from run to run, and our wheel in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parents[2]
_EXTRAS = "api,redis,binary"
# What is built into the wheel.
_SOURCES = ("artsimilarity", "pyproject.toml", "setup.py", "README.md", "LICENSE")


class NoSuchPython(Exception):
    """This machine has no interpreter of the version that a host asks for."""


class Unavailable(Exception):
    """The requirements of a host cannot be installed here; pip's own words."""


@dataclass
class Wheel:
    """Our wheel of this moment, built in a folder when it is first needed.

    ``digest`` is of what it is built from: building twice makes two different files.
    """

    folder: Path

    @cached_property
    def path(self) -> Path:
        """The file, built from a copy: what lay in a ``build`` folder does not get in."""
        for name in _SOURCES:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, self.folder / name, ignore=ignored)
            else:
                shutil.copy(source, self.folder)
        where = str(self.folder)
        _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", where, where)
        (wheel,) = self.folder.glob("*.whl")
        return wheel

    @cached_property
    def digest(self) -> str:
        """sha256 of the sources' names and contents."""
        found = hashlib.sha256()
        for name in _SOURCES:
            source = ROOT / name
            for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
                if path.is_file() and "__pycache__" not in path.parts:
                    found.update(str(path.relative_to(ROOT)).encode())
                    found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()


@contextmanager
def environment(requirements: str, version: str, wheel: Wheel) -> Iterator[Path]:
    """Make, or find, an environment with a host's requirements and our wheel.

    As long as it is in use, nobody puts another wheel into it: runs of other checkouts wait. There
    is no torch in it: whatever embeds there uses the quick encoder, which needs numpy.

    Args:
        requirements: Lines of a requirements file.
        version: Of Python, as "3.13".
        wheel: Ours; an older one in the environment is replaced by it.

    Yields:
        Its ``python``.

    Raises:
        NoSuchPython: there is no such interpreter.
        Unavailable: pip does not find a requirement, or two contradict each other.
    """
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [ours["optional-dependencies"][extra] for extra in _EXTRAS.split(",")]
    declared = [ours["dependencies"], *extras]
    key = hashlib.sha256(repr((requirements, declared, _EXTRAS)).encode()).hexdigest()[:12]
    home = user_cache_path("artsimilarity-hosts") / f"python{version}-{key}"
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = home.with_suffix(".lock")
    while True:
        with _lock(lock, fcntl.LOCK_SH):
            if _holds(home, wheel):
                yield home / "bin" / "python"
                return
        with _lock(lock, fcntl.LOCK_EX):
            if not _holds(home, wheel):
                _install(home, requirements, version, wheel)


def _holds(home: Path, wheel: Wheel) -> bool:
    noted = home / "wheel.sha256"
    return noted.exists() and noted.read_text() == wheel.digest


def _install(home: Path, requirements: str, version: str, wheel: Wheel) -> None:
    """Put our wheel into an environment that is whole, else make it anew."""
    python, noted = str(home / "bin" / "python"), home / "wheel.sha256"
    if noted.exists():
        noted.unlink()  # an interrupted install leaves nothing that counts as whole
        _run(
            python, "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", str(wheel.path)
        )
    else:
        shutil.rmtree(home, ignore_errors=True)
        _run(_interpreter(version), "-m", "venv", str(home))
        listed = home / "requirements.txt"
        listed.write_text(f"{requirements}\nnumpy>=2\n")
        ours = f"django-artsimilarity[{_EXTRAS}] @ {wheel.path.as_uri()}"
        _run(python, "-m", "pip", "install", "-q", "-r", str(listed), ours)
    noted.write_text(wheel.digest)


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
    # What PYTHONPATH names would count as installed there.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def _lock(path: Path, kind: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield
