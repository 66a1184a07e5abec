"""What gunicorn's command line or GUNICORN_CMD_ARGS may not make of our settings."""

import shlex
from typing import Any

import pytest
from gunicorn.config import Config

from ringback.server.overridden import faults

OURS = {
    "worker_class": "ringback.server.worker.DeadlineWorker",
    "limit_request_line": 8190,
    "limit_request_fields": 60,
    "limit_request_field_size": 8190,
    "forwarded_allow_ips": "",
    "forwarder_headers": "",
    "secure_scheme_headers": {},
    "header_map": "drop",
    "proxy_protocol": "off",
}


def configured(arguments: str) -> Config:
    config = Config()
    typed = vars(config.parser().parse_args(shlex.split(arguments)))
    given: dict[str, Any] = {name: value for name, value in typed.items() if value is not None and name != "args"}
    for name, value in (OURS | given).items():
        config.set(name, value)
    return config


@pytest.mark.parametrize(
    ("arguments", "setting", "mend"),
    [
        ("--access-logfile -", "--access-logfile", "the links of requests, which are their keys"),
        ("--access-logfile /tmp/access.log", "--access-logfile", "leave it out"),
        ("--log-syslog", "--log-syslog", "the links of requests, which are their keys"),
        ("--log-config /etc/log.ini", "--log-config", "the links of requests, which are their keys"),
        ("--worker-class sync", "--worker-class", "leave it out"),
        ("-k gevent", "--worker-class", "leave it out"),
        ("--threads 4 -k gthread", "--worker-class", "leave it out"),
        ("--proxy-protocol", "--proxy-protocol", "PROXY_ADDRESSES"),
        ("--proxy-protocol v2", "--proxy-protocol", "PROXY_ADDRESSES"),
        ("--limit-request-line 4094", "--limit-request-line", "at least 8190"),
        ("--limit-request-fields 20", "--limit-request-fields", "at least 60"),
        ("--limit-request-field_size 1024", "--limit-request-field_size", "at least 8190"),
        ("--forwarded-allow-ips *", "--forwarded-allow-ips", "PROXY_ADDRESSES"),
        ("--header-map refuse", "--header-map", "leave it out"),
        ("--preload", "--preload", "leave it out"),
    ],
)
def test_what_cannot_work_or_is_not_safe_is_refused_with_the_mend(arguments: str, setting: str, mend: str) -> None:
    (told,) = faults(configured(arguments))

    assert told.startswith(f"{setting}: ")
    assert mend in told
    assert "GUNICORN_CMD_ARGS" in told


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--workers 4 --bind 127.0.0.1:9000 --timeout 90 --log-level debug --pid /tmp/x.pid",
        "--limit-request-line 0",
        "--limit-request-line 8190 --limit-request-fields 100",
        "--log-syslog --disable-redirect-access-to-syslog",
        "-k ringback.server.worker.DeadlineWorker",
    ],
)
def test_what_does_no_harm_is_taken(arguments: str) -> None:
    assert faults(configured(arguments)) == []
