"""`flask --app app check`: what is configured, and with `--live` whether what it leads to works."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import click
from sqlalchemy.engine import make_url

from ringback.alerts.channels import webhook_secret
from ringback.config.settings import Settings
from ringback.config.widget import MEASURED, Texts, Widget
from ringback.console import single_sign_on
from ringback.i18n import languages
from ringback.services import Services
from ringback.web import limits


def check_command(services: Services) -> click.Command:
    settings = services.settings

    @click.command("check")
    @click.option(
        "--live",
        is_flag=True,
        help="Also try all that it leads to. Rings nobody.",
    )
    def check(live: bool) -> None:
        """Say what is configured. Faults stop every command before this one runs."""
        click.echo("The configuration is complete." if not settings.sandbox else "This is the sandbox.")
        for widget in settings.widgets.values():
            click.echo(f"  /{widget.key}: team {widget.team_name}, numbers in {', '.join(widget.called_regions)}")
            click.echo(f"    languages: {', '.join(map(_named, widget.languages))}")
            for advice in [*_advice(widget.privacy_url, widget.origins), *_unsaid(widget)]:
                click.echo(f"    {advice}")
        if settings.alerts.webhook or settings.webhooks:
            click.echo(f"  webhook secret: {webhook_secret(settings)}")
        purged_at = services.personal_data.last_purge() if services.database.is_there else None
        click.echo(
            f"  last purge: {purged_at.isoformat(sep=' ', timespec='seconds') if purged_at else 'none yet'}"
        )
        for advice in _process_advice(settings):
            click.echo(f"  {advice}")
        if live and not all([*_tried(services)]):
            raise click.ClickException("Not all of it works.")

    return check


def _tried(services: Services) -> Iterator[bool]:
    """Whether each thing it leads to works, with a line for each; all are tried, whatever fails."""
    settings, samespace = services.settings, services.samespace
    url = settings.database_url.get_secret_value()
    if services.database.is_there:
        takes = services.probe.can_store()
        click.echo(f"The store takes {'' if takes else 'no '}requests: {store_name(url)}", err=not takes)
        yield takes
    else:
        click.echo(f"The store is not there yet; the first start makes it: {store_name(url)}")
    answers = samespace.probe()
    click.echo(f"{settings.samespace.url} {'answers' if answers else 'does not answer'}.", err=not answers)
    yield answers
    if settings.oidc_issuer:
        fault = single_sign_on.fault_of(settings)
        click.echo(f"The single sign-on at {settings.oidc_issuer} {fault or 'answers'}.", err=bool(fault))
        yield fault is None
    for channel, (works, answer) in services.alerts.try_out().items():
        click.echo(f"Alerts by {channel}: {answer}.", err=not works)
        yield works
    for host, answer in services.webhooks.try_out():
        took = answer.startswith("answered 2")
        click.echo(f"Webhook {host}: {answer}.", err=not took)
        yield took
    if settings.samespace_api_key:
        yield _are_read(services)
    redis = urlsplit(settings.ratelimit_storage_uri.get_secret_value())
    if redis.scheme != "memory":
        counts = limits.storage_answers()
        at = redis.netloc.rpartition("@")[2] or redis.path
        click.echo(f"Redis at {at} {'answers' if counts else 'does not answer'}.", err=not counts)
        yield counts


def _are_read(services: Services) -> bool:
    """Whether call reports can be read; one record of them is."""
    fault = services.call_reports.fault(services.clock())
    click.echo(f"Call reports cannot be read: {fault}." if fault else "Call reports are read.", err=bool(fault))
    if services.database.is_there:
        ways = services.calls.ways()
        if ways.by_reference + ways.by_number:
            click.echo(f"  {ways}")
    return not fault


def store_name(database_url: str) -> str:
    """What a store is and where, without user and password, which may stand in its query as well."""
    url = make_url(database_url)
    if url.drivername.startswith("sqlite"):
        return f"SQLite, {url.database}"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL, {url.host or 'this machine'}{port}/{url.database}"


def _process_advice(settings: Settings) -> list[str]:
    advice = []
    is_measured = any(widget.promise_minutes == MEASURED for widget in settings.widgets.values())
    if is_measured and not (settings.samespace_api_key or settings.samespace.outcome_links):
        advice.append(
            "promise_minutes is measured, and nobody tells of calls: set SAMESPACE_API_KEY or outcome_links."
        )
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
