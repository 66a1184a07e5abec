"""A span for each HTTP request: its method, its route and its status. Its address may be a key, and stays here."""

from flask import Flask, Response, request

from ringback import telemetry

_SPAN = "ringback.span"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_UNTRACED = ("health", "metrics")  # asked all day, by machines


def init_app(app: Flask) -> None:
    """Begin one with each request, and end it with its answer."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    if request.blueprint in _UNTRACED:
        return
    method = request.method if request.method in _METHODS else "_OTHER"
    route = request.url_rule.rule if request.url_rule else "nowhere"
    if span := telemetry.begin(f"{method} {route}", request.headers.get("traceparent", "")):
        span.set_attributes({"http.request.method": method, "http.route": route})
        request.environ[_SPAN] = span


def _tell(response: Response) -> Response:
    if span := request.environ.get(_SPAN):
        span.set_attribute("http.response.status_code", response.status_code)
    return response


def _end(error: BaseException | None) -> None:
    if span := request.environ.pop(_SPAN, None):
        if error:
            span.set_attribute("error.type", type(error).__name__)
        span.end()
