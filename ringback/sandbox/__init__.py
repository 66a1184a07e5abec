"""Ringback to try: one demo widget, a Samespace of our own making, and the pages of everybody around them.

Only app.py knows it. It can reach no real Samespace, answers to no name but this machine's, and keeps a
store of its own that production refuses to open.
"""

import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from flask import Flask
from pydantic import SecretStr

from ringback.config.loading import read_configuration, read_port
from ringback.config.settings import SamespaceSettings, Settings
from ringback.factory import create_app
from ringback.sandbox.history import make_up
from ringback.sandbox.pages import sandbox_pages
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of

STORE = Path(".sandbox") / "ringback.db"


def create_sandbox(environ: Mapping[str, str]) -> Flask:
    """The app with everything around it, started. It tells its addresses when it is served."""
    port = _port(environ, sys.argv)
    samespace = SandboxSamespace()
    samespace.start()
    configuration = read_configuration(Path(__file__).parent / "ringback.toml")
    # All that frame a form have to be allowed: on the install page that is its preview, on localhost, and itself.
    origins = (f"http://localhost:{port}", f"http://127.0.0.1:{port}")
    demo = configuration.widgets["demo"].model_copy(update={"origins": origins})
    ours = {
        "samespace": SamespaceSettings(base_url=samespace.base_url, space_id="sandbox", call_reports_seconds=1),
        "widgets": {"demo": demo},
    }
    settings = Settings(
        **dict(configuration) | ours,
        secret_key=SecretStr("the sandbox has no secrets"),
        database_url=SecretStr(f"sqlite:///{STORE.absolute()}"),
        public_url=f"http://127.0.0.1:{port}",
        port=port,
        samespace_api_key=SecretStr("the sandbox asks for any"),
        sandbox=True,
    )
    app = create_app(settings)
    services = services_of(app)
    make_up(services.database, settings, services.clock())
    app.register_blueprint(sandbox_pages(samespace))
    app.config["WELCOME"] = welcome(port)
    return app


def _port(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Where it will be served: `flask run` has a port of its own, and tells it to nobody."""
    if arguments[0].endswith("flask") and "run" in arguments:
        for name, value in pairwise(arguments):
            if name in ("-p", "--port") and value.isdecimal():  # Flask itself refuses what is not a number
                return int(value)
        given = environ.get("FLASK_RUN_PORT") or "5000"
        return int(given) if given.isdecimal() else 5000
    return read_port(environ)


def welcome(port: int) -> str:
    """What to open, for the person who has just started it."""
    return "\n".join(
        [
            "Ringback is running as a sandbox: nobody is called. Five pages to open:",
            f"  the customer's web site   http://localhost:{port}/sandbox/site",
            f"  the form on its own       http://127.0.0.1:{port}/demo",
            f"  the agent's dock          http://127.0.0.1:{port}/sandbox/dock",
            f"  the operators' console    http://127.0.0.1:{port}/console/",
            f"  how to put it on a site   http://127.0.0.1:{port}/demo/install",
            "Ask for a call on the first, see it arrive on the third. Ctrl+C stops it.",
        ]
    )
