"""What gunicorn, flask and `python app.py` start: settings in, app out."""

import os
import socket
import sys
import time

import click
from flask import Flask
from werkzeug.serving import make_server

from ringback.cli import command_of
from ringback.config.in_force import has_served, in_force
from ringback.config.loading import SettingsError, is_configured, read_port, refuse_without_file
from ringback.factory import Opening, create_app
from ringback.services import services_of
from ringback.store.failures import StoreError


def start() -> Flask:
    """With no configuration, the sandbox; never where there is production, whose callers it would swallow."""
    if is_configured(os.environ) or os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        return create_app(in_force(os.environ), opening=opening_for(command_of(sys.argv)))
    refuse_without_file(os.environ)
    from ringback.sandbox import create_sandbox

    return create_sandbox(os.environ)


def opening_for(command: str) -> Opening:
    """What a command may do to the store before it runs."""
    # Often typed by root, to look before the first start: a store of root's would be closed to the service.
    if command == "check":
        return Opening.IF_THERE
    # They tell of a store, and copy it, as it is: also one that is newer, or was put back.
    return Opening.NOT_YET if command in ("version", "store") else Opening.MAKES_IT


def listen(port: int) -> socket.socket:
    """Take the port before anything says that it can be opened. Raises SettingsError where it is taken."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        other = 8000 if port < 1024 else 8001 if port > 65_000 else port + 1
        raise SettingsError(
            [f"PORT: {port} cannot be listened on ({os.strerror(error.errno or 0)}); try: make run PORT={other}"]
        ) from error


try:
    listener = listen(read_port(os.environ)) if __name__ == "__main__" else None
    app = start()
except (SettingsError, StoreError) as error:
    click.echo(error, err=True)
    if has_served():
        # One that replaces another while the store is away: gunicorn starts the next, until the store is back.
        time.sleep(2)  # gunicorn makes no pause between them
        sys.exit(1)
    # What gunicorn takes for "failed to boot": it stops, instead of starting the next worker for ever.
    sys.exit(3)

if listener:
    port = listener.getsockname()[1]
    services_of(app).start_web()
    click.echo(app.config.get("WELCOME", f"Ringback answers on http://127.0.0.1:{port}"))
    make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno()).serve_forever()
