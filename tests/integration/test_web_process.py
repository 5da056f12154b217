"""What a web process loads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.pictures import make_embedded
from tests.worker import ROOT, database_url

_SCRIPT = """
import sys
import django
django.setup()
from django.test import Client
from demo_site.celery import app
app.loader.import_default_modules()
client = Client(SERVER_NAME="localhost")
page = client.get("/artworks/{pk}/")
assert page.status_code == 200 and "the neighbour" in page.content.decode(), page.content
answer = client.get("/api/artworks/{pk}/similar/").json()
assert len(answer["results"]) == 1, answer
client.get("/admin/", follow=True)
print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "torchvision")))
"""


@pytest.mark.django_db(transaction=True)
def test_torch_is_not_loaded_by_rendering_a_page_answering_the_api_or_sending_tasks() -> None:
    target = make_embedded("target")
    make_embedded("the neighbour")
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT.replace("{pk}", str(target.pk))],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url(),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
