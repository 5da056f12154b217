"""What a web process loads."""

from __future__ import annotations

import base64
import json

import pytest
from pytest_django import Settings

from artsimilarity.atlas.making import make_map
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.pictures import make_embedded, picture_bytes
from tests.worker import run_python

_SCRIPT = """
import base64, sys
import django
django.setup()
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from demo_site.celery import app
app.loader.import_default_modules()
client = Client(SERVER_NAME="localhost")
page = client.get("/artworks/{pk}/")
assert page.status_code == 200 and "the neighbour" in page.content.decode(), page.content
page = client.get("/map/?from={pk}&layout=colours")
assert "artsimilarity-map-start" in page.content.decode(), page.content
answer = client.get("/map/?tile=0/0/0&layout=colours").json()
assert sum(one["count"] for one in answer["pictures"]) == 2, answer
assert client.get("/map/?sheet=" + 64 * "0").status_code == 404
answer = client.get("/api/artworks/{pk}/similar/").json()
assert len(answer["results"]) == 1, answer
assert client.get("/api/artworks/by-colour/?colour=aa3311").status_code == 200
picture = SimpleUploadedFile("mine.png", base64.b64decode("{picture}"))
answer = client.post("/api/artworks/by-picture/", {"picture": picture})
assert answer.status_code == 503, answer.content  # there is no broker
answer = client.get("/api/artworks/{pk}/by-detail/?box=0,0,0.5,1")
assert answer.status_code == 503, answer.content
page = client.get("/artworks/{pk}/?left=0&top=0&right=50&bottom=100")
assert page.status_code == 503 and "Try again" in page.content.decode(), page.content
client.get("/admin/", follow=True)
client.force_login(User.objects.create_superuser("root"))
page = client.get("/admin/library/artwork/{pk}/change/").content.decode()
assert 'name="left"' in page
form = {"image": "target.png", "area": "whole"}
answer = client.post("/admin/library/artwork/{pk}/area/", form, follow=True)
assert "The whole picture is used" in answer.content.decode(), answer.content
heavy = ("torch", "torchvision", "numpy", "openTSNE", "sklearn", "scipy")
print(sorted(name for name in sys.modules if name.split(".")[0] in heavy))
"""


@pytest.mark.django_db(transaction=True)
def test_neither_torch_nor_numpy_is_loaded_by_pages_the_map_the_api_or_sending_tasks(
    settings: Settings,
) -> None:
    finds_area = {"RECIPE": "tests.recipes.AREA"}
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **finds_area}
    target = make_embedded("target")
    make_embedded("the neighbour")
    make_map(Library.of(Artwork))
    picture = base64.b64encode(picture_bytes()).decode()
    script = _SCRIPT.replace("{pk}", str(target.pk)).replace("{picture}", picture)
    environment = {"TEST_ARTSIMILARITY": json.dumps(finds_area)}
    printed = run_python(script, CELERY_BROKER_URL="redis://127.0.0.1:1/0", **environment)
    assert printed.strip() == "[]"
