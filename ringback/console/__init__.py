"""The operators' side: what they see of requests in a browser, and what they do about them."""

from flask import Flask

from ringback.config.settings import Settings
from ringback.console import (
    access,
    account,
    acts,
    api_keys,
    audit,
    figures,
    install,
    list_export,
    numbers,
    one_request,
    operators,
    requests,
    session,
    sign_in,
    single_sign_on,
    teams,
    wall,
    webhooks,
    widgets,
)


def init_app(app: Flask, settings: Settings) -> None:
    """Add the pages."""
    session.init_app(app, settings)
    access.init_app(app)
    single_sign_on.init_app(app, settings)
    for pages in (sign_in, single_sign_on, account, operators, audit):
        app.register_blueprint(pages.blueprint)
    for pages in (
        requests,
        list_export,
        one_request,
        acts,
        figures,
        wall,
        widgets,
        teams,
        numbers,
        install,
        webhooks,
        api_keys,
    ):
        app.register_blueprint(pages.blueprint)
