"""What gunicorn, flask and `python app.py` start: settings in, app out."""

import os
import socket
import sys

import click
from flask import Flask
from werkzeug.serving import make_server

from ringback.cli import command_of
from ringback.config.in_force import in_force
from ringback.config.loading import SettingsError, is_configured, read_port, refuse_without_file
from ringback.factory import create_app
from ringback.services import services_of
from ringback.store.failures import StoreError


def start() -> Flask:
    """With no configuration, the sandbox; never where there is production, whose callers it would swallow."""
    if is_configured(os.environ) or os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        # Often typed by root, to look before the first start: a store of root's would be closed to the service.
        return create_app(in_force(os.environ), makes_store=command_of(sys.argv) != "check")
    refuse_without_file(os.environ)
    from ringback.sandbox import create_sandbox

    return create_sandbox(os.environ)


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
    # What gunicorn takes for "failed to boot": it stops, instead of starting the next worker for ever.
    sys.exit(3)

if listener:
    port = listener.getsockname()[1]
    services_of(app).start_web()
    click.echo(app.config.get("WELCOME", f"Ringback answers on http://127.0.0.1:{port}"))
    make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno()).serve_forever()
