"""What every page of the visitor's has: its widget's colours, who may frame it, how it was asked to be shown."""

from typing import Any

from flask import Response, current_app, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from ringback import brand, embedding
from ringback.cross_site import is_cross_site
from ringback.parts import parts
from ringback.widget import Widget

Answer = Response | BaseResponse

# How the embed script asks for a page to be shown; it goes along from page to page.
_SHOWN = ("embed", "theme", "lang")


def is_forged() -> bool:
    """Whether a browser says that another site sent this post."""
    return _is_protected() and is_cross_site(request.headers, own_origin())


def _is_protected() -> bool:
    """Flask users switch it off in their tests; here that switches off our token with it."""
    return bool(current_app.config.get("WTF_CSRF_ENABLED", True))


def own_origin() -> str:
    """The origin that visitors use."""
    # The sandbox answers to several names of this machine, so there its own origin is the one asked for.
    settings = parts().settings
    return request.host_url.rstrip("/") if settings.sandbox else settings.public_url


def phone_of(widget: Widget | None) -> dict[str, str] | None:
    """The team's own number, as a page shows it and as a link."""
    if not widget or not widget.phone:
        return None
    return {"display": widget.phone, "link": "tel:" + widget.phone.replace(" ", "")}


def shown_as() -> dict[str, Any]:
    """What an address takes along so that the next page is shown as this one is."""
    return {name: request.args[name][:20] for name in _SHOWN if name in request.args}


def page(template: str, status: int = 200, *, widget: Widget | None, title: str, **context: Any) -> Response:
    """A page with its widget's colours, framed by nobody but the widget's own sites."""
    style = brand.style(widget.brand if widget else brand.OURS)
    html = render_template(
        template,
        widget=widget,
        page_title=title,
        phone=phone_of(widget),
        brand_style=style,
        parent_origins=widget.origins if widget else (),
        **context,
    )
    response = make_response(html, status)
    origins = widget.origins if widget else ()
    response.headers["Content-Security-Policy"] = embedding.content_security_policy(origins, style)
    return response


def everywhere() -> dict[str, Any]:
    """What base.html needs, on error pages too."""
    embedded = embedding.is_embedded()
    theme = request.args.get("theme")
    return {
        "language": "en",
        "direction": "ltr",
        "theme": theme if theme in ("light", "dark", "auto") else "light" if embedded else "auto",
        "embedded": embedded,
        "sandbox": parts().settings.sandbox,
        "widget": None,
        "phone": None,
        "brand_style": brand.style(brand.OURS),
        "parent_origins": embedding.origins_of(parts().settings.widgets.values()),
        "assets": current_app.extensions["ringback-assets"],
    }
