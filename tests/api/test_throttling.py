"""Whom the limit of searches by picture counts."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request

from artsimilarity.api.throttling import SearchByPictureThrottle


def _ident(forwarded: str) -> str:
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR="192.0.2.1")
    return SearchByPictureThrottle().get_ident(Request(request))


@pytest.mark.parametrize("proxies", [None, 0])
def test_without_proxies_a_header_of_the_visitors_own_counts_for_nothing(
    settings: Settings, proxies: int | None
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    assert _ident("203.0.113.5") == _ident("203.0.113.6") == "192.0.2.1"


def test_behind_one_proxy_the_last_address_counts_which_the_proxy_wrote(
    settings: Settings,
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert _ident("10.0.0.1, 203.0.113.5") == _ident("10.9.9.9, 203.0.113.5") == "203.0.113.5"
