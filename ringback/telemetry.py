"""OpenTelemetry and Sentry, for those who have them: spans of what is answered and handed over, and errors.

Both are optional packages with settings of their own, OTEL_… and SENTRY_DSN. Nothing is instrumented by itself,
since what those libraries record of an HTTP request (its address, query, headers) is here somebody's key or words.
Only what is named in this file leaves. There are no metrics by OpenTelemetry, which may lock up under gevent
(opentelemetry-python#4345); `/metrics` has them.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ringback import __version__
from ringback.logs import trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = logging.getLogger("ringback.telemetry")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LAST_SPANS_MS = 3000
# Of what Sentry knows of an error; and of each exception and frame. Never a message, a variable or an address.
_OF_EVENT = ("event_id", "timestamp", "level", "logger", "logentry", "platform", "release", "environment", "sdk")
_OF_FRAME = ("filename", "function", "module", "lineno", "in_app")
_provider: "TracerProvider | None" = None


def start(environ: Mapping[str, str]) -> None:
    """Begin, where the environment asks for it. After any fork: their threads live in one process."""
    for is_wanted, begin, packages in (
        (
            any(environ.get(name) for name in _ENDPOINTS),
            _start_spans,
            "opentelemetry-sdk and -exporter-otlp-proto-http",
        ),
        (bool(environ.get("SENTRY_DSN")), _start_errors, "sentry-sdk"),
    ):
        if not is_wanted:
            continue
        try:
            begin(environ)
        except ImportError:
            log.warning("The environment asks for telemetry, and %s is not installed: pip install it", packages)


def stop() -> None:
    """Send what is left, within seconds: the process ends."""
    if _provider:
        _provider.force_flush(_LAST_SPANS_MS)
        # Its own end would wait for a collector that is away, and has nothing left to send.
    with suppress(ImportError):
        import sentry_sdk

        sentry_sdk.flush(_LAST_SPANS_MS / 1000)


def _start_spans(environ: Mapping[str, str]) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _provider
    about = {"service.version": __version__}
    if not environ.get("OTEL_SERVICE_NAME"):
        about["service.name"] = "ringback"
    _provider = TracerProvider(resource=Resource.create(about))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def _start_errors(environ: Mapping[str, str]) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(  # SENTRY_DSN, _ENVIRONMENT and _RELEASE it reads itself
        release=environ.get("SENTRY_RELEASE") or f"ringback@{__version__}",
        default_integrations=False,  # they record requests, and add headers to calls of ours
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        trace_propagation_targets=[],
        before_send=lambda event, _hint: only_what_may_leave(event),
    )


def only_what_may_leave(event: Any) -> Any:
    """An error as Sentry may have it: our own log line, which knows nobody, and where it happened."""
    kept = {name: event[name] for name in _OF_EVENT if name in event}
    if found := trace.get():
        kept["tags"] = {"request_id": found}
    if "exception" in event:
        kept["exception"] = {"values": [_place_of(each) for each in event["exception"].get("values", ())]}
    return kept


def _place_of(exception: Mapping[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", ())
    places = [{name: frame[name] for name in _OF_FRAME if name in frame} for frame in frames]
    return {"type": exception.get("type"), "stacktrace": {"frames": places}}


def begin(name: str, traceparent: str = "") -> "Span | None":
    """A span, of whoever sent `traceparent`; None where nobody wants any. Whoever begins it ends it."""
    if _provider is None:
        return None
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    of_whom = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    span = _provider.get_tracer("ringback", __version__).start_span(name, of_whom, SpanKind.SERVER)
    span.set_attribute("ringback.request_id", trace.get())
    return span


@contextmanager
def span(name: str) -> Iterator[dict[str, str]]:
    """A span of a piece of work; what is put in the dictionary says how it went."""
    found: dict[str, str] = {}
    begun = begin(name)
    try:
        yield found
    finally:
        if begun:
            begun.set_attributes({f"ringback.{key}": value for key, value in found.items()})
            begun.end()
