"""`/metrics`, for Prometheus: everything from the store at the moment it is asked."""

import hmac
from collections.abc import Iterable

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound

from ringback import __version__
from ringback.outbox.figures.gauges import GaugeReader, Gauges
from ringback.outbox.figures.tallies import (
    BUCKETS,
    EVENTS,
    HANDOVER,
    LIMITED,
    MORE,
    STORE_FAILURES,
    SUM,
    Counts,
    Tallies,
)
from ringback.services import services
from ringback.web.health import STUCK_AFTER

_KINDS = ("accepted", "with_team", "called", "unknown", "failed", "held", "cancelled")
_LIMITS = ("per_address", "per_number", "per_post", "per_stop", "per_widget")


def metrics_page(tallies: Tallies, gauges: GaugeReader) -> Blueprint:
    """`/metrics`, which answers on any host name, to METRICS_TOKEN alone; without one it is not there."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        token = services().settings.metrics_token
        if token is None:
            raise NotFound
        if not _knows(token.get_secret_value()):
            return Response("Unauthorized\n", 401, {"WWW-Authenticate": "Bearer"}, content_type="text/plain")
        registry = CollectorRegistry()
        counts, are_all = tallies.read()
        is_stuck = services().outbox.is_stuck(STUCK_AFTER)
        registry.register(_Collected(counts, are_all, gauges.read(), is_stuck))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    return blueprint


def _knows(token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


class _Collected(Collector):
    """One answer of the store, as Prometheus reads it."""

    def __init__(self, counts: Counts, are_all: bool, gauges: Gauges, is_stuck: bool) -> None:
        self._counts = counts
        self._are_all = are_all
        self._gauges = gauges
        self._is_stuck = is_stuck

    def collect(self) -> Iterable[Metric]:
        if self._are_all:  # else left out: what creeps up from zero would look like requests that come now
            yield from (self._requests(), self._handover(), self._limited())
        yield from self._now()
        yield CounterMetricFamily(
            "ringback_store_failures", "Transactions that did not reach the store.", self._of(STORE_FAILURES)
        )
        build = GaugeMetricFamily("ringback_build_info", "Which version this is.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build

    def _now(self) -> Iterable[Metric]:
        gauges = self._gauges
        yield _by("ringback_waiting", "Requests that wait, without what is held.", "widget", gauges.waiting)
        yield _one(
            "ringback_oldest_waiting_seconds",
            "Since the request that is due longest was due; 0 if none is.",
            gauges.oldest_waiting_seconds,
        )
        yield _by("ringback_attention", "Requests that a person has to look at.", "kind", gauges.attention)
        yield _one("ringback_breaker_open", "1 while Samespace is not called.", gauges.is_breaker_open)
        yield _one("ringback_teams_paused", "Teams whose requests Samespace turns away.", gauges.teams_paused)
        yield _one("ringback_stuck", "1 while what may be handed over now is taken by nobody.", self._is_stuck)

    def _requests(self) -> Metric:
        metric = CounterMetricFamily("ringback_requests", "What happened to requests.", labels=["widget", "event"])
        widgets = {key[1] for key in self._counts if key[0] == EVENTS} | set(self._gauges.waiting)
        for widget in sorted(widgets):
            for kind in _KINDS:
                metric.add_metric([widget, kind], self._counts.get((EVENTS, widget, kind), 0))
        return metric

    def _handover(self) -> Metric:
        buckets, total = [], 0.0
        for bound in BUCKETS:
            total += self._of(HANDOVER, str(bound))
            buckets.append((f"{float(bound)}", total))
        buckets.append(("+Inf", total + self._of(HANDOVER, MORE)))
        return HistogramMetricFamily(
            "ringback_handover_seconds",
            "From when a request was due to when its team had it.",
            buckets,
            self._of(HANDOVER, SUM),
        )

    def _limited(self) -> Metric:
        metric = CounterMetricFamily("ringback_limited", "What went over a limit.", labels=["limit"])
        for limit in _LIMITS:
            metric.add_metric([limit], self._of(LIMITED, limit))
        return metric

    def _of(self, name: str, label: str = "") -> float:
        return self._counts.get((name, "", label), 0)


def _one(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, float(value))


def _by(name: str, told: str, label: str, values: object) -> Metric:
    metric = GaugeMetricFamily(name, told, labels=[label])
    for key, value in sorted(dict(values).items()):  # type: ignore[call-overload]
        metric.add_metric([key], value)
    return metric
