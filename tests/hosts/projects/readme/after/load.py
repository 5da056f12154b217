"""Uploads the pictures of a folder through the admin; ``pictures.json`` says what they are."""

import json
from pathlib import Path

import django

django.setup()

import admin_forms  # noqa: E402 -- the site's models are there from now on
import journey  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

if __name__ == "__main__":
    setup_test_environment()
    get_user_model().objects.create_superuser("editor", "editor@example.com", "editor")
    client = journey.editor()
    for facts in json.loads(Path("pictures.json").read_text()):
        path = Path(facts.pop("path"))
        image = SimpleUploadedFile(path.name, path.read_bytes())
        admin_forms.add(client, "gallery_artwork", image=image, published="on", **facts)
    journey.wait_for_all()
    print("{}")
