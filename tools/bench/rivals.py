"""The apps that ours is measured beside: the limits, and what people write today.

Each is served by gunicorn with one worker, as ours is, and answers at the same address.
"""

import os
import sqlite3
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

import phonenumbers
import requests
from flask import Flask, redirect, render_template_string, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import FlaskForm
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import StringField, TelField
from wtforms.validators import InputRequired, Length, ValidationError

from ringback.clock import utc_now
from ringback.config import loading
from ringback.factory import create_app
from ringback.outbox.outbox import Receipt
from ringback.outbox.request import Answers, new_id, new_reference
from ringback.server.proxies import Proxies
from ringback.store.group_commit import GroupCommit
from ringback.web import limit_storage
from ringback.web.form.callback_form import CallbackForm
from ringback.web.form.token import Tokens

FORM = "<!doctype html><title>Call</title><form method=post>{{ form.csrf_token }}{{ form.name }}{{ form.phone }}"


class _ForTheWorker(NamedTuple):
    """What our worker asks an app for: with whom many visitors come."""

    proxies: Proxies

    def start_web(self) -> None:
        pass

    def stop(self) -> None:
        pass


def _app() -> Flask:
    app = Flask(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    app.get("/healthz")(lambda: "alive")
    app.extensions["ringback"] = _ForTheWorker(Proxies(1, [ip_network("127.0.0.0/8")]))
    return app


def empty() -> Flask:
    """Nothing is checked: what the worker and the load itself allow."""
    app = _app()

    @app.route("/sales", methods=["GET", "POST"])
    def sales() -> object:
        if request.method == "POST":
            return redirect("/thanks", 303)
        return '<input name="csrf_token" value="x">'

    return app


def thrown_away() -> Flask:
    """The limit: the same form with the same token, checked in the same way, and stored nowhere."""
    app = _app()
    _check(app, lambda _answers: None)
    return app


def bare_row() -> Flask:
    """The least that keeps it: the limit, one check by Flask-Limiter, and a row of SQLite's own on the disk."""
    app = _app()
    file = Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    store = sqlite3.connect(file, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=NORMAL")
    store.execute("CREATE TABLE requests (name TEXT, phone TEXT)")
    log = GroupCommit(Path(f"{file}-wal"))

    def keep(answers: Answers) -> None:
        store.execute("INSERT INTO requests VALUES (?, ?)", (answers.name, answers.phone))
        log.wait()

    _check(app, keep)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)
    Limiter(get_remote_address, app=app, default_limits=["30 per hour"], storage_uri=f"{limit_storage.SCHEME}://")
    return app


def _check(app: Flask, keep: Callable[[Answers], None]) -> None:
    widget = loading.load(os.environ).widgets["sales"]
    tokens = Tokens([os.environ["SECRET_KEY"]], utc_now)

    @app.route("/sales", methods=["GET", "POST"])
    def sales() -> object:
        form = CallbackForm(widget, tokens, request.form if request.method == "POST" else None, request.form)
        if request.method == "POST" and form.validate() and not form.token_fault:
            keep(form.answers())
            return redirect("/thanks", 303)
        return render_template_string(FORM, form=form)


def not_stored() -> Flask:
    """Ringback with all that it does for a post but the storing: what storing costs is the rest."""
    app = create_app(loading.load(os.environ))
    outbox = app.extensions["ringback"].outbox

    def accept(*_answers: object) -> Receipt:
        return Receipt(new_id(), new_reference(), stored_now=True)

    outbox.accept = accept
    return app


class NaiveForm(FlaskForm):
    """The fields and a check, as Flask-WTF's documentation teaches it."""

    name = StringField("Name", [InputRequired(), Length(max=120)])
    phone = TelField("Phone", [InputRequired()])

    def validate_phone(self, field: TelField) -> None:
        try:
            number = phonenumbers.parse(field.data, "GB")
        except phonenumbers.NumberParseException:
            raise ValidationError("Enter a phone number") from None
        if not phonenumbers.is_possible_number(number):
            raise ValidationError("Enter a phone number")
        self.number = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def naive() -> Flask:
    """What people write today: Flask-WTF, and a post to Samespace before the visitor is answered."""
    app = _app()
    configured = loading.load(os.environ)
    address = f"{configured.samespace.url}/apiv1/team/make_call"

    @app.route("/sales", methods=["GET", "POST"])
    def sales() -> object:
        form = NaiveForm()
        if not form.validate_on_submit():
            return render_template_string(FORM, form=form)
        call = {"space_id": configured.samespace.space_id, "team_name": "Sales", "number": form.number}
        try:
            requests.post(address, json=call | {"attributes": {"name": form.name.data}}, timeout=10)
        except requests.RequestException:
            app.logger.warning("Samespace did not answer")
        return redirect("/thanks", 303)

    return app
