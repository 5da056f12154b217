"""Measures what visitors of a running demo wait for: paints, shifts, answers, and bytes.

    python -m tests.page_speed http://127.0.0.1:8000/

Prints two tables. The first is of three runs each, their medians: largest contentful paint (LCP),
cumulative layout shift (CLS), and the slowest interaction (INP; of so few the longest is the one
that counts) while the slider is moved, a neighbour is laid on the light table, more neighbours are
shown, and the viewer is opened and zoomed. The second is of what comes over the line until a page
is quiet, and of LCP over slower lines, which the browser simulates: of the home page the median of
three visits, of three pictures' pages the least and the most. In Chromium without a graphics card,
with an empty cache. Needs Playwright; Chromium as the tests find it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import find_chromium

WINDOWS = ((390, 844), (1280, 800))
RUNS = 3
# Width, height, and device pixels a CSS pixel.
SCREENS = ((390, 844, 1), (390, 844, 2), (390, 844, 3), (1280, 800, 1), (1920, 1080, 1))
# Mbit/s and ms, as DevTools and Lighthouse name them; None is the line that there is.
LINES = {"unthrottled": None, "4G": (9.0, 170), "slow 4G": (1.6, 150)}
# Which tiles of the home page lead to the pictures' pages that are looked at.
PICTURES = (1, 7, 13)

# Kept on the page from before it is loaded, as later observers may have missed some.
_OBSERVE = """
window.measured = { lcp: 0, cls: 0, inp: 0 };
const observe = (type, take, options = {}) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take))
    .observe({ type, buffered: true, ...options });
observe("largest-contentful-paint", (entry) => { window.measured.lcp = entry.startTime; });
observe("layout-shift", (entry) => {
  if (!entry.hadRecentInput) window.measured.cls += entry.value;
});
observe("event", (entry) => {
  if (entry.interactionId) window.measured.inp = Math.max(window.measured.inp, entry.duration);
}, { durationThreshold: 16 });
"""


@dataclass(frozen=True)
class Load:
    """What one load of a page took: milliseconds, bytes on the wire, and those of pictures."""

    lcp: float
    bytes: float
    pictures: float


@dataclass(frozen=True)
class Visit:
    """What one visit measured: milliseconds, and shares of the window for ``cls``."""

    lcp: float
    cls: float
    inp: dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", help="address of the demo")
    site = parser.parse_args().site
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print("| window | page | LCP ms | CLS | slowest answer ms, by what is done |")
    print("|---|---|---|---|---|")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(driver))
        for size in WINDOWS:
            for name, visit in (("home", _home), ("a picture", _picture)):
                visits = [visit(browser, site, size) for _run in range(RUNS)]
                print(_line(size, name, visits), flush=True)
        print()
        print(f"| window, pixels a CSS pixel | page | kB, pictures | LCP ms: {', '.join(LINES)} |")
        print("|---|---|---|---|")
        for screen in SCREENS:
            for name, addresses in _pages(browser, site):
                by_line = {
                    line: [_loaded(browser, address, screen, line) for address in addresses]
                    for line in LINES
                }
                print(_line_of_loads(screen, name, by_line), flush=True)
        browser.close()


def _pages(browser: Browser, site: str) -> list[tuple[str, list[str]]]:
    """Addresses of the pages, each once for every visit."""
    page = _opened(browser, site, WINDOWS[-1])
    root = re.sub(r"/$", "", site)
    mounts = page.locator(".rows .mount")
    pictures = [f"{root}{mounts.nth(number).get_attribute('href')}" for number in PICTURES]
    page.context.close()
    return [("home", [site] * RUNS), ("a picture", pictures)]


def _loaded(browser: Browser, address: str, screen: tuple[int, int, int], line: str) -> Load:
    width, height, scale = screen
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale
    )
    context.add_init_script(_OBSERVE)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    bytes_of: dict[str, float] = {}
    devtools.on(
        "Network.responseReceived", lambda one: kinds.update({one["requestId"]: one["type"]})
    )
    devtools.on(
        "Network.loadingFinished",
        lambda one: bytes_of.update({one["requestId"]: one["encodedDataLength"]}),
    )
    devtools.send("Network.enable")
    if speed := LINES[line]:
        throughput = speed[0] * 1e6 / 8
        devtools.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": speed[1],
                "downloadThroughput": throughput,
                "uploadThroughput": throughput,
            },
        )
    page.goto(address)
    page.wait_for_load_state("networkidle")
    lcp = _measured(page)["lcp"]
    pictures = sum(bytes_of[one] for one in bytes_of if kinds.get(one) == "Image")
    context.close()
    return Load(lcp, sum(bytes_of.values()), pictures)


def _line_of_loads(screen: tuple[int, int, int], name: str, by_line: dict[str, list[Load]]) -> str:
    def words(values: list[float]) -> str:
        if name == "home":
            return f"{statistics.median(values):.0f}"
        return f"{min(values):.0f} to {max(values):.0f}"

    loads = by_line["unthrottled"]
    kilobytes = words([one.bytes / 1000 for one in loads])
    pictures = words([one.pictures / 1000 for one in loads])
    paints = ", ".join(words([one.lcp for one in visits]) for visits in by_line.values())
    width, height, scale = screen
    return f"| {width} × {height}, {scale} | {name} | {kilobytes}, {pictures} | {paints} |"


def _line(size: tuple[int, int], name: str, visits: list[Visit]) -> str:
    doings = ", ".join(
        f"{doing} {statistics.median(one.inp[doing] for one in visits):.0f}"
        for doing in visits[0].inp
    )
    lcp = statistics.median(one.lcp for one in visits)
    shift = statistics.median(one.cls for one in visits)
    return f"| {size[0]} × {size[1]} | {name} | {lcp:.0f} | {shift:.3f} | {doings or '–'} |"


def _opened(browser: Browser, address: str, size: tuple[int, int]) -> Page:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_init_script(_OBSERVE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


def _measured(page: Page) -> dict[str, float]:
    measured: dict[str, float] = page.evaluate("measured")
    return measured


def _home(browser: Browser, site: str, size: tuple[int, int]) -> Visit:
    page = _opened(browser, site, size)
    lcp = _measured(page)["lcp"]  # nothing is painted for it any more once somebody does something
    for _step in range(4):
        page.mouse.wheel(0, size[1])
        page.wait_for_timeout(300)
    shift = _measured(page)["cls"]
    page.context.close()
    return Visit(lcp, shift, {})


def _picture(browser: Browser, site: str, size: tuple[int, int]) -> Visit:
    page = _opened(browser, site, size)
    address = page.locator(".rows .mount").nth(1).get_attribute("href")
    page.context.close()
    page = _opened(browser, re.sub(r"/$", "", site) + str(address), size)
    lcp = _measured(page)["lcp"]
    inp = {}
    for doing, do in _doings(page):
        page.evaluate("() => { measured.inp = 0; }")
        do()
        page.wait_for_timeout(900)  # events are told of once their frame is there
        inp[doing] = _measured(page)["inp"]
    shift = _measured(page)["cls"]
    page.context.close()
    return Visit(lcp, shift, inp)


def _doings(page: Page) -> Iterator[tuple[str, Callable[[], Any]]]:
    slider = page.locator(".artsimilarity-slider-input")

    def slide() -> None:
        slider.focus()
        for _step in range(4):
            page.keyboard.press("ArrowLeft")

    def look() -> None:
        page.locator("[data-viewer]").click()
        for _step in range(3):
            page.keyboard.press("+")

    def close() -> None:
        page.keyboard.press("Escape")

    yield "slider", slide
    yield "light table", page.locator("#alike .table-button").first.click
    yield "show more", page.locator("[data-more]").click
    yield "viewer", look
    yield "close", close


if __name__ == "__main__":
    main()
