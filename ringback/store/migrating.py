"""Bring the store of these settings up to date, and nothing else: before a server has workers."""

import click

from ringback.config.settings import Settings
from ringback.store.database import Database
from ringback.store.failures import StoreError


def migrate(settings: Settings) -> int:
    """Do it; an exit status. What stops it is said on stderr, in one line."""
    database = Database(settings.database_url.get_secret_value())
    try:
        database.migrate(settings.kind_of_store)
    except StoreError as error:
        click.echo(error, err=True)
        return 3
    finally:
        database.close()
    return 0
