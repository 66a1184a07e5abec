"""What gunicorn, flask and `python app.py` start: settings in, app out."""

import os
import sys

import click
from flask import Flask
from werkzeug.serving import run_simple

from ringback.config.in_force import in_force
from ringback.config.loading import SettingsError, is_configured, read_port, refuse_without_file
from ringback.factory import create_app
from ringback.services import services_of
from ringback.store.database import StoreError


def start() -> Flask:
    """With no configuration, the sandbox; never where there is production, whose callers it would swallow."""
    if is_configured(os.environ) or os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        return create_app(in_force(os.environ))
    refuse_without_file(os.environ)
    from ringback.sandbox import create_sandbox

    return create_sandbox(os.environ)


try:
    app = start()
except (SettingsError, StoreError) as error:
    click.echo(error, err=True)
    # What gunicorn takes for "failed to boot": it stops, instead of starting the next worker for ever.
    sys.exit(3)

if __name__ == "__main__":
    port = read_port(os.environ)
    services_of(app).start()
    click.echo(app.config.get("WELCOME", f"Ringback answers on http://127.0.0.1:{port}"))
    run_simple("127.0.0.1", port, app, threaded=True)
