"""What a site owner pastes, one web site for all of it, and nothing but this machine behind.

The host page is at `localhost`, the scripts at `127.0.0.1`: to a browser two sites, as in life. The scripts of the
peers are the files of their npm packages, sent with gzip, as ours is.
"""

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple, Self

from tests import npm

# Enough of it that what grows late would move something.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Acme</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width">
<style>body{{margin:1rem;font:1rem/1.5 sans-serif}}</style></head>
<body><h1>Acme</h1>{before}<main>{paste}</main>{after}</body></html>"""
PARAGRAPH = "<p>Acme makes what you need, and has made it for long. Here is how we work, and what it costs.</p>"
TYPES = {".js": "text/javascript", ".css": "text/css"}
# Written into Typeform's script, and as long as the address here that takes its place.
TYPEFORM_STYLES = b"https://embed.typeform.com/next/css/"
# Asked for and not had: the browser is told that no other machine exists.
NOT_HERE = "https://app.formbricks.com"


class Embed(NamedTuple):
    """One way to put a form on a page."""

    name: str
    paste: str
    is_whole: bool = True  # whether all it loads before a click can be had here

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("Ringback")

    @property
    def is_peer(self) -> bool:
        return not self.name.startswith(("Ringback", "bare"))

    @property
    def page(self) -> str:
        return PAGE.format(before=PARAGRAPH, paste=self.paste, after=PARAGRAPH * 12)


class HostSite:
    """A web site with one page for each embed, and the peers' files."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805 (the method speaks of the site as self)
                self._answer(handler)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://localhost:{self._server.server_port}"
        self.files_url = f"http://127.0.0.1:{self._server.server_port}"
        self._files: dict[str, tuple[str, bytes, bool]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def shows(self, path: str, kind: str, body: bytes, zipped: bool = True) -> None:
        self._files[path] = kind, gzip.compress(body, 9) if zipped else body, zipped

    def serves_folder(self, prefix: str, folder: Path) -> None:
        for path in folder.rglob("*"):
            if kind := TYPES.get(path.suffix):
                self.shows(f"{prefix}/{path.relative_to(folder).as_posix()}", kind, path.read_bytes())

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        kind, body, zipped = self._files.get(handler.path.split("?")[0], ("text/plain", b"", False))
        handler.send_response(200 if handler.path.split("?")[0] in self._files else 404)
        handler.send_header("Content-Type", f"{kind}; charset=utf-8")
        if zipped:
            handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Access-Control-Allow-Origin", "*")  # a module is only had with it
        handler.end_headers()
        handler.wfile.write(body)


def ringback(url: str) -> list[Embed]:
    """The two limits, and the modes of ours. `url` is where Ringback is served; `sales` is the widget."""
    form, script = f"{url}/sales", f'<script async src="{url}/embed.js"></script>'
    inline = 'data-ringback="inline" style="display:block;min-height:640px"'
    frame = f'<iframe src="{form}" title="Call back" style="width:100%;height:640px;border:0"></iframe>'
    return [
        Embed("bare link", f'<a href="{form}">Request a call back</a>'),
        Embed("bare iframe", frame),
        Embed("Ringback dialog", f'<a href="{form}">Request a call back</a>{script}'),
        Embed("Ringback inline", f'<a href="{form}" {inline}>Request a call back</a>{script}'),
        Embed("Ringback button", f'<a href="{form}" data-ringback="button">Request a call back</a>{script}'),
    ]


def cal(site: HostSite) -> list[Embed]:
    """Its snippet package makes the queue that loads embed-core; the calls after it are those of its guide."""
    site.serves_folder("/cal", npm.folder("@calcom/embed-core") / "dist" / "embed")
    snippet = (npm.folder("@calcom/embed-snippet") / "dist" / "snippet.umd.js").read_text(encoding="utf-8")
    start = (
        f'{snippet}snippet.default("{site.files_url}/cal/embed.js");'
        'Cal("init","call",{origin:"https://app.cal.com"});'
    )
    popup = '<button data-cal-link="acme/call" data-cal-namespace="call">Request a call back</button>'
    floating = 'Cal.ns.call("floatingButton",{calLink:"acme/call",buttonText:"Request a call back"});'
    return [
        Embed("Cal popup", f"{popup}<script>{start}</script>"),
        Embed("Cal floating button", f"<script>{start}{floating}</script>"),
    ]


def typeform(site: HostSite) -> list[Embed]:
    folder = npm.folder("@typeform/embed") / "build"
    site.serves_folder("/typeform", folder)
    code = (folder / "embed.js").read_bytes()
    if TYPEFORM_STYLES not in code:
        raise RuntimeError("Typeform's script has its styles elsewhere")
    here = f"{site.files_url}/typeform/css/".encode()
    site.shows("/typeform/embed.js", TYPES[".js"], code.replace(TYPEFORM_STYLES, here))
    script = f'<script src="{site.files_url}/typeform/embed.js"></script>'
    return [
        Embed("Typeform popup", f'<button data-tf-popup="acme">Request a call back</button>{script}'),
        Embed("Typeform popover", f'<div data-tf-popover="acme"></div>{script}'),
    ]


def formbricks(site: HostSite) -> list[Embed]:
    """Its package is a loader: the script proper and the bundle of surveys come from its server only."""
    site.serves_folder("/formbricks", npm.folder("@formbricks/js") / "dist")
    start = (
        f'import formbricks from "{site.files_url}/formbricks/index.js";'
        f'formbricks.setup({{workspaceId:"acme",appUrl:"{NOT_HERE}"}});'
    )
    return [Embed("Formbricks, its loader only", f'<script type="module">{start}</script>', is_whole=False)]


def all_on(site: HostSite, ringback_url: str) -> list[Embed]:
    """Every embed, each on a page of the site at `/0`, `/1` and so on."""
    embeds = [*ringback(ringback_url), *cal(site), *typeform(site), *formbricks(site)]
    for index, embed in enumerate(embeds):
        site.shows(f"/{index}", "text/html", embed.page.encode())
    return embeds
