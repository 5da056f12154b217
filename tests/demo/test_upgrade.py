"""A data folder that an earlier checkout has left, whose recipe was another."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from pytest_django import Settings

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import BLUE, RED, make_artwork
from tests.recipes import SMALLER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


def _embed_all() -> None:
    pks = list(Artwork.objects.values_list("pk", flat=True))
    pipeline.embed(Library.of(Artwork), pks)


def test_is_changed_over_to_the_recipe_of_the_checkout(settings: Settings, broker: Broker) -> None:
    pictures = [make_artwork("one", RED), make_artwork("two", BLUE)]
    _embed_all()
    broker.clear()
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.SMALLER"}
    call_command("roll_out_recipe")
    assert broker.pks() == [str(one.pk) for one in pictures]
    _embed_all()
    out = io.StringIO()
    call_command("watch_embedding", stdout=out)
    assert "The new recipe is in service." in out.getvalue()
    assert set(Artwork.objects.values_list("embedding_recipe", flat=True)) == {SMALLER.fingerprint}


def test_of_the_same_recipe_is_left_alone(broker: Broker) -> None:
    make_artwork("one")
    _embed_all()
    broker.clear()
    call_command("roll_out_recipe")
    assert broker.pks() == []
