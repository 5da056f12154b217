"""Pages under a strict Content-Security-Policy, as hosts may serve them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Route

from tests.worker import wait_until


def under_policy(policy: str = "default-src 'self'") -> Callable[[Route], None]:
    """Return what answers a route as the site does, but under a policy."""

    def answer(route: Route) -> None:
        response = route.fetch()
        headers = {**response.headers, "content-security-policy": policy}
        route.fulfill(response=response, headers=headers)

    return answer


def until_loaded(image: Locator) -> None:
    """Wait until an image has its size.

    Not by ``wait_for_function()``: such a policy forbids the way that it asks a second time.
    """
    wait_until(lambda: image.evaluate("(one) => one.naturalWidth > 0"))
