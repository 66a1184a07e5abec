"""What every visitor's page has: its language, its widget's colours, who may frame it, how it is to be shown."""

import json
from contextvars import Token
from typing import Any
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from flask import Flask, Response, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from ringback import phone
from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.languages import Language
from ringback.i18n.languages import gettext as _
from ringback.services import services
from ringback.web import headers
from ringback.web.theme import OURS
from ringback.web.theme import style as style_of

Answer = Response | BaseResponse

# How the embed script asks for pages to be shown; passed on from page to page.
_SHOWN = ("embed", "theme", "lang")
# What was spoken before a request, kept with the request: `g` may be shared with one around it.
_BEFORE = "ringback.language_before"


def init_app(app: Flask) -> None:
    """Choose the language of every answer before anything can fail, and let templates use it."""
    app.before_request(_choose_language)
    app.teardown_request(_restore_language)
    app.context_processor(everywhere)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda sentence: languages.current().translations.gettext(sentence),
        lambda one, many, num: languages.current().translations.ngettext(one, many, num),
        newstyle=True,  # fills in by name, and escapes what it fills in
    )


def _choose_language() -> None:
    key, settings = (request.view_args or {}).get("key", ""), services().settings
    # At / stands the form of the first widget.
    first = next(iter(settings.widgets.values()))
    request.environ[_BEFORE] = speak(first if key is None else settings.widget(key))


def _restore_language(_error: BaseException | None) -> None:
    # The next to run in this thread, a request or a background task, must not read this one's language.
    if before := request.environ.pop(_BEFORE, None):
        languages.restore(before)


def speak(widget: Widget | None, stored: str = "") -> Token[Language]:
    """Choose the language of the answer, of those that a widget offers; without a widget, of those of all widgets.

    First the one in the address, which the host page or the visitor chose; then the one that a request was
    `stored` in; then the browser's; then the widget's first.
    """
    browser = languages.preferred(request.headers.get("Accept-Language", ""))
    wanted = [request.args.get("lang", ""), stored, *browser]
    return languages.speak(languages.choose(_offered(widget), wanted))


def locale_of(widget: Widget, language: str) -> str:
    """The language as the widget's region writes it: 24 hours in Britain, 12 in America."""
    known = Locale.parse(language)
    try:
        return str(Locale(known.language, widget.region, known.script))
    except UnknownLocaleError:
        return language


def _offered(widget: Widget | None) -> list[str]:
    widgets = [widget] if widget else services().settings.widgets.values()
    return list(dict.fromkeys(tag for each in widgets for tag in each.languages))


def own_origin() -> str:
    """The origin that visitors use."""
    # The sandbox answers to several names of this machine, so its origin is the one asked for.
    settings = services().settings
    return request.host_url.rstrip("/") if settings.sandbox else settings.origin


def own_address() -> str:
    """The address that visitors use: the origin, and the path below which everything lives."""
    return f"{own_origin()}{services().settings.path}"


def phone_of(widget: Widget | None) -> dict[str, str] | None:
    """The team's own number, as a page shows it and as a link."""
    if not widget or not widget.phone:
        return None
    return {"display": widget.phone, "link": phone.link(widget.phone)}


def shown_as() -> dict[str, Any]:
    """The parameters by which the next page is shown as this one is."""
    return {name: request.args[name][:20] for name in _SHOWN if name in request.args}


def titled(title: str, has_errors: bool) -> str:
    """The title of a form's page; if there are errors it begins with that."""
    return _("Error: %(title)s", title=title) if has_errors else title


def _language_links(widget: Widget | None) -> list[tuple[Language, str]]:
    """Links to this page in each language on offer; none where there is no choice.

    None on the answer to a post either: a link would lose what was typed.
    """
    offered = _offered(widget)
    if len(offered) < 2 or request.method == "POST":
        return []
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return [(each, "?" + urlencode([*kept, ("lang", each.html)])) for each in map(languages.language, offered)]


def page(template: str, status: int = 200, *, widget: Widget | None, title: str, **context: Any) -> Response:
    """A page with its widget's colours, framed by nobody but the widget's own sites."""
    font = f"{services().settings.path}{widget.font.url}" if widget and widget.font else ""
    style = style_of(widget.brand if widget else OURS, font)
    origins = widget.origins if widget else ()
    framed = headers.is_framed_by_us()
    html = render_template(
        template,
        widget=widget,
        page_title=title,
        phone=phone_of(widget),
        language_links=_language_links(widget),
        brand_style=style,
        parent_origins=(own_origin(), *origins) if framed else origins,
        **context,
    )
    response = make_response(html, status)
    ancestors = ("'self'", *origins) if framed else origins
    response.headers["Content-Security-Policy"] = headers.content_security_policy(ancestors, style)
    return response


def everywhere() -> dict[str, Any]:
    """What base.html needs on every page, error pages too."""
    embedded = headers.is_embedded()
    theme = request.args.get("theme")
    return {
        "language": languages.current(),
        "theme": theme if theme in ("light", "dark", "auto") else "light" if embedded else "auto",
        "embedded": embedded,
        "sandbox": services().settings.sandbox,
        "widget": None,
        "phone": None,
        "language_links": [],
        "brand_style": style_of(OURS),
        "parent_origins": headers.origins_of(services().settings.widgets.values()),
        "embed_words": json.dumps(_embed_words(), ensure_ascii=False) if embedded else "",
    }


def _embed_words() -> list[str]:
    """What the embed script says around the frame, after its language: the script would be too heavy with it."""
    return [
        languages.current().html,
        _("Request a call back"),
        _("Close"),
        _("Loading…"),
        _("The form did not load."),
        _("Open it in a new tab"),
    ]
