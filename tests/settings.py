"""The demo site's settings, on servers that the fixtures start.

``TEST_ARTSIMILARITY`` (JSON) adds to ``ARTSIMILARITY`` in worker processes that a test starts.
"""

import json
import os
import tempfile

# Importing the demo's settings must leave nothing in the working copy.
os.environ.setdefault("DEMO_DATA", tempfile.mkdtemp(prefix="artsimilarity-tests-"))

from demo_site.settings import *  # noqa: F403
from demo_site.settings import ARTSIMILARITY

ARTSIMILARITY = {**ARTSIMILARITY, **json.loads(os.environ.get("TEST_ARTSIMILARITY", "{}"))}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
