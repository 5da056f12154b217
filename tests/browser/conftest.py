"""A real browser on the demo site, served by pytest-django's ``live_server``.

``page`` is a tab with scripts, ``visit(java_script_enabled=False)`` opens one without. Chromium is
the program named by ``CHROMIUM_PATH``, else the system's, else Playwright's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import find_chromium

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

Visit = Callable[..., Any]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, closed when the last test of this folder is done.

    Playwright leaves an event loop in the main thread, in which Django refuses to use a database
    unless told that nothing runs in that loop beside the test.
    """
    with pytest.MonkeyPatch.context() as environment, playwright.sync_playwright() as driver:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        chromium = find_chromium(driver)
        if chromium is None:
            pytest.skip("needs Chromium: install it, or name it in CHROMIUM_PATH")
        browser = driver.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, live_server: LiveServer) -> Iterator[Visit]:
    """Opens a tab of its own visitor, with Playwright's options for a context.

    An error in a script of ours fails the test.
    """
    contexts: list[Any] = []
    errors: list[str] = []

    def open_tab(**options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(visit: Visit) -> Any:
    """A tab with scripts."""
    return visit()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    named = os.environ.get("AXE_PATH", "")
    if not named:
        pytest.skip("needs axe-core: npm install axe-core, and AXE_PATH names its axe.min.js")
    return Path(named).read_text(encoding="utf-8")
