"""What the host page pays for an embed before anybody clicks: bytes, requests, script, idle, shift, storage.

Each embed has a page of its own, alike but for what is pasted. A round loads every page twice: slowed four times,
for what a phone feels; and as fast as it goes, traced, for the longest task. Then all of them rest side by side.
Rounds begin with another page each time, so that a machine that tires, or has other work, is unfair to none.
"""

import gzip
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Request, sync_playwright

from ringback.sandbox.samespace import SandboxSamespace
from tests.browser.chromium import options
from tests.running import Server, production
from tools.bench.embeds import Embed, HostSite, all_on
from tools.bench.record import Bar, machine, record

ROUNDS = 7
SLOWED = 4
REST_SECONDS = 10
SETTLED_MS = 200  # after the network has been silent for half a second
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]

LAYOUT_SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve(sum), 50));  // what is buffered comes in a task of its own
})"""
KEYS = """async () => Object.keys(localStorage).length + Object.keys(sessionStorage).length
  + (await indexedDB.databases()).length + (await caches.keys()).length"""


class Weight(NamedTuple):
    """What one load fetched besides the page itself. Bytes are of bodies."""

    requests: int
    in_frame: int  # of them, in a frame of the page
    unanswered: int  # of them, to hosts that are not here
    raw: int
    zipped: int  # each body by gzip -9
    served: int  # as it came, with its Content-Encoding


@dataclass
class Figures:
    """What was seen of one embed: a number for each round, except for the weight, which is always the same."""

    weight: Weight
    script_ms: list[float] = field(default_factory=list)
    task_ms: list[float] = field(default_factory=list)  # of the processor's time; 0 where no script ran
    task_clock_ms: list[float] = field(default_factory=list)  # the same by the clock
    idle_ms: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)
    written: list[int] = field(default_factory=list)


class Row(NamedTuple):
    embed: Embed
    url: str
    figures: Figures


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A page of a phone's size with nothing remembered."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    yield context.new_page()
    context.close()


def settle(page: Page, url: str) -> None:
    page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(SETTLED_MS)


def weigh(browser: Browser, url: str) -> Weight:
    with opened(browser) as page:
        seen: list[Request] = []
        page.context.on("request", lambda request: seen.append(request))
        settle(page, url)
        fetched = [request for request in seen if request.url != url]
        answered = [request for request in fetched if request.failure is None]
        bodies = [_body(request) for request in answered]
        return Weight(
            requests=len(fetched),
            in_frame=sum(request.frame != page.main_frame for request in fetched),
            unanswered=len(fetched) - len(answered),
            raw=sum(map(len, bodies)),
            zipped=sum(len(gzip.compress(body, 9, mtime=0)) for body in bodies),
            served=sum(request.sizes()["responseBodySize"] for request in answered),
        )


def _body(request: Request) -> bytes:
    response = request.response()
    if response is None or not response.ok:
        raise RuntimeError(f"{request.url} was not answered as it should be")
    return response.body()


def watched(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # what others do to the machine is not in it
    return session


def metric(session: CDPSession, name: str) -> float:
    """One of the browser's own counters of the host page's main thread, in ms of the processor's time."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(entry["value"]) * 1000 for entry in metrics if entry["name"] == name)


def load_slowed(browser: Browser, row: Row) -> None:
    with opened(browser) as page:
        session = watched(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        settle(page, row.url)
        row.figures.script_ms.append(metric(session, "ScriptDuration"))
        row.figures.shift.append(float(page.evaluate(LAYOUT_SHIFT)))


def load_traced(browser: Browser, page: Page, row: Row) -> CDPSession:
    session = watched(page)
    browser.start_tracing(page=page, categories=TRACED)
    settle(page, row.url)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    tasks = script_tasks(events, frame)
    row.figures.task_ms.append(max((task["tdur"] / 1000 for task in tasks), default=0))
    row.figures.task_clock_ms.append(max((task["dur"] / 1000 for task in tasks), default=0))
    return session


def script_tasks(events: list[dict[str, Any]], frame: str) -> list[dict[str, Any]]:
    """The tasks of the host page's main thread in which a script ran. The page has no script of its own.

    Not by the browser's observer of long tasks, which sees nothing under 50 ms.
    """
    ran = [event for event in events if event["name"] in ("EvaluateScript", "FunctionCall")]
    ran = [event for event in ran if _runs_in(frame, event["args"].get("data", {}))]
    tasks = [event for event in events if event["name"] == "RunTask" and "tdur" in event]
    return [task for task in tasks if any(_holds(task, event) for event in ran)]


def _runs_in(frame: str, data: dict[str, Any]) -> bool:
    """Whether it is a script of that frame, and not of what drives the browser, which has no address."""
    return data.get("frame") == frame and str(data.get("url", "")).startswith("http")


def _holds(task: dict[str, Any], event: dict[str, Any]) -> bool:
    in_same_thread = (task["pid"], task["tid"]) == (event["pid"], event["tid"])
    return in_same_thread and task["ts"] <= event["ts"] < task["ts"] + task["dur"]


def rest(pages: list[tuple[Row, Page, CDPSession]]) -> None:
    """Leave all pages alone. They are not slowed: that keeps a core busy for each, whatever they do."""
    before = [metric(session, "TaskDuration") for _, _, session in pages]
    pages[0][1].wait_for_timeout(REST_SECONDS * 1000)
    after = [metric(session, "TaskDuration") for _, _, session in pages]
    for (row, page, _), start, end in zip(pages, before, after, strict=True):
        row.figures.idle_ms.append(end - start)
        row.figures.written.append(_written(page.context, page))


def _written(context: BrowserContext, page: Page) -> int:
    """Cookies, and keys of any storage, that the host page now has."""
    return len(context.cookies(page.url)) + int(page.evaluate(KEYS))


def measure(browser: Browser, site: HostSite, server: Server) -> list[Row]:
    rows = []
    for index, embed in enumerate(all_on(site, server.url)):
        url = f"{site.url}/{index}"
        rows.append(Row(embed, url, Figures(weigh(browser, url))))
    for turn in range(ROUNDS):
        order = rows[turn % len(rows) :] + rows[: turn % len(rows)]
        for row in order:
            load_slowed(browser, row)
        with ExitStack() as stack:
            pages = [(row, stack.enter_context(opened(browser))) for row in order]
            rest([(row, page, load_traced(browser, page, row)) for row, page in pages])
    return rows


# ---- As tables


def cells(*values: object) -> str:
    return f"| {' | '.join(map(str, values))} |"


def _requests(weight: Weight) -> str:
    parts = [str(weight.requests - weight.in_frame - weight.unanswered)]
    parts += [f"{weight.in_frame} in the frame"] if weight.in_frame else []
    parts += [f"{weight.unanswered} not answered"] if weight.unanswered else []
    return " + ".join(parts)


def _task(figures: Figures) -> str:
    if not any(figures.task_ms):
        return "none"
    return f"{statistics.median(figures.task_ms):.1f} ({statistics.median(figures.task_clock_ms):.1f})"


COLUMNS = (
    "before a click, requests, bytes, gzip -9, as served, pasted, script ms, longest task ms, "
    "idle ms in 10 s, layout shift, written"
).split(", ")


def all_figures(rows: list[Row]) -> str:
    return "\n".join([cells(*COLUMNS), cells("---", *["---:"] * (len(COLUMNS) - 1)), *map(_figures, rows)])


def _figures(row: Row) -> str:
    embed, figures = row.embed, row.figures
    weight = figures.weight
    return cells(
        embed.name,
        _requests(weight),
        f"{weight.raw:,}",
        f"{weight.zipped:,}" if embed.is_whole else f"more than {weight.zipped:,}",
        "" if embed.is_peer else f"{weight.served:,}",
        len(embed.paste.encode()),
        f"{statistics.median(figures.script_ms):.1f}",
        _task(figures),
        f"{statistics.median(figures.idle_ms):.1f}",
        f"{max(figures.shift):.3f}",
        max(figures.written),
    )


COMPARED: dict[str, Callable[[Figures], float]] = {
    "gzip of all it loads": lambda figures: figures.weight.zipped,
    "requests": lambda figures: figures.weight.requests,
    "script ms": lambda figures: statistics.median(figures.script_ms),
    "longest task ms": lambda figures: statistics.median(figures.task_ms),
    "idle ms in 10 s": lambda figures: statistics.median(figures.idle_ms),
}
# Ours beside the peers that do the same; where there is no peer, beside the limit.
BESIDE = {
    "Ringback dialog": ["Cal popup", "Typeform popup"],
    "Ringback button": ["Cal floating button", "Typeform popover"],
    "Ringback inline": ["bare iframe"],
}


def ratios(rows: list[Row]) -> str:
    figures = {row.embed.name: row.figures for row in rows}
    lines = [cells("figure", "Ringback", "best of the others", "ratio"), "| --- | ---: | ---: | ---: |"]
    for ours, others in BESIDE.items():
        for what, of in COMPARED.items():
            best = min(others, key=lambda name: of(figures[name]))
            lines.append(_compared(f"{ours.removeprefix('Ringback ')}: {what}", of, figures, ours, best))
    idle = "idle ms in 10 s"
    for ours in BESIDE:
        what = f"{ours.removeprefix('Ringback ')}: {idle}, beside a page without it"
        lines.append(_compared(what, COMPARED[idle], figures, ours, "bare link"))
    return "\n".join(lines)


def _compared(what: str, of: Callable[[Figures], float], figures: dict[str, Figures], ours: str, best: str) -> str:
    mine, theirs = of(figures[ours]), of(figures[best])
    ratio = f"{mine / theirs:.2f}" if theirs > 0 else "-"
    return cells(what, f"{mine:,.5g}", f"{theirs:,.5g} ({best})", ratio)


def bars(rows: list[Row]) -> str:
    ours = [row.figures for row in rows if row.embed.is_ours]
    peers = [row.figures for row in rows if row.embed.is_peer and row.embed.is_whole]
    figures = {row.embed.name: row.figures for row in rows}
    dialog, link = figures["Ringback dialog"], figures["bare link"]
    served, requests = dialog.weight.served, dialog.weight.requests
    zipped = dialog.weight.zipped / min(peer.weight.zipped for peer in peers)
    idle = statistics.median(dialog.idle_ms) - statistics.median(link.idle_ms)
    task = max(statistics.median(mode.task_ms) for mode in ours)
    by_clock = max(statistics.median(mode.task_clock_ms) for mode in ours)
    shift = max(max(mode.shift) for mode in ours)
    written = max(max(mode.written) for mode in ours)
    return "\n".join(
        [
            "| bar | measured | met |\n| --- | ---: | --- |",
            _bar("bytes of the script as served: at most 3,500", served, served <= 3500),
            _bar("gzip, dialog / the lightest peer: under 1", zipped, zipped < 1),
            _bar("requests before a click, dialog: 1", requests, requests == 1),
            _bar("longest task, worst mode: at most 5 ms of the processor's time", task, task <= 5),
            _bar("the same by the clock", by_clock, by_clock <= 5),
            _bar("idle in 10 s, dialog less bare link: at most 1 ms", idle, idle <= 1),
            _bar("layout shift, worst mode and round: 0", shift, shift == 0),
            _bar("cookies and keys on the host page, worst mode: 0", written, written == 0),
        ]
    )


def _bar(what: str, measured: float, is_met: bool) -> str:
    return cells(what, f"{measured:,.4g}", "yes" if is_met else "**no**")


def lightest(rows: list[Row]) -> Bar:
    """Ours, with all it loads before it opens, beside the peer that loads least."""
    figures = {row.embed.name: row.figures.weight.zipped for row in rows}
    peers = [figures[row.embed.name] for row in rows if row.embed.is_peer and row.embed.is_whole]
    ratio = figures["Ringback dialog"] / min(peers)
    return Bar("embed script, gzip / the lightest peer's", "< 1", f"{ratio:.3g}", ratio < 1)


def main() -> list[Bar]:
    measured_on = machine()
    launch: dict[str, Any] = options()
    launch["args"] = [*launch["args"], NOWHERE_ELSE]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        samespace = stack.enter_context(SandboxSamespace())
        site = stack.enter_context(HostSite())
        server = production(folder, samespace.base_url)
        with (folder / "ringback.toml").open("a") as configuration:
            configuration.write(f'origins = ["{site.url}"]\n')
        stack.callback(server.start().stop)
        browser = stack.enter_context(sync_playwright()).chromium.launch(**launch)
        stack.callback(browser.close)
        rows = measure(browser, site, server)
        measured_on += f", Chromium {browser.version}"
    record("host-page", "\n\n".join([all_figures(rows), ratios(rows), bars(rows), f"{measured_on}."]))
    return [lightest(rows)]


if __name__ == "__main__":
    main()
