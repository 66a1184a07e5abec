"""`flask --app app store …` and `version`: the store itself, its back-ups and its revision."""

from contextlib import closing
from pathlib import Path

import click
from sqlalchemy.exc import ArgumentError

from ringback import __version__
from ringback.cli.check import store_name
from ringback.config.environment import database_url
from ringback.outbox.restoring import put_back
from ringback.services import Services
from ringback.store import revisions
from ringback.store.backup import back_up
from ringback.store.copying import copy_store
from ringback.store.database import Database
from ringback.store.failures import StoreError


def store_commands(services: Services) -> click.Group:
    group = click.Group("store", help="Look after the store: back-ups, and moving to another database.")
    group.add_command(_backup(services))
    group.add_command(_restored(services))
    group.add_command(_copy(services))
    return group


def version_command(services: Services) -> click.Command:
    @click.command("version")
    def version() -> None:
        """Say which version this is, and which revision the store's tables have."""
        click.echo(f"Ringback {__version__}")
        try:
            found = services.database.revision
        except StoreError as error:
            raise click.ClickException(str(error)) from None
        newest = revisions.newest()
        if found is None:
            click.echo(f"There is no store yet; the first start makes it, with revision {newest}.")
        elif found == newest:
            click.echo(f"The store has revision {found}, the newest that this version knows.")
        elif revisions.is_known(found):
            click.echo(f"The store has revision {found}; the next start of this version brings it to {newest}.")
        else:
            click.echo(f"The store has revision {found}, of a newer version: this one knows those up to {newest}.")

    return version


def _backup(services: Services) -> click.Command:
    @click.command("backup")
    @click.argument("file", type=click.Path(path_type=Path))
    def backup(file: Path) -> None:
        """Write all of the store into a file, while it is used. A file that is there is replaced."""
        try:
            kind = back_up(services.database, file, services.clock())
        except StoreError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"Backed up: {file}, {file.stat().st_size:,} bytes ({kind}).")
        click.echo("Once it is put back, and before anything is started: flask --app app store restored")

    return backup


def _restored(services: Services) -> click.Command:
    @click.command("restored")
    @click.option("--moved", is_flag=True, help="It was moved, and nothing ran since: everything stays as it is.")
    def restored(moved: bool) -> None:
        """Say that a back-up was put back: what may have been handed over since becomes unknown.

        That is what waited and was due by now, or was being handed over. Times booked for later stay.
        """
        database, now = services.database, services.clock()
        try:
            if not database.is_there:
                raise StoreError("there is no store where DATABASE_URL says")
            database.migrate(services.settings.kind_of_store, may_be_copy=True)
            done = database.adopt(lambda connection: None if moved else put_back(connection, now))
        except StoreError as error:
            raise click.ClickException(str(error)) from None
        if done is None:
            click.echo("This store is the one that is used from now on. What waits in it is handed over.")
            return
        click.echo("This store is the one that is used from now on.")
        click.echo(f"Unknown: {done.unknown}. Waiting for a time that is still to come: {done.booked}.")
        if done.dropped:
            click.echo(f"Acts that could still be undone, and were left out: {done.dropped}.")
        if done.unknown:
            click.echo("Ask the teams which of them were called: flask --app app requests list --attention")

    return restored


def _copy(services: Services) -> click.Command:
    @click.command("copy")
    @click.argument("url")
    def copy(url: str) -> None:
        """Copy all of the store into the empty one at URL. Every process has to be stopped before."""
        try:
            if not services.database.is_there:
                raise StoreError("there is no store where DATABASE_URL says")
            with closing(Database(database_url(url).get_secret_value())) as target:
                counts = copy_store(services.database, target, services.settings.kind_of_store)
        except (StoreError, ValueError, ArgumentError) as error:
            told = f"URL {error}" if isinstance(error, ValueError) else str(error)
            raise click.ClickException(told) from None
        click.echo(f"Copied: {counts['requests']} requests with {counts['events']} events, to {store_name(url)}.")
        click.echo("Now set DATABASE_URL to it, and start. The old store does not start any more.")

    return copy
