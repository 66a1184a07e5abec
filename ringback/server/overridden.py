"""What gunicorn's command line or GUNICORN_CMD_ARGS made of the settings in gunicorn.conf.py."""

from typing import Any

# Loads gevent and the app's libraries, which nothing in gunicorn's first process may; so it is known by its name.
_WORKER = "ringback.server.worker.DeadlineWorker"
_LEAVE = "leave it out (command line, GUNICORN_CMD_ARGS)"
_LEAST = {
    "--limit-request-line": ("limit_request_line", 8190),
    "--limit-request-fields": ("limit_request_fields", 60),
    "--limit-request-field_size": ("limit_request_field_size", 8190),
}


def faults(config: Any) -> list[str]:
    """A line for each setting that would make the site stop or unsafe, with the mend. `config` is gunicorn's."""
    raw = {name: setting.get() for name, setting in config.settings.items()}
    keys = "An access log would hold the links of requests, which are their keys"
    whom = "Whom to believe about a visitor is PROXY_ADDRESSES' to say"
    refused = (
        (
            "--preload",
            raw["preload_app"],
            "Each worker makes the app after gevent has patched Python; made before, every form would hang",
        ),
        ("--access-logfile", raw["accesslog"], keys),
        ("--log-config", raw["logconfig"] or raw["logconfig_dict"] or raw["logconfig_json"], keys),
        (
            "--log-syslog",
            raw["syslog"] and not raw["disable_redirect_access_to_syslog"],
            f"{keys}; or add --disable-redirect-access-to-syslog",
        ),
        (
            "--worker-class",
            raw["worker_class"] != _WORKER,
            "Others have no limits on who is connected and for how long: slow visitors would stop the site",
        ),
        ("--proxy-protocol", raw["proxy_protocol"] != "off", whom),
        ("--forwarded-allow-ips", raw["forwarded_allow_ips"], whom),
        ("--forwarder-headers", raw["forwarder_headers"], whom),
        ("--header-map", raw["header_map"] != "drop", "Other values let visitors pass for a proxy"),
    )
    found = [f"{option}: {_LEAVE}. {why}" for option, is_set, why in refused if is_set]
    return found + [
        f"{option}: should be at least {least}, or {_LEAVE}. What a host page says would be refused"
        for option, (name, least) in _LEAST.items()
        if 0 < raw[name] < least  # 0: no limit
    ]
