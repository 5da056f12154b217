"""The documentation as a site: ``sphinx-build -n -W --keep-going docs docs/_build``.

Its pages are those of this folder, which read well on their own, too. The reference is made of the
package's docstrings; that needs Django with some settings, and no database.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(_DOCS.parent), str(_DOCS / "extensions")]

# The demo's settings make a folder for their data; a build leaves nothing behind.
_data = tempfile.TemporaryDirectory()
os.environ["DEMO_DATA"] = _data.name
os.environ["DJANGO_SETTINGS_MODULE"] = "demo_site.settings"

import django  # noqa: E402

django.setup()

import artsimilarity  # noqa: E402

project = "django-artsimilarity"
author = "the authors of django-artsimilarity"
copyright = f"2026, {author}"
release = version = artsimilarity.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "attribute_docstrings",
    "checks_reference",
    "commands_reference",
    "root_pages",
]
exclude_patterns = ["_build", "extensions"]
smartquotes = False  # options keep their two hyphens; the pages have curly quotes already
html_theme = "furo"
html_title = "django-artsimilarity"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # examples of SQL have … in them

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Keys", "params_style")]

# Whatever of ours a signature or a docstring names with its module must be on some page. Names of
# other packages lead nowhere, since a build asks no other site; nor do names without a module.
nitpick_ignore_regex = [
    ("py:.*", r"(?!artsimilarity\.)[\w.]+\.\w+"),
    ("py:(class|exc)", r"\w+"),
    ("py:class", r"artsimilarity\..*\._\w+"),
    ("py:class", r"artsimilarity\.(library\.library\.Library|schema\.sql\.Sql)"),
]
