"""How gunicorn serves Ringback, read by `gunicorn app:app` by itself.

The worker class was chosen by measure. Two hundred sockets that drip a byte every two seconds stop
`sync` and `gthread` workers altogether; one `gevent` worker answers beside them as if they were not
there. tests/test_slow_sockets.py holds it to that.
"""

import os
import sys

from ringback import settings as _settings

try:
    # In the master, before any worker: a wrong setting stops the start instead of crashing each worker.
    _loaded = _settings.load(os.environ)
except _settings.SettingsError as error:
    sys.exit(str(error))

bind = f"0.0.0.0:{_loaded.port}"
workers = _loaded.web_concurrency
worker_class = "ringback.server.DeadlineWorker"
worker_connections = 2000
timeout = 60
graceful_timeout = 25
keepalive = 5
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# Opened by default since 25.1; nobody here needs it.
control_socket_disable = True
# The access log would hold the links of requests, which are their keys.
accesslog = None


def on_starting(server):
    """Refuse what -w made of WEB_CONCURRENCY, too."""
    if server.cfg.workers > 1 and _loaded.ratelimit_storage_uri.get_secret_value().startswith("memory:"):
        server.log.error(
            "RATELIMIT_STORAGE_URI: is memory:// with several workers; it should be redis://host:6379/0"
        )
        sys.exit(1)


def post_worker_init(worker):
    """Go on with what waits, before the first visitor comes."""
    if _loaded.delivery_mode == "inline":
        worker.wsgi.extensions["ringback-delivery"].start()
        worker.wsgi.extensions["ringback-alerts"].start()
        worker.wsgi.extensions["ringback-housekeeping"].start()


def worker_exit(server, worker):
    """Finish the calls that are in the air."""
    if _loaded.delivery_mode == "inline" and worker.wsgi is not None:
        worker.wsgi.extensions["ringback-housekeeping"].stop(0)
        worker.wsgi.extensions["ringback-alerts"].stop(0)
        worker.wsgi.extensions["ringback-delivery"].stop(_loaded.delivery.timeout_seconds + 5)
        worker.wsgi.extensions["ringback-alerts"].stop(5)
