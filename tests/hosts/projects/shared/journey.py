"""What people do on a site before and after it installs the app, and what they see.

``python -m journey before`` and so on, in the site's folder and environment; prints one line of
JSON. How pictures get in is the site's own affair: its module ``editors`` knows its admin.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import django

django.setup()

import editors  # noqa: E402 -- the site's models are there from now on
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connections, router  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402
from drawn import COLOURS, picture  # noqa: E402
from PIL import Image  # noqa: E402

_SECONDS = 40


def before() -> dict[str, Any]:
    """The site has six pictures, and a page that lists them."""
    get_user_model().objects.create_superuser("editor", "editor@example.com", "editor")
    client = editor()
    for colour in COLOURS:
        editors.upload(client, colour, picture(colour))
    return listing()


def listing() -> dict[str, Any]:
    """The usual page with all pictures: its size, and what it asks the database."""
    client = editor()
    client.get(editors.LIST)  # what a first visitor alone costs is not counted
    with CaptureQueriesContext(connections[database()]) as asked:
        page = client.get(editors.LIST)
    assert page.status_code == 200, page.status_code
    sql = [one["sql"] for one in asked.captured_queries]
    return {
        "queries": len(sql),
        "bytes": len(page.content),
        "with vectors": [one for one in sql if re.search(r'"embedding(_next)?"', one)],
        "titles": [one for one in COLOURS if one in page.content.decode()],
    }


def other_pages() -> dict[str, int]:
    """The site's other pages that read pictures: what they answer with."""
    return {url: editor().get(url).status_code for url in editors.OTHER_PAGES}


def old_process() -> dict[str, Any]:
    """A web process of the code before, which the deploy has not stopped yet, takes an upload."""
    editors.upload(editor(), "late", picture("green", "late.png"))
    return {"pictures": model().objects.count()}


def after() -> dict[str, Any]:
    """The app is installed, and a worker has been told of the pictures that were there.

    Each part's answer, or the error that it ended with: the others go on.
    """
    looks = (wait_for_all, listing, other_pages, upload, page, neighbours, api, code, admin)
    changes = (replace, hide, delete)
    seen: dict[str, Any] = {}
    for part in (*looks, *changes):
        try:
            seen[part.__name__] = part()
        except Exception:  # noqa: BLE001 -- whatever it is, the test of this part shows it
            seen[part.__name__] = {"error": traceback.format_exc()}
    return seen


def wait_for_all() -> dict[str, int]:
    """What was there before is embedded."""
    wait_for(lambda: all(status(one) == "ready" for one in model().objects.all()))
    return {"pictures": model().objects.count()}


def upload() -> dict[str, Any]:
    """An editor uploads another picture."""
    began = time.monotonic()
    editors.upload(editor(), "crimson", picture("red", "crimson.png"))
    wait_for(lambda: status(get("crimson")) == "ready")
    return {"seconds": round(time.monotonic() - began, 1)}


def page() -> dict[str, Any]:
    """A visitor looks at it."""
    with CaptureQueriesContext(connections[database()]) as asked:
        captions = shown(get("crimson"))
    return {"captions": captions, "queries": len(asked)}


def neighbours() -> dict[str, Any]:
    """Where the neighbours lead, and what is shown of each: pixels of the longer side."""
    html = Client().get(editors.page(get("crimson"))).content.decode()
    links = re.findall(r'class="artsimilarity-link" href="(.*?)"', html)
    pictures = re.findall(r'class="artsimilarity-image" src="(.*?)"', html)
    files = [Path(settings.MEDIA_ROOT, one.removeprefix(settings.MEDIA_URL)) for one in pictures]
    return {
        "neighbours": html.count("artsimilarity-item"),
        "links": [Client().get(unescape(one)).status_code for one in links],
        "pictures": [max(Image.open(one).size) for one in files],
    }


def api() -> list[str]:
    """A program asks for its neighbours."""
    return answered(get("crimson"))


def code() -> dict[str, list[str]]:
    """The site's own code asks, within its own querysets."""
    from artsimilarity.search import more_like_this, similar_to

    crimson, public = get("crimson"), editors.public()
    two = public.filter(pk__in=[get("red").pk, get("blue").pk])
    return {
        "more_like_this": titles(more_like_this(crimson, limit=2, style=0)),
        "similar_to": titles(similar_to(public, crimson, style=0)[:2]),
        "similar_to among two": titles(similar_to(two, crimson, style=0)),
    }


def admin() -> dict[str, Any]:
    """An administrator looks at Django's admin, where the site has pages of pictures in it."""
    name = editors.ADMIN_PAGES
    if not name:
        return {}
    addresses = {
        "list": reverse(f"admin:{name}_changelist"),
        "picture": reverse(f"admin:{name}_change", args=[get("crimson").pk]),
        "library": reverse(f"admin:{name}_library"),
    }
    answers = {name: editor().get(url) for name, url in addresses.items()}
    return {
        name: {"status": one.status_code, "speaks of embeddings": b"mbedding" in one.content}
        for name, one in answers.items()
    }


def replace() -> list[str]:
    """An editor replaces a green picture by a blue one."""
    editors.replace(editor(), get("green"), picture("blue", "new.png"))
    wait_for(lambda: answered(get("green"))[:1] == ["blue"])
    return shown(get("green"))


def hide() -> list[str]:
    """An editor hides a picture; what those that are like it show."""
    editors.hide(editor(), get("blue"))
    return [*shown(get("bluish")), *answered(get("bluish"))]


def delete() -> list[str]:
    """An editor deletes a picture; what those that are like it show."""
    editors.delete(editor(), get("reddish"))
    return [*shown(get("red")), *answered(get("red"))]


def editor() -> Client:
    """Somebody with all rights, logged in."""
    client = Client()
    client.force_login(get_user_model().objects.get(username="editor"))
    return client


def model() -> type[Any]:
    """The site's picture model."""
    return apps.get_model(editors.MODEL)


def database() -> str:
    """Where the pictures are."""
    return router.db_for_read(model())


def get(title: str) -> Any:
    """The picture with a title."""
    return model().objects.get(**{editors.TITLE: title})


def titles(pictures: Any) -> list[str]:
    """Their titles, in order."""
    return [getattr(one, editors.TITLE) for one in pictures]


def status(picture: Any) -> str:
    """Whether it has neighbours, as the app says to a template."""
    from artsimilarity.search import more_like_this

    return str(more_like_this(picture, limit=1).status)


def shown(picture: Any) -> list[str]:
    """The captions that a visitor sees below a picture, nearest first."""
    page = Client().get(editors.page(picture))
    assert page.status_code == 200, page.status_code
    captions = re.findall(r'artsimilarity-title">\s*(.*?)\s*<', page.content.decode())
    return [unescape(one) for one in captions]


def answered(picture: Any) -> list[str]:
    """The titles in the API's answer to anybody, nearest first."""
    answer = Client().get(f"/api/pictures/{picture.pk}/similar/", {"limit": 3, "style": 0})
    assert answer.status_code == 200, answer.content
    return [one["picture"][editors.TITLE] for one in answer.json()["results"]]


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait for the worker; fail with what is the matter."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {_SECONDS} s: "
                f"{[(str(one), status(one)) for one in model().objects.all()]}"
            )
        time.sleep(0.2)


if __name__ == "__main__":
    setup_test_environment()  # pages keep the context that their forms are filled in from
    parts = {one.__name__: one for one in (before, old_process, wait_for_all, after)}
    print(json.dumps(parts[sys.argv[1]]()))
