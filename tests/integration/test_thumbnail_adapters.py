"""Each adapter with the real package, in a host that has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.django_db(transaction=True)

_PACKAGES = {
    "EasyThumbnails": "easy_thumbnails",
    "SorlThumbnail": "sorl.thumbnail",
    "ImageKit": "imagekit",
}

_PICTURES = """
import io, json
from django.core.files.base import ContentFile
from PIL import Image
exif = Image.Exif()
exif[0x0112] = 6
kinds = {"JPEG": {}, "TIFF": {}, "on its side": {"exif": exif}, "broken": {}}
def files():
    for name, options in kinds.items():
        kind = "TIFF" if name == "TIFF" else "JPEG"
        buffer = io.BytesIO()
        Image.new("RGB", (600, 400), (20, 160, 60)).save(buffer, kind, **options)
        data = buffer.getvalue()[:300] if name == "broken" else buffer.getvalue()
        yield name, ContentFile(data, name=f"{name}.{kind.lower()}")
"""

_SHOWN = (
    _PICTURES
    + """
from dataclasses import astuple
from django.test import override_settings
from aaa_prints.models import Engraving
from artsimilarity.library.thumbnails import thumbnail_of
for name, file in files():
    Engraving.objects.create(caption=name, scan=file)
found = {}
for adapter in ADAPTERS:
    path = f"artsimilarity.library.thumbnail_adapters.{adapter}"
    with override_settings(ARTSIMILARITY={"THUMBNAILS": path}):
        assert not [m for m in Engraving.check() if m.id == "artsimilarity.W013"]
        for picture in Engraving.objects.all():
            thumbnails = {thumbnail_of(picture) for _ in range(2)}
            (thumbnail,) = thumbnails
            found[f"{adapter} {picture.caption}"] = thumbnail and astuple(thumbnail)
print(json.dumps(found))
"""
)

_RENDITIONS = (
    _PICTURES
    + """
from dataclasses import astuple
from aaa_prints.models import Engraving
from artsimilarity.library.thumbnails import load_adapter
from wagtail.images.models import Image as Picture
adapter = load_adapter("artsimilarity.library.thumbnail_adapters.WagtailRenditions")
assert adapter.misfit(Picture) == "" and "Engraving" in adapter.misfit(Engraving)
found = {}
for name, file in files():
    if name != "broken":
        picture = Picture(title=name, file=file)
        picture.save()
        found[name] = astuple(adapter(picture, picture.file))
print(json.dumps(found))
"""
)


def test_easy_thumbnails_sorl_and_imagekit_show_the_whole_picture(
    host: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("sorl")
    pytest.importorskip("imagekit")
    apps = " ".join(_PACKAGES.values())
    host("makemigrations", "aaa_prints", apps=apps)
    host("migrate", apps=apps)
    script = f"ADAPTERS = {list(_PACKAGES)}{_SHOWN}"
    found = json.loads(host("shell", "-c", script, apps=apps).splitlines()[-1])
    for adapter in _PACKAGES:
        _assert_whole(found[f"{adapter} JPEG"], tmp_path)
        _assert_whole(found[f"{adapter} TIFF"], tmp_path)
        _assert_whole(found[f"{adapter} on its side"], tmp_path, upright=True)
        assert found[f"{adapter} broken"] is None


def test_wagtails_renditions_show_the_whole_picture(
    host: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("wagtail")
    apps = (
        "django.contrib.auth django.contrib.contenttypes taggit modelsearch wagtail wagtail.users "
        "wagtail.search wagtail.documents wagtail.admin wagtail.images"
    )
    host("makemigrations", "aaa_prints", apps=apps)
    host("migrate", apps=apps)
    found = json.loads(host("shell", "-c", _RENDITIONS, apps=apps).splitlines()[-1])
    _assert_whole(found["JPEG"], tmp_path)
    _assert_whole(found["TIFF"], tmp_path)
    _assert_whole(found["on its side"], tmp_path, upright=True)


def _assert_whole(thumbnail: Any, folder: Path, *, upright: bool = False) -> None:
    url, width, height, srcset = thumbnail
    assert (width, height) == ((160, 240) if upright else (240, 160))
    small, large = (one.split() for one in srcset.split(", "))
    assert small == [url, f"{width}w"]
    assert large[1] == f"{2 * width}w"
    for address, size in ((url, (width, height)), (large[0], (2 * width, 2 * height))):
        with Image.open(folder / "host" / address.removeprefix("/")) as image:
            assert image.size == size
