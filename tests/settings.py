"""The demo site's settings, on servers that the fixtures start.

``TEST_ARTSIMILARITY`` (JSON) adds to ``ARTSIMILARITY`` in worker processes that a test starts, and
``TEST_CLOCK_MINUTES`` puts their clocks forward.
"""

import json
import os
import tempfile

# Importing the demo's settings must leave nothing in the working copy.
os.environ.setdefault("DEMO_DATA", tempfile.mkdtemp(prefix="artsimilarity-tests-"))

from demo_site.settings import *  # noqa: F403
from demo_site.settings import ARTSIMILARITY

# Tests write vectors by hand, for which the simplest of the recipes and an uneven balance do.
ARTSIMILARITY = {
    **ARTSIMILARITY,
    "RECIPE": "artsimilarity.encoder.recipe.ART",
    "STYLE": 0.75,
    # A busy machine would show placeholders where a test looks for pictures.
    "THUMBNAIL_SECONDS": 20.0,
    **json.loads(os.environ.get("TEST_ARTSIMILARITY", "{}")),
}
if minutes := float(os.environ.get("TEST_CLOCK_MINUTES", "0")):
    from tests.clocks import put_clock_forward

    put_clock_forward(minutes)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
