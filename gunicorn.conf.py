"""How gunicorn serves Ringback, read by `gunicorn app:app` by itself.

The worker class was chosen by measure. Two hundred sockets that drip a byte every two seconds stop
`sync` and `gthread` workers altogether; one `gevent` worker answers beside them as if they were not
there. `test_two_hundred_sockets_that_drip_do_not_keep_anybody_from_the_form` holds it to that.
"""

import logging
import os
import sys

from gunicorn.util import set_owner_process as _become_worker_user

from ringback import telemetry as _telemetry
from ringback.config import in_force as _in_force
from ringback.config import loading as _loading
from ringback.server import connections as _connections
from ringback.server import overridden as _overridden
from ringback.server.worker import KindsOnly as _KindsOnly

try:
    # In the master, before any worker: a wrong setting stops the start instead of crashing each worker.
    _loaded = _in_force.renew(os.environ)
except _loading.SettingsError as error:
    sys.exit(str(error))
try:
    _connections.raise_file_limit()
    worker_connections = _connections.most_connections()
except ValueError as error:
    sys.exit(str(error))
logging.getLogger("gunicorn.error").addFilter(_KindsOnly())

bind = _loaded.listens_at
workers = _loaded.web_concurrency
worker_class = "ringback.server.worker.DeadlineWorker"
timeout = 60
graceful_timeout = 25
keepalive = 5
limit_request_line = 8190  # a host page may have much to say, and a letter of it may be nine bytes long
limit_request_fields = 60
limit_request_field_size = 8190
# Opened by default since 25.1; nobody here needs it.
control_socket_disable = True
# Whom to believe about a visitor is PROXY_ADDRESSES' to say. gunicorn's own list begins with this machine, lets
# FORWARDED_ALLOW_IPS in the environment widen it, and has headers from there set SCRIPT_NAME and the scheme.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers = {}
header_map = "drop"
proxy_protocol = "off"
http_protocols = "h1"
if _loaded.log_format == "json":
    logger_class = "ringback.server.json_log.JsonLog"
# The access log would hold the links of requests, which are their keys.
accesslog = None


def on_starting(server):
    """Refuse what the command line or GUNICORN_CMD_ARGS made of these settings."""
    found = _overridden.faults(server.cfg)
    for fault in found:
        server.log.error("%s", fault)
    if found:
        sys.exit(1)
    if server.cfg.workers > 1 and _loaded.ratelimit_storage_uri.get_secret_value().startswith("memory:"):
        server.log.error(
            "RATELIMIT_STORAGE_URI: is memory:// with several workers; it should be redis://host:6379/0"
        )
        sys.exit(1)
    if failed := _bring_store_up_to_date(server.cfg):
        sys.exit(failed)


def _bring_store_up_to_date(cfg):
    """Do it before any worker is there, whose time would be up before a large store is done; its exit status.

    In a process of its own: nothing that gevent has to patch, and no connection, stays with the workers.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 3
    try:
        _become_worker_user(cfg.uid, cfg.gid, initgroups=cfg.initgroups)  # whose an SQLite store has to be
        from ringback.store.migrating import migrate

        status = migrate(_loaded)
    finally:
        os._exit(status)


def pre_request(worker, req):
    """In place of gunicorn's, which logs each path where the level is debug."""


def post_worker_init(worker):
    """Go on with what waits, before the first visitor comes."""
    _in_force.note_served()
    _telemetry.start(os.environ)
    worker.wsgi.extensions["ringback"].start_web()


def worker_exit(server, worker):
    """Finish the calls that are in the air. A worker that did not get so far as to have an app has none."""
    services = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("ringback")
    if services:
        services.stop()
    _telemetry.stop()
