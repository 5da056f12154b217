"""Settings: defaults, and clear words for what cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import LIKENESS


def test_without_a_dict_the_defaults_hold(settings: Settings) -> None:
    del settings.ARTSIMILARITY
    get_settings.cache_clear()  # pytest-django sends no signal of what is deleted
    try:
        assert get_settings().recipe is LIKENESS
        assert get_settings().QUEUE == "artsimilarity"
    finally:
        get_settings.cache_clear()


def test_a_change_takes_effect_at_once(settings: Settings) -> None:
    settings.ARTSIMILARITY = {"LIMIT": 5}
    assert get_settings().LIMIT == 5
    settings.ARTSIMILARITY = {"LIMIT": 6}
    assert get_settings().LIMIT == 6


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"LIMITS": 5}, "unknown keys LIMITS"),
        ({"LIMIT": "5"}, r"\['LIMIT'\] must be int"),
        ({"LIMIT": True}, r"\['LIMIT'\] must be int"),
        ({"THREADS": 1.5}, r"\['THREADS'\] must be int or NoneType"),
        ({"THREADS": 0}, r"\['THREADS'\] must be None, 1 or more"),
        ({"PRECISION": "half"}, "one of .*float16"),
        ({"CHUNK_SIZE": 0}, r"\['CHUNK_SIZE'\] must be 1 or more"),
        ({"EF_SEARCH": 1001}, "between 1 and 1000"),
        ({"ITERATIVE_SCAN": "on"}, "one of .*strict_order"),
        ({"HNSW_M": 1}, "between 2 and 100"),
        ({"HNSW_M": 40, "HNSW_EF_CONSTRUCTION": 64}, "twice HNSW_M"),
        ({"EXACT_ROWS": -1}, "0 or more"),
        ({"LIMIT": 100}, r"in 1..MAX_LIMIT"),
        ({"MAX_LIMIT": 1001}, "1000 or less"),
        ({"STYLE": 1.1}, "between 0 and 1"),
        ({"RETRY_BACKOFF": -1}, "0 or more"),
        ({"REMAKE_MAP_UP_TO": -1}, r"\['REMAKE_MAP_UP_TO'\] must be 0 or more"),
        ({"SWEEP_SECONDS": -1}, r"\['SWEEP_SECONDS'\] must be 0 or more"),
        ({"PENDING_SECONDS": 0}, r"\['PENDING_SECONDS'\] must be 1 or more"),
        ({"SEARCHES_AT_ONCE": 0}, r"\['SEARCHES_AT_ONCE'\] must be 1 or more"),
        ({"SEARCH_MAX_BYTES": 0}, r"\['SEARCH_MAX_BYTES'\] must be 1 or more"),
        ({"SEARCH_MAX_PIXELS": 0}, r"\['SEARCH_MAX_PIXELS'\] must be 1 or more"),
        ({"SEARCH_DECODERS": 0}, r"\['SEARCH_DECODERS'\] must be 1 or more"),
        ({"DECODERS": 0}, r"\['DECODERS'\] must be None, 1 or more"),
        ({"MAX_MEMORY": 2**26 - 1}, r"\['MAX_MEMORY'\] must be 67108864 or more"),
        ({"SEARCH_MAX_MEMORY": 2**26 - 1}, r"\['SEARCH_MAX_MEMORY'\] must be 67108864 or more"),
        ({"MAX_SECONDS": 0}, r"\['MAX_SECONDS'\] must be more than 0"),
        ({"SEARCH_MAX_SECONDS": 0}, r"\['SEARCH_MAX_SECONDS'\] must be more than 0"),
        ({"CLAIM_SECONDS": 900, "TIME_LIMIT": 900}, r"more than TIME_LIMIT \(900\)"),
        ({"CACHE_SECONDS": -1}, r"\['CACHE_SECONDS'\] must be 0 or more"),
        ({"DIVERSIFY": 1.1}, r"\['DIVERSIFY'\] must lie between 0 and 1"),
        ({"RECALL_AT_LEAST": 1.1}, r"\['RECALL_AT_LEAST'\] must lie between 0 and 1"),
        ({"RECALL_SECONDS": 0}, r"\['RECALL_SECONDS'\] must be more than 0"),
        ({"DUPLICATE_SCORE": 0}, r"\['DUPLICATE_SCORE'\] must lie in 0..1"),
        ({"SEARCH_SECONDS": 0}, r"\['SEARCH_SECONDS'\] must be more than 0"),
        (["LIMIT"], "must be a dict"),
    ],
)
def test_what_cannot_work_is_refused_by_name(settings: Settings, given: Any, words: str) -> None:
    settings.ARTSIMILARITY = given
    with pytest.raises(ImproperlyConfigured, match=words):
        get_settings()


@pytest.mark.parametrize("path", ["nowhere.RECIPE", "artsimilarity.encoder.recipe.Recipe"])
def test_a_recipe_that_is_none_is_refused(settings: Settings, path: str) -> None:
    settings.ARTSIMILARITY = {"RECIPE": path}
    with pytest.raises(ImproperlyConfigured, match="RECIPE"):
        assert get_settings().recipe
