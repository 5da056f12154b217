"""How often a visitor may let a worker describe a picture, or a part of one."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

_DEFAULT_RATE = "12/min"


class SearchByPictureThrottle(UserRateThrottle):
    """The scope ``artsimilarity-search`` of ``DEFAULT_THROTTLE_RATES``; 12 a minute without one.

    Counted by user, or by address where nobody is logged in, in Django's default cache. The header
    X-Forwarded-For counts as far as the site's own proxies wrote it, which
    ``REST_FRAMEWORK["NUM_PROXIES"]`` says: without that setting it counts for nothing, since any
    client may send one.
    """

    scope = "artsimilarity-search"

    def get_ident(self, request: Request) -> str:
        """The address that the site's proxies vouch for, or that connects."""
        if api_settings.NUM_PROXIES is None:
            return str(request.META.get("REMOTE_ADDR") or "")
        return str(super().get_ident(request))

    def get_rate(self) -> str | None:
        """The host's rate; None, if the host says so, is no limit."""
        rate: str | None = self.THROTTLE_RATES.get(self.scope, _DEFAULT_RATE)
        return rate
