"""Search by a detail on a picture's page, no more often than other searches that need a worker."""

from __future__ import annotations

from django.views.generic import View

from artsimilarity.api.throttling import SearchByPictureThrottle
from artsimilarity.own_picture.pages import DetailMixin


class ThrottledDetailMixin(DetailMixin):
    """Counts with searches by a visitor's own picture, on their page and in the API."""

    detail_limit = 12

    def detail_wait(self) -> float:
        """Return in how many seconds this visitor may search again."""
        throttle = SearchByPictureThrottle()
        if throttle.allow_request(self.request, View()):  # type: ignore[arg-type] # needs no more
            return 0
        return throttle.wait() or 1
