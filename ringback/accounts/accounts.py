"""All there is to accounts, in one place."""

from ringback.accounts.passkeys import Passkeys
from ringback.accounts.people import People
from ringback.accounts.second_factor import SecondFactor
from ringback.accounts.secrets import Safe
from ringback.accounts.sessions import Sessions
from ringback.accounts.sign_in import SignIn
from ringback.accounts.tries import Tries
from ringback.clock import Clock
from ringback.config.settings import Settings
from ringback.store.database import Database


class Accounts:
    """People with an account, and how they sign in."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self.people = People(database, clock)
        self.sessions = Sessions(database, clock)
        self.tries = Tries(database, clock)
        safe = Safe(settings.secret_keys, "the second factors in the store")
        self.second_factor = SecondFactor(database, safe, clock)
        self.passkeys = Passkeys(database, self.tries, clock)
        self.sign_in = SignIn(database, self.tries, self.second_factor, clock)
