"""Prometheus counters, fed by the signals."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from prometheus_client import REGISTRY

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.pictures import make_artwork

LABEL = {"model": "library.Artwork"}


def _counts() -> tuple[float, float]:
    names = ("artsimilarity_embedded_total", "artsimilarity_failed_total")
    embedded, failed = (REGISTRY.get_sample_value(name, LABEL) or 0 for name in names)
    return embedded, failed


@pytest.mark.django_db
def test_successes_and_failures_are_counted_by_model(quick_encoder: None) -> None:
    embedded, failed = _counts()
    good = make_artwork()
    bad = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
    pipeline.embed(Library.of(Artwork), [good.pk, bad.pk])
    assert _counts() == (embedded + 1, failed + 1)
