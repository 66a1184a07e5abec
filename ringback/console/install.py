"""The install page: choose how a form shows, see it in a page, copy what is pasted, ask where it may stand."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, current_app, request, url_for
from markupsafe import Markup

from ringback.accounts.operator import Role
from ringback.config.widget import Widget, origin_of
from ringback.console import access
from ringback.i18n import languages
from ringback.services import services
from ringback.web import theme
from ringback.web.bare_page import bare_page, origin_on
from ringback.web.form.fields import PAGE_TITLE

WORDS = "Request a call back"  # of the link; the site owner puts others
# An inline form's link keeps its place while the form is on its way, so that nothing on the page jumps.
RESERVED = "display:block;min-height:640px"
_SELF = "'self'"
_LONGEST_ADDRESS = 2_000
_NO_ADDRESS = (
    "is not the address of a page on the web. Copy it from your browser: "
    "it looks like https://www.acme.com/contact, and other scripts are written as xn--…."
)


class Option(NamedTuple):
    """One thing to choose. `value` goes into the query and the snippet; empty is the default."""

    value: str
    name: str
    effect: str = ""


MODES = (
    Option("dialog", "Dialog", "The link opens the form over your page."),
    Option("inline", "Inline", "The form stands in the page, where the link stood."),
    Option("button", "Button", "A launcher stays at the corner of the window."),
)
THEMES = (Option("", "As my page says"), Option("light", "Light"), Option("dark", "Dark"))


class Choices(NamedTuple):
    """How a form is to show on a page, as the query has it.

    `color` is like `#4f46e5`; `theme` and `lang` are empty where the page is to say it.
    """

    mode: str
    theme: str
    lang: str
    color: str


class Finding(NamedTuple):
    """What was found out about a page's address; `line` is what to put into ringback.toml, if anything."""

    sentence: str
    is_allowed: bool = False
    line: str = ""


# Beside the form and not under `/console/`, for who may see the widget.
blueprint = Blueprint(f"{access.PREFIX}_install", __name__)


# --- the pages ---


@blueprint.get("/<key>/install")
@access.needs(Role.VIEWER)
def install(key: str) -> Response:
    """The page for the site owner. It is a plain form: its script only spares them the button."""
    widget = _theirs(key)
    choices = choices_of(widget, request.args)
    site = _printable(request.args.get("site", ""))
    settings = services().settings
    server = settings.public_url
    # The sandbox's form is on 127.0.0.1: to a browser, a page on localhost is another site, as a customer's is.
    elsewhere = origin_on("localhost") if settings.sandbox else ""
    return bare_page(
        "console/install.html",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
        f"frame-src {elsewhere or _SELF}",
        widget=widget,
        choices=choices,
        modes=MODES,
        themes=THEMES,
        languages=languages_of(widget),
        site=site,
        finding=check(widget, site) if site else None,
        snippet=str(snippet(server, widget, choices)),
        launcher_style=launcher_style(choices.color) if choices.mode == "button" else "",
        brand_line=f'brand = "{choices.color}"' if choices.color != widget.brand else "",
        server=server,
        reserved=RESERVED,
        attributes_line=attributes_line(widget),
        pinned_script=str(script(server, integrity_of_script())),
        sandbox=settings.sandbox,
        elsewhere=elsewhere,
        # The form may be framed by the sites of its widget; to it, a host of the console's own is none of them.
        preview_url=""
        if settings.has_console_host
        else f"{elsewhere}{url_for('.preview', key=widget.key)}?{urlencode(choices._asdict())}",
    )


@blueprint.get("/<key>/install/preview")
@access.needs(Role.VIEWER)
def preview(key: str) -> Response:
    """A page of a customer's with the very snippet on it, for the install page to frame."""
    widget, is_sandbox = _theirs(key), services().settings.sandbox
    choices = choices_of(widget, request.args)
    server = services().settings.public_url
    ours = server if is_sandbox else _SELF
    return bare_page(
        "console/preview.html",
        f"default-src 'none'; script-src {ours}; frame-src {ours}; style-src 'self'",
        ancestors=f"'self' {server}" if is_sandbox else _SELF,
        sandbox=is_sandbox,
        widget=widget,
        # Its policy forbids style attributes, so its style sheet reserves the place.
        snippet=snippet(server, widget, choices, reserves=False),
        # A launcher leaves its place empty.
        at_the_end=choices.mode == "button",
        accent=choices.color[1:] if choices.mode == "button" else "",
    )


@blueprint.get("/<key>/install/accent.css")
@access.needs(Role.VIEWER)
def accent(key: str) -> Response:
    """A colour as a style sheet: a page with a strict policy cannot be given one in any other way."""
    _theirs(key)
    colour = _colour(request.args.get("color", "")) or abort(400)
    return Response(launcher_style(colour) + "\n", mimetype="text/css")


def _theirs(key: str) -> Widget:
    widget = services().settings.widget(key)
    if widget is None or not access.operator().may_see(widget.key):
        abort(404)
    return widget


# --- what was chosen, and what is pasted for it ---


def choices_of(widget: Widget, asked: Mapping[str, str]) -> Choices:
    """What a query asks for; the default where it asks for nothing, or for what there is not."""

    def one_of(options: tuple[Option, ...], name: str) -> str:
        values = [option.value for option in options]
        return asked[name] if asked.get(name) in values else values[0]

    return Choices(
        mode=one_of(MODES, "mode"),
        theme=one_of(THEMES, "theme"),
        lang=one_of(languages_of(widget), "lang"),
        color=_colour(asked.get("color", "")) or widget.brand,
    )


def languages_of(widget: Widget) -> tuple[Option, ...]:
    """The languages that a widget offers, each named in itself, after "as my page says"."""
    offered = map(languages.language, widget.languages)
    return (Option("", "As my page says"), *[Option(each.html, f"{each.name} ({each.html})") for each in offered])


def _colour(text: str) -> str:
    """`4F46E5` or `#4f46e5` as `#4f46e5`; anything else as nothing."""
    found = re.fullmatch(r"#?([0-9a-fA-F]{6})", text)
    return f"#{found[1].lower()}" if found else ""


def snippet(server: str, widget: Widget, choices: Choices, *, reserves: bool = True) -> Markup:
    """The link and the script, with those attributes only that differ from the default."""
    attributes = {"href": f"{server}/{widget.key}"}
    if choices.mode != MODES[0].value:
        attributes["data-ringback"] = choices.mode
    if choices.theme:
        attributes["data-ringback-theme"] = choices.theme
    if choices.lang:
        attributes["data-ringback-lang"] = choices.lang
    if choices.mode == "inline" and reserves:
        attributes["style"] = RESERVED
    written = Markup(" ").join(Markup('{}="{}"').format(*attribute) for attribute in attributes.items())
    return Markup("<a {}>{}</a>\n{}").format(written, WORDS, script(server))


def script(server: str, integrity: str = "") -> Markup:
    """The script element; with `integrity`, a browser runs no other bytes than those."""
    pinned = Markup(' integrity="{}" crossorigin="anonymous"').format(integrity) if integrity else ""
    return Markup('<script async src="{}/embed.js"{}></script>').format(server, pinned)


def attributes_line(widget: Widget) -> str:
    """The attributes that a link may have for the agent, with no value yet."""
    # The script fills in the page's title by itself.
    return " ".join(f'data-ringback-{name}="…"' for name in widget.attributes if name != PAGE_TITLE)


def integrity_of_script() -> str:
    """The SHA-384 of `/embed.js` in the form of https://www.w3.org/TR/SRI/, of the bytes that are served."""
    with current_app.test_client() as browser:
        served = browser.get("/embed.js", base_url=services().settings.public_url).data
    return "sha384-" + base64.b64encode(hashlib.sha384(served).digest()).decode()


def launcher_style(colour: str) -> str:
    """What a page's own style sheet says to give the launcher a colour."""
    return f":root {{ --ringback-accent: {colour}; --ringback-on-accent: {theme.text_on(colour)}; }}"


# --- where it may stand ---


def check(widget: Widget, address: str) -> Finding:
    """Whether a page at this address may show the form; nothing is fetched from there."""
    try:
        origin = _origin_of_page(address)
    except ValueError:
        return Finding(f"“{address}” {_NO_ADDRESS}")
    host = urlsplit(origin).netloc
    if origin in widget.origins:
        return Finding(f"{host} may show the form.", is_allowed=True)
    line = "origins = [{}]".format(", ".join(f'"{each}"' for each in (*widget.origins, origin)))
    where = f"origins of [widgets.{widget.key}] in ringback.toml"
    near = next((each for each in widget.origins if _bare_host(each) == _bare_host(origin)), None)
    if near:
        sentence = f"You allow {near}; this page is at {origin}, which is another origin. Add it to {where}."
    else:
        sentence = f'{host} may not show the form yet: add "{origin}" to {where}.'
    return Finding(sentence, line=line)


def _printable(text: str) -> str:
    """What can be shown in a page again: HTML has no place for some control characters."""
    return "".join(filter(str.isprintable, text[:_LONGEST_ADDRESS])).strip()


def _origin_of_page(address: str) -> str:
    """The origin of a page's address; without a scheme it is taken for https. Raises ValueError."""
    is_whole = re.match(r"[a-z][a-z0-9+.-]*://", address, re.IGNORECASE)
    parts = urlsplit(address if is_whole else f"https://{address}")
    origin = origin_of(f"{parts.scheme}://{parts.netloc}")
    host = urlsplit(origin).hostname or ""
    names = host.removesuffix(".").split(".")
    if not all(names) or not re.search(r"[a-z0-9]", host):
        raise ValueError("is no host")
    if not is_whole and len(names) == 1 and host != "localhost":
        raise ValueError("is a word rather than an address")
    return origin


def _bare_host(origin: str) -> str:
    return (urlsplit(origin).hostname or "").removeprefix("www.")
