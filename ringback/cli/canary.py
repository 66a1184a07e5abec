"""`flask --app app canary`: walks the way of a request through the running site, up to but without the call."""

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click
import phonenumbers
import requests
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback import phone
from ringback.config.widget import Widget
from ringback.services import Services
from ringback.store.failures import STORE_ERRORS
from ringback.web.form.canary import HEADER, new_canary

_PATIENCE_SECONDS = 15.0  # with each answer
_LOOKS_EVERY_SECONDS = 0.1


def canary_command(services: Services) -> click.Command:
    @click.command("canary")
    @click.option("--ping", metavar="URL", help="Call this address if all is well: a dead man's switch.")
    @click.option(
        "--wait", type=click.FloatRange(0.1, 600), default=30.0, help="Seconds for the hand-over; else 30."
    )
    def canary(ping: str | None, wait: float) -> None:
        """Send a request that rings nobody to PUBLIC_URL, and see it stored and taken; else fail."""
        with _told_plainly():
            _walk(services, wait)
        click.echo("Stored and taken: requests come in, and somebody hands over.")
        if ping:
            with _told_plainly():
                requests.get(ping, timeout=_PATIENCE_SECONDS).raise_for_status()

    return canary


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        # The kind alone: the words have the address, which may be a key.
        raise click.ClickException(f"No good answer: {type(error).__name__}.") from None
    except STORE_ERRORS as error:
        raise click.ClickException(f"The store did not answer: {type(error).__name__}.") from None


def _walk(services: Services, wait: float) -> None:
    canaries, settings = services.outbox.canaries, services.settings
    paused = services.outbox.slots.pauses()
    widget = next((each for key, each in settings.widgets.items() if key not in paused), None)
    if widget is None:
        raise click.ClickException("Every widget is paused, so nobody can ask for a call.")
    id, signed = new_canary(settings.secret_keys, services.clock())
    try:
        _send(f"{settings.public_url}/{widget.key}", widget, signed)
        if not canaries.is_stored(id):
            raise click.ClickException(
                "The site took it, and it is not in this store: see DATABASE_URL on both sides."
            )
        until = time.monotonic() + wait
        while not canaries.is_taken(id):
            if time.monotonic() > until:
                raise click.ClickException(
                    f"Stored, and nobody took it within {wait:g} s: does anything hand over?"
                )
            time.sleep(_LOOKS_EVERY_SECONDS)  # the process that takes it cannot tell this one
    finally:
        with suppress(*STORE_ERRORS):  # else it hides what went wrong; who hands over forgets it, too
            canaries.forget(id)


def _send(address: str, widget: Widget, signed: str) -> None:
    """Open the form and send it, as a visitor's browser does."""
    with requests.Session() as visitor:
        form = visitor.get(address, timeout=_PATIENCE_SECONDS)
        token = _token_in(form.text) if form.ok else None
        if token is None:
            raise click.ClickException(f"{address} answered {form.status_code} without the form.")
        answers = {"csrf_token": token, "phone": _number(widget), "when": "asap", "consent": "y"}
        answers |= {"name": "Canary", "email": "canary@example.com", "company": "Canary", "message": "Canary"}
        sent = visitor.post(
            address, answers, headers={HEADER: signed}, timeout=_PATIENCE_SECONDS, allow_redirects=False
        )
    if sent.status_code != requests.codes.no_content:
        raise click.ClickException(f"{address} answered {sent.status_code} to the form: it was not stored.")


def _token_in(page: str) -> str | None:
    field = re.search(r'<input[^>]*name="csrf_token"[^>]*>', page)
    value = re.search(r'value="([^"]*)"', field[0]) if field else None
    return html.unescape(value[1]) if value else None


def _number(widget: Widget) -> str:
    """A number that the form takes, which is nobody's: it is not called."""
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        for region in widget.called_regions:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            typed = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            try:
                return f"+{phone.read(typed, region, widget.called_regions).digits}"
            except phone.PhoneError:
                continue
    raise click.ClickException(f"There is no example of a number in {', '.join(widget.called_regions)}.")
