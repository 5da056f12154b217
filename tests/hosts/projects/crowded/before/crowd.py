"""What other packages do with a table of 451 pictures; prints one line of JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import django

django.setup()

import admin_forms  # noqa: E402 -- the site's models are there from now on
import editors  # noqa: E402
import journey  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core import serializers  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment  # noqa: E402
from drawn import drawn, picture  # noqa: E402
from gallery.models import Artwork  # noqa: E402
from guardian.shortcuts import assign_perm, get_objects_for_user  # noqa: E402
from reversion.models import Version  # noqa: E402

PICTURES = 451


def fill() -> dict[str, Any]:
    """Six pictures by the admin, and as many more as it takes, each of a colour of its own."""
    journey.before()
    colours = [(11 * n % 256, 60 + 7 * n % 130, 5 * n % 256) for n in range(PICTURES - 6)]
    Artwork.objects.bulk_create(
        Artwork(
            title=f"Number {number}",
            image=default_storage.save(
                f"artworks/{number}.png", ContentFile(drawn(colour, (32, 32)))
            ),
        )
        for number, colour in enumerate(colours)
    )
    return {"pictures": Artwork.objects.count()}


def read() -> dict[str, Any]:
    """What each package reads of the whole table: queries, bytes, and the names of its columns."""
    client = journey.editor()
    with CaptureQueriesContext(connection) as asked:
        answer = client.get("/api/pictures/")
    fixture = serializers.serialize("json", Artwork.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as exported:
        csv = export(client)
    return {
        "API": {
            "queries": len(asked),
            "bytes": len(answer.content),
            "names": sorted(answer.json()[0]),
        },
        "fixture": {"bytes": len(fixture), "names": sorted(json.loads(fixture)[0]["fields"])},
        "export": {
            "queries": len(exported),
            "bytes": len(csv),
            "names": sorted(csv.splitlines()[0].decode().split(",")),
        },
        "history": sorted(field.name for field in Artwork.history.model._meta.concrete_fields),
    }


def export(client: Client) -> bytes:
    """The whole table as django-import-export's page in the admin gives it, as CSV."""
    page = client.get("/admin/gallery/artwork/export/")
    form = page.context["form"]
    # Every resource and every field is ticked, as the page comes.
    ticked = {name: "on" for name, field in form.fields.items() if getattr(field, "initial", None)}
    answer = client.post("/admin/gallery/artwork/export/", {**ticked, "format": "0"})
    assert answer.status_code == 200, answer.status_code
    assert answer["Content-Type"].startswith("text/csv"), answer.content[:2000]
    return bytes(answer.content)


def import_back() -> dict[str, Any]:
    """The export goes back in by the admin, with one title changed in a spreadsheet."""
    client, address = journey.editor(), "/admin/gallery/artwork/import/"
    csv = export(client).replace(b"Number 7,", b"Number seven,")
    file = SimpleUploadedFile("artworks.csv", csv, "text/csv")
    asked = client.post(address, {"import_file": file, "format": "0", "resource": ""})
    confirm = asked.context.get("confirm_form")
    assert confirm, asked.context["form"].errors or asked.context["result"].row_errors()[:1]
    given = {field.html_name: field.value() or "" for field in confirm}
    done = client.post("/admin/gallery/artwork/process_import/", given)
    assert done.status_code == 302, done.status_code
    return {
        "pictures": Artwork.objects.count(),
        "renamed": Artwork.objects.filter(title="Number seven").count(),
        "ready": sum(journey.status(one) == "ready" for one in named()),
    }


def ready() -> dict[str, Any]:
    """The worker has embedded all."""
    from artsimilarity.library import Library

    rows = Library.of(Artwork).rows
    journey.wait_for(lambda: rows.ready().count() == Artwork.objects.count())
    return {"ready": rows.ready().count()}


def become_blue() -> dict[str, Any]:
    """An editor replaces the green picture by a blue one, and a worker embeds that."""
    editors.replace(journey.editor(), Artwork.objects.get(title="green"), picture("blue", "b.png"))
    journey.wait_for(lambda: "green" in near("blue"))
    return {"near blue": near("blue")}


def revert_a_version() -> dict[str, Any]:
    """django-reversion brings the green picture back; no worker runs."""
    green = Artwork.objects.get(title="green")
    oldest = Version.objects.get_for_object(green).order_by("pk")[0]
    oldest.revision.revert()
    return served()


def revert_in_history() -> dict[str, Any]:
    """The page of django-simple-history does the same."""
    green = Artwork.objects.get(title="green")
    oldest = green.history.earliest()
    address = f"/admin/gallery/artwork/{green.pk}/history/{oldest.pk}/"
    admin_forms.save(journey.editor(), address)
    return served()


def update() -> dict[str, Any]:
    """Code that knows nothing of signals points the green picture at its old file."""
    green = Artwork.objects.get(title="green")
    file = green.history.earliest().image
    Artwork.objects.filter(pk=green.pk).update(image=str(file))
    return served()


def served() -> dict[str, Any]:
    """Where the green picture shows up, and what it shows, by vectors that nobody has renewed."""
    green = Artwork.objects.get(title="green")
    return {
        "file is the old one": green.image.name == "artworks/green.png",
        "near blue": near("blue"),
        "shown": journey.shown(green),
        "answered": journey.answered(green),
    }


def permitted() -> dict[str, Any]:
    """Somebody to whom django-guardian lets two pictures be seen."""
    from artsimilarity.search import similar_to

    visitor = get_user_model().objects.create_user("visitor")
    for title in ("reddish", "bluish"):
        assign_perm("gallery.view_artwork", visitor, Artwork.objects.get(title=title))
    allowed = get_objects_for_user(visitor, "gallery.view_artwork")
    red = Artwork.objects.get(title="red")
    return {"similar": journey.titles(similar_to(allowed, red, style=0)[:8])}


def near(title: str) -> list[str]:
    """Titles of the pictures nearest to one, by their colours."""
    from artsimilarity.search import more_like_this

    one = Artwork.objects.get(title=title)
    return journey.titles(more_like_this(one, limit=3, style=0))


def named() -> list[Artwork]:
    """The six that are not numbered."""
    return list(Artwork.objects.exclude(title__startswith="Number"))


if __name__ == "__main__":
    setup_test_environment()
    print(json.dumps(globals()[sys.argv[1]]()))
