"""What an operator types: `flask --app app …`.

Requests are named by their reference, never by the id in their link.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import click
from flask import Flask

from ringback import telemetry
from ringback.cli.accounts import account_commands
from ringback.cli.alerts import alert_commands
from ringback.cli.api_keys import api_key_commands
from ringback.cli.audit import audit_commands
from ringback.cli.breaker import breaker_commands
from ringback.cli.canary import canary_command
from ringback.cli.check import check_command
from ringback.cli.operators import team_commands, widget_commands
from ringback.cli.people import add_data_commands, number_commands
from ringback.cli.requests import request_commands
from ringback.cli.store import store_commands, version_command
from ringback.cli.vendor import samespace_commands
from ringback.server.notify import ALIVE, READY, STOPPING, notify, seconds_between_signs
from ringback.services import Services

_A_DAY_SECONDS = 86_400.0


def init_app(app: Flask, services: Services) -> None:
    """Add the commands."""
    settings, outbox, clock = services.settings, services.outbox, services.clock
    app.cli.add_command(_deliver(services))
    app.cli.add_command(check_command(services))
    app.cli.add_command(canary_command(services))
    app.cli.add_command(version_command(services))
    app.cli.add_command(store_commands(services))
    looking_after = request_commands(settings, services.operations, outbox, services.audit, clock)
    add_data_commands(looking_after, services.personal_data, services.purge_loop)
    app.cli.add_command(looking_after)
    app.cli.add_command(number_commands(services.operations, outbox))
    app.cli.add_command(team_commands(outbox.teams))
    app.cli.add_command(breaker_commands(outbox.breaker, clock))
    app.cli.add_command(alert_commands(services.alerts))
    app.cli.add_command(audit_commands(services.audit))
    app.cli.add_command(widget_commands(settings, outbox.slots, clock))
    app.cli.add_command(account_commands(settings, services.accounts.people))
    app.cli.add_command(api_key_commands(settings, services.api_keys))
    app.cli.add_command(samespace_commands(services))


def command_of(arguments: Sequence[str]) -> str:
    """Which command `flask` was asked for, or nothing; known before the app is made, which makes the store."""
    program = Path(arguments[0]) if arguments else Path()
    words = iter(arguments[1:] if "flask" in (program.name, program.parent.name) else ())
    for word in words:
        if word in ("-A", "--app", "-e", "--env-file"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _deliver(services: Services) -> click.Command:
    @click.command("deliver")
    def deliver() -> None:
        """Hand requests over to Samespace until told to stop."""
        told = {signal.SIGTERM, signal.SIGINT}
        # Waited for, not handled: a handler runs in the midst of anything, and may want a lock that is held.
        # Blocked before any thread starts, so that none of them takes the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, told)
        telemetry.start(os.environ)
        services.start()
        notify(os.environ, READY)
        every = seconds_between_signs(os.environ)
        while signal.sigtimedwait(told, every or _A_DAY_SECONDS) is None:
            if services.delivery.is_running:
                notify(os.environ, ALIVE)
        notify(os.environ, STOPPING)
        services.stop()
        telemetry.stop()

    return deliver
