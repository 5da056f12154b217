"""The metrics that Prometheus reads."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from prometheus_client import REGISTRY

from artsimilarity.embedding import pipeline, sweep
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_artwork

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder", "broker"),
]


def _value(name: str) -> float:
    return REGISTRY.get_sample_value(f"artsimilarity_{name}", {"model": "library.Artwork"}) or 0.0


def test_pictures_are_counted_by_what_became_of_them() -> None:
    bad = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
    pks = [bad.pk, make_artwork().pk, make_artwork().pk]
    before = _value("embedded_total"), _value("failed_total")
    pipeline.embed(Library.of(Artwork), pks)
    assert _value("embedded_total") - before[0] == 2
    assert _value("failed_total") - before[1] == 1


def test_each_task_is_timed() -> None:
    before = _value("task_seconds_count"), _value("task_seconds_sum")
    pipeline.embed(Library.of(Artwork), [make_artwork().pk])
    assert _value("task_seconds_count") - before[0] == 1
    assert _value("task_seconds_sum") > before[1]


def test_the_sweep_notes_how_many_pictures_wait(broker: Broker) -> None:
    Artwork.objects.bulk_create(Artwork(title=f"{i}", image=f"{i}.png") for i in range(3))
    sweep.sweep(Library.of(Artwork))
    assert _value("pending") == 3
    Artwork.objects.all().delete()
    sweep.sweep(Library.of(Artwork))
    assert _value("pending") == 0
