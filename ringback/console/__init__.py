"""The operators' side: what they see of requests in a browser, and what they do about them."""

from flask import Flask

from ringback.config.settings import Settings
from ringback.console import (
    access,
    acts,
    figures,
    install,
    numbers,
    one_request,
    requests,
    session,
    sign_in,
    teams,
    widgets,
)


def init_app(app: Flask, settings: Settings) -> None:
    """Add the pages."""
    session.init_app(app, settings)
    access.init_app(app)
    for pages in (sign_in, requests, one_request, acts, figures, widgets, teams, numbers, install):
        app.register_blueprint(pages.blueprint)
