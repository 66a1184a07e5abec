"""Who asks: a program with a key, or a page of one of a widget's sites."""

from flask import Response, current_app, request

from ringback.accounts.api_keys import ApiKey
from ringback.api.reading import ProblemError, refuse
from ringback.config.widget import Widget
from ringback.services import services
from ringback.web import limits
from ringback.web.page import own_origin

_SCHEME = "bearer "
_REMEMBERED_SECONDS = 600  # how long a browser need not ask again what it may send


def widget_of(key: str) -> Widget:
    """The widget at an address. Raises ProblemError (404)."""
    widget = services().settings.widget(key)
    if widget is None:
        raise no_such_widget()
    return widget


def no_such_widget() -> ProblemError:
    """The error for a widget that is not there, and for one that is not the key's."""
    return refuse(404, "not_found", "There is no such widget.")


def key_of() -> ApiKey | None:
    """The key that came, None where none did. Raises ProblemError (401) for one that does not work."""
    sent = request.headers.get("Authorization", "")
    if not sent:
        return None
    is_bearer = sent[: len(_SCHEME)].lower() == _SCHEME
    found = services().api_keys.find(sent[len(_SCHEME) :].strip()) if is_bearer else None
    if found is None:
        if request.method == "POST" and limits.is_post_too_many():
            seconds = limits.retry_after_seconds()
            raise refuse(429, "too_many", headers={"Retry-After": str(seconds)})
        raise refuse(401, "wrong_key", "There is no such API key.", headers=_CHALLENGE)
    return found


def needs_key() -> ApiKey:
    """The key that came. Raises ProblemError (401)."""
    found = key_of()
    if found is None:
        raise needs_credentials("Send an API key: Authorization: Bearer rbk_…")
    return found


def needs_credentials(detail: str) -> Exception:
    """The error for a post without what it has to come with."""
    return refuse(401, "key_missing", detail, headers=_CHALLENGE)


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Ringback"'}


def is_from_elsewhere(widget: Widget) -> bool:
    """Whether a browser says that a page sent this which is of none of the widget's sites, nor ours.

    A site's own page is another site to a browser, so here only its origin tells.
    """
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    return origin not in widget.origins and origin != own_origin()


def allow_origins(response: Response) -> Response:
    """Let pages of a widget's sites read an answer, and no others; never with a cookie."""
    key = (request.view_args or {}).get("key")
    if key is None:
        return response
    response.vary.add("Origin")
    widget, origin = services().settings.widget(key), request.headers.get("Origin")
    if widget is None or origin not in widget.origins:
        return response
    response.headers["Access-Control-Allow-Origin"] = str(origin)
    response.headers["Access-Control-Expose-Headers"] = "Location, Retry-After"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, Idempotency-Key"
        response.headers["Access-Control-Max-Age"] = str(_REMEMBERED_SECONDS)
    return response
