"""What is uploaded to a package index: built, judged, installed and tried as a stranger gets it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hosts.environments import ROOT

pytestmark = pytest.mark.slow

# Files that a build adds to the source distribution.
_ADDED = re.compile(r"PKG-INFO|setup\.cfg|django_artsimilarity\.egg-info/.*")
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Distributions:
    """The two files of one build."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Both, built as ``python -m build`` does: the wheel from the source distribution."""
    copy, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in checkout():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--outdir", str(built), str(copy), at=built)
    (sdist,) = built.glob("*.tar.gz")
    (wheel,) = built.glob("*.whl")
    return Distributions(sdist, wheel)


@pytest.fixture(scope="module")
def unpacked(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the source distribution unpacks to."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(distributions.sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``python`` of a new environment with the wheel and what a web process needs."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    wanted = f"django-artsimilarity[binary] @ {distributions.wheel.as_uri()}"
    run(str(python), "-m", "pip", "install", "-q", wanted, at=home)
    return python


def checkout() -> list[str]:
    """Names of the project's files: those that git knows or would take, below the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("these are not built from a checkout")
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    names = run(*listed, at=ROOT).splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def run(*command: str, at: Path) -> str:
    """Run a command in a folder, in nobody's environment, and return what it printed."""
    ours = ("PYTHON", "VIRTUAL_ENV", "DJANGO_", "DEMO_", "PYTEST_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ["CI"] = "1"  # tests of the unpacked folder leave no servers behind
    done = subprocess.run(command, cwd=at, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_an_index_would_take_both_and_show_the_readme(distributions: Distributions) -> None:
    both = (str(distributions.sdist), str(distributions.wheel))
    run(sys.executable, "-m", "twine", "check", "--strict", *both, at=distributions.sdist.parent)


def test_the_source_distribution_holds_the_whole_checkout(unpacked: Path) -> None:
    packed = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert {name for name in packed if not _ADDED.fullmatch(name)} == set(checkout())


def test_the_wheel_holds_the_package_and_nothing_else(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name for name in checkout() if name.startswith("artsimilarity/")}


def test_both_licences_come_with_the_wheel(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        licences = [name for name in archive.namelist() if ".dist-info/licenses/" in name]
    assert sorted(Path(name).name for name in licences) == [
        "LICENSE",
        "LICENSE-efficientnet-lite.txt",
    ]


def test_the_installed_wheel_is_an_app_that_django_starts_without_torch(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "site_settings.py").write_text(
        "SECRET_KEY = 'for this test'\n"
        "INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth',\n"
        "    'django.contrib.postgres', 'django.contrib.staticfiles', 'artsimilarity']\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n"
        "STATIC_URL = '/static/'\n"
        "SILENCED_SYSTEM_CHECKS = ['artsimilarity.W017']\n"  # it embeds nothing
        "TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates',\n"
        "    'APP_DIRS': True}]\n"
    )
    seen = run(
        *(str(installed), "-c"),
        "import os, sys; sys.path.insert(0, '.')\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
        "import django; django.setup()\n"
        "from django.contrib.staticfiles import finders\n"
        "from django.core.management import call_command\n"
        "from django.template.loader import get_template\n"
        "call_command('check', fail_level='WARNING')\n"
        "get_template('artsimilarity/more_like_this.html')\n"
        "assert finders.find('artsimilarity/map.js')\n"
        "print(django.get_version(), 'torch' in sys.modules, 'numpy' in sys.modules)",
        at=tmp_path,
    )
    assert seen.splitlines()[-1].split()[1:] == ["False", "False"]


def test_the_tests_of_the_source_distribution_are_collected(unpacked: Path) -> None:
    said = run(*_PYTEST, "--collect-only", at=unpacked)
    (collected,) = re.findall(r"(\d+)(?:/\d+)? tests collected", said)
    assert int(collected) > 1000


@pytest.mark.hosts  # servers of its own take a minute
def test_tests_of_the_source_distribution_pass(unpacked: Path) -> None:
    files = ("tests/test_conf.py", "tests/search/test_cursor.py", "tests/schema")
    assert " passed" in run(*_PYTEST, *files, at=unpacked)
