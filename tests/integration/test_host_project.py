"""A second host, set up as README says: other names, a UUID key, own managers and Meta."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pictures import BLUE, GREEN, RED, picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)

_LOAD = """
from pathlib import Path
from django.core.files import File
from aaa_prints.models import Engraving
for path in sorted(Path("pictures").iterdir()):
    with path.open("rb") as file:
        secret = path.stem == "secret"
        Engraving.objects.create(caption=path.stem, scan=File(file, name=path.name), secret=secret)
"""

_NEIGHBOURS = """
from aaa_prints.models import Engraving
from artsimilarity.search import more_like_this
target = Engraving.objects.get(caption="blue")
print([e.caption for e in more_like_this(target, limit=2, style=0)])
print([e.caption for e in Engraving.objects.public().similar_to(target, style=0)[:1]])
print(sorted(Engraving.objects.get(caption="blue").get_deferred_fields()))
"""


def test_makes_its_migrations_and_finds_neighbours(
    host: Callable[..., str], tmp_path: Path
) -> None:
    host("makemigrations", "aaa_prints")
    (migration,) = (tmp_path / "host" / "aaa_prints" / "migrations").glob("0001*.py")
    assert "EmbeddingField(null=True" in migration.read_text()
    assert "RunSQL" not in migration.read_text()
    host("migrate")
    host("makemigrations", "--check")
    host("check", "--database", "default", "--fail-level", "WARNING")

    pictures = tmp_path / "host" / "pictures"
    pictures.mkdir()
    blueish = (BLUE[0] + 8, BLUE[1] + 8, BLUE[2] + 8)
    for caption, colour in {
        "blue": BLUE,
        "blueish": blueish,
        "green": GREEN,
        "red": RED,
        "secret": BLUE,
    }.items():
        (pictures / f"{caption}.png").write_bytes(picture_bytes(colour, side=64))
    host("shell", "-c", _LOAD)
    assert "5 pictures embedded" in host("embed_artworks", "--pending", "--sync")

    near, nearest, deferred = host("shell", "-c", _NEIGHBOURS).splitlines()[-3:]
    assert near.startswith("['blueish', ")
    assert "secret" not in near
    assert nearest == "['blueish']"
    assert deferred == "['embedding', 'embedding_copy_descriptor', 'embedding_next']"


def test_taking_the_app_out_again_leaves_the_extension(host: Callable[..., str]) -> None:
    host("makemigrations", "aaa_prints")
    host("migrate")
    host("migrate", "aaa_prints", "zero")
    host("migrate", "artsimilarity", "zero")
    script = (
        "from django.db import connection; c = connection.cursor(); "
        "c.execute(\"SELECT count(*) FROM pg_extension WHERE extname = 'vector'\"); "
        "print(c.fetchone()[0])"
    )
    assert host("shell", "-c", script).splitlines()[-1] == "1"
