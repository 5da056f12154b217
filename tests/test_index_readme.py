"""README as a package index shows it: nothing in it leads nowhere."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from trove_classifiers import classifiers as known_classifiers

from tests.test_packaging import PROJECT, ROOT


@pytest.fixture(scope="module")
def readme_for_an_index() -> Callable[[str], str]:
    """What setup.py makes the readme with; setuptools cannot be loaded after pip in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "setuptools", SimpleNamespace(setup=lambda **_options: None))
        made: Callable[[str], str] = runpy.run_path(str(ROOT / "setup.py"))["readme_for_an_index"]
    return made


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[the settings](docs/settings.md)", "the settings (`docs/settings.md`)"),
        ("[a slider](docs/searching.md#balance)", "a slider (`docs/searching.md`)"),
        ("[LICENSE](LICENSE)", "LICENSE"),
        ("[below](#further)", "below"),
        ("[Postgres](https://www.postgresql.org)", "[Postgres](https://www.postgresql.org)"),
        ("a\n\n![a page](docs/images/page.jpg)\n\nb", "a\n\nb"),
        ("<!-- demo command -->\n```sh\n", "```sh\n"),
    ],
)
def test_links_to_files_of_the_project_become_words(
    readme_for_an_index: Callable[[str], str], written: str, shown: str
) -> None:
    assert readme_for_an_index(written).startswith(f"{shown}\n")


def test_every_link_of_our_readme_leads_somewhere(
    readme_for_an_index: Callable[[str], str],
) -> None:
    shown = readme_for_an_index((ROOT / "README.md").read_text())
    targets = re.findall(r"\]\(([^)]*)\)", shown)
    assert targets
    assert [one for one in targets if not one.startswith("https://")] == []
    assert "<img" not in shown


def test_every_file_that_our_readme_names_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text())
    files = [one for one in targets if not one.startswith("https://")]
    assert files
    assert [one for one in files if not (ROOT / one).exists()] == []


def test_every_classifier_is_one_that_indexes_know() -> None:
    assert set(PROJECT["classifiers"]) <= set(known_classifiers)
