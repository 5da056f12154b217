"""How often a visitor may let a worker describe a picture."""

from __future__ import annotations

from rest_framework.throttling import UserRateThrottle

_DEFAULT_RATE = "12/min"


class SearchByPictureThrottle(UserRateThrottle):
    """The scope ``artsimilarity-search`` of ``DEFAULT_THROTTLE_RATES``; 12 a minute without one.

    Counted by user, or by address where nobody is logged in, in Django's default cache.
    """

    scope = "artsimilarity-search"

    def get_rate(self) -> str | None:
        """The host's rate; None, if the host says so, is no limit."""
        rate: str | None = self.THROTTLE_RATES.get(self.scope, _DEFAULT_RATE)
        return rate
