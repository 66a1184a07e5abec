"""What an operator types: `flask --app app …`.

Requests are named by their reference, never by the id in their link.
"""

import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import click
from flask import Flask
from sqlalchemy.engine import make_url

from ringback.alerts.channels import webhook_secret
from ringback.alerts.sender import Alerts
from ringback.cli.breaker import breaker_commands
from ringback.cli.operators import team_commands, widget_commands
from ringback.cli.people import add_data_commands, number_commands
from ringback.cli.requests import request_commands
from ringback.cli.vendor import samespace_commands
from ringback.config.settings import Settings
from ringback.config.widget import Texts, Widget
from ringback.handover.auth_token import AuthToken
from ringback.handover.loop import Delivery
from ringback.handover.samespace import Samespace
from ringback.i18n import languages
from ringback.outbox.operations import Attention
from ringback.outbox.outbox import Clock, Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.purge_loop import Housekeeping
from ringback.web import limits
from ringback.web.health import Probe


def init_app(
    app: Flask,
    settings: Settings,
    outbox: Outbox,
    attention: Attention,
    delivery: Delivery,
    alerts: Alerts,
    samespace: Samespace,
    auth_token: AuthToken,
    personal_data: PersonalData,
    housekeeping: Housekeeping,
    probe: Probe,
    clock: Clock,
) -> None:
    """Add the commands."""
    app.cli.add_command(_deliver(settings, delivery, alerts, housekeeping))
    app.cli.add_command(_check(settings, samespace, personal_data, probe))
    looking_after = request_commands(settings, attention, outbox, clock)
    add_data_commands(looking_after, personal_data, housekeeping)
    app.cli.add_command(looking_after)
    app.cli.add_command(number_commands(attention, outbox))
    app.cli.add_command(team_commands(outbox.gate))
    app.cli.add_command(breaker_commands(outbox.gate, clock))
    app.cli.add_command(widget_commands(settings, outbox.schedule, clock))
    app.cli.add_command(samespace_commands(settings, samespace, auth_token))


def _deliver(settings: Settings, delivery: Delivery, alerts: Alerts, housekeeping: Housekeeping) -> click.Command:
    @click.command("deliver")
    def deliver() -> None:
        """Hand requests over to Samespace until told to stop."""
        told = {signal.SIGTERM, signal.SIGINT}
        # Waited for, not handled: a handler runs in the midst of anything, and may want a lock that is held.
        # Blocked before any thread starts, so that none of them takes the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, told)
        alerts.start()
        delivery.start()
        housekeeping.start()
        signal.sigwait(told)
        housekeeping.stop(0)
        alerts.stop(0)
        delivery.stop(settings.delivery.timeout_seconds + 5)
        alerts.stop(5)

    return deliver


def _check(settings: Settings, samespace: Samespace, personal_data: PersonalData, probe: Probe) -> click.Command:
    @click.command("check")
    @click.option("--live", is_flag=True, help="Also try the store, Samespace and Redis. Rings nobody.")
    def check(live: bool) -> None:
        """Say what is configured. Faults stop every command before this one runs."""
        click.echo("The configuration is complete." if not settings.sandbox else "This is the sandbox.")
        for widget in settings.widgets.values():
            click.echo(f"  /{widget.key}: team {widget.team_name}, numbers in {', '.join(widget.called_regions)}")
            click.echo(f"    languages: {', '.join(map(_named, widget.languages))}")
            for advice in [*_advice(widget.privacy_url, widget.origins), *_unsaid(widget)]:
                click.echo(f"    {advice}")
        if settings.alerts.webhook:
            click.echo(f"  webhook secret: {webhook_secret(settings)}")
        purged_at = personal_data.last_purge()
        click.echo(
            f"  last purge: {purged_at.isoformat(sep=' ', timespec='seconds') if purged_at else 'none yet'}"
        )
        for advice in _process_advice(settings):
            click.echo(f"  {advice}")
        if live and not all([*_tried(settings, samespace, probe)]):
            raise click.ClickException("Not all of it works.")

    return check


def _tried(settings: Settings, samespace: Samespace, probe: Probe) -> Iterator[bool]:
    """Whether each thing it leads to works, with a line for each; all are tried, whatever fails."""
    url = settings.database_url.get_secret_value()
    takes = probe.can_store()
    click.echo(f"The store takes {'' if takes else 'no '}requests: {store_name(url)}", err=not takes)
    yield takes
    answers = samespace.probe()
    click.echo(f"{settings.samespace.url} {'answers' if answers else 'does not answer'}.", err=not answers)
    yield answers
    redis = urlsplit(settings.ratelimit_storage_uri.get_secret_value())
    if redis.scheme != "memory":
        counts = limits.storage_answers()
        at = redis.netloc.rpartition("@")[2] or redis.path
        click.echo(f"Redis at {at} {'answers' if counts else 'does not answer'}.", err=not counts)
        yield counts


def store_name(database_url: str) -> str:
    """What a store is and where, without user and password, which may stand in its query as well."""
    url = make_url(database_url)
    if url.drivername.startswith("sqlite"):
        return f"SQLite, {url.database}"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL, {url.host or 'this machine'}{port}/{url.database}"


def _process_advice(settings: Settings) -> list[str]:
    advice = []
    if not (settings.alerts.email or settings.alerts.webhook):
        advice.append("[alerts] is not set: nobody is told when a request needs a person.")
    if settings.delivery_mode == "worker":
        advice.append(
            "RINGBACK_DELIVERY is worker: requests are handed over only while `flask --app app deliver` runs."
        )
    return advice


def _named(tag: str) -> str:
    spoken = languages.language(tag)
    return f"{spoken.name} ({tag}{'' if spoken.is_reviewed else ', not reviewed by a native reader'})"


def _unsaid(widget: Widget) -> list[str]:
    """Where a site owner's sentences are missing in a language: visitors read two voices, or another offer."""
    said = [name for name in Texts.model_fields if any(getattr(texts, name) for texts in widget.texts.values())]
    advice = [
        f"texts.{tag} is never shown: languages has no {tag}."
        for tag in widget.texts
        if tag not in widget.languages
    ]
    for tag in widget.languages:
        unsaid = [name for name in said if not getattr(widget.own_texts(tag), name)]
        if ours := [name for name in unsaid if name != "marketing"]:
            advice.append(f"texts.{tag} has no {', '.join(ours)}: there the words are ours.")
        if "marketing" in unsaid:
            advice.append(f"texts.{tag} has no marketing: there the form has no second box.")
    return advice


def _advice(privacy_url: str | None, origins: tuple[str, ...]) -> list[str]:
    advice = []
    if not privacy_url:
        advice.append("privacy_url is not set: visitors see no link to your privacy notice.")
    if not origins:
        advice.append("origins is not set: no web site may show this form in a dialog, only link to it.")
    return advice
