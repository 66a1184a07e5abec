"""What the form costs a phone on a slow line, beside the same form without styles or scripts.

Both are pages of their own; the bare one is the HTML of ours with its styles, scripts and icon taken out, so what
is between them is what the look and the comfort cost. They take turns, another one first in each round.
"""

import re
import statistics
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import options
from tools.bench import served
from tools.bench.embeds import HostSite
from tools.bench.host_page import opened, weigh
from tools.bench.record import Bar, at_most, machine, record, table
from tools.bench.upstream import Upstream

ROUNDS = 9
SLOWED = 6
# "Slow 4G" of the browser's own tools and of Lighthouse, as its throttling by the browser has it.
SLOW_4G = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1_474.56 * 1024 / 8,
    "uploadThroughput": 675 * 1024 / 8,
}
_LOOKS = re.compile(
    r"<style>.*?</style>|<link rel=\"(?:stylesheet|icon)\"[^>]*>|<script[^>]*></script>", re.DOTALL
)
# Module scripts run before DOMContentLoaded ends.
TIMES = """() => new Promise((resolve) => {
  const [page] = performance.getEntriesByType("navigation");
  new PerformanceObserver((list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (paint) resolve([paint.startTime, Math.max(paint.startTime, page.domContentLoadedEventEnd)]);
  }).observe({ type: "paint", buffered: true });
})"""


class Times(NamedTuple):
    """Milliseconds from the start of the visit."""

    first_paint: float
    usable: float


def visit(browser: Browser, url: str) -> Times:
    with opened(browser) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW_4G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        page.goto(url, wait_until="load")
        return Times(*page.evaluate(TIMES))


def measure(browser: Browser, urls: dict[str, str]) -> tuple[list[float], list[float]]:
    """Requests, bytes, first paint and usable in ms, of each."""
    taken: dict[str, list[Times]] = {name: [] for name in urls}
    for turn in range(ROUNDS):
        for name in sorted(urls, reverse=bool(turn % 2)):
            taken[name].append(visit(browser, urls[name]))
    figures: dict[str, list[float]] = {}
    for name, url in urls.items():
        weight = weigh(browser, url)
        asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            page = len(answer.read())
        figures[name] = [
            1 + weight.requests,
            page + weight.served,
            statistics.median(times.first_paint for times in taken[name]),
            statistics.median(times.usable for times in taken[name]),
        ]
    ours, bare = figures.values()
    return ours, bare


def rows(ours: list[float], bare: list[float]) -> list[tuple[str, ...]]:
    names = "requests", "bytes as sent", "first paint, ms", "usable, ms"
    return [
        (name, f"{mine:,.0f}", f"{limit:,.0f}", f"{mine / limit:.2f}")
        for name, mine, limit in zip(names, ours, bare, strict=True)
    ]


def main() -> list[Bar]:
    measured_on = machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        samespace, site = stack.enter_context(Upstream()), stack.enter_context(HostSite())
        server = stack.enter_context(served.web(folder, served.environment(folder, samespace.base_url)))
        with urllib.request.urlopen(f"{server.url}/sales", timeout=30) as answer:
            plain = _LOOKS.sub("", answer.read().decode()).replace(
                "<title>", '<link rel="icon" href="data:,"><title>'
            )
        site.shows("/bare", "text/html", plain.encode(), zipped=True)
        browser = stack.enter_context(sync_playwright()).chromium.launch(**options())
        stack.callback(browser.close)
        ours, bare = measure(browser, {"ours": f"{server.url}/sales", "the limit": f"{site.files_url}/bare"})
        measured_on += f", Chromium {browser.version}"
    record("form-page", f"{table('the form, ours, the limit, ratio', rows(ours, bare))}\n\n{measured_on}.")
    return [at_most("the form usable on a phone slowed six times, slow 4G", ours[-1], 2000, " ms")]


if __name__ == "__main__":
    main()
