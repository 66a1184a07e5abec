"""What the tests of the rules share: a store that somebody asks at, and acts in the same moment."""

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from ringback.outbox import transitions
from ringback.outbox.claims import Claim, Settlement
from ringback.outbox.numbers.number_rules import NumberRules
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox, Receipt
from ringback.outbox.personal_data import PersonalData
from ringback.outbox.request import Answers, Held, Source, State
from ringback.store.database import Database
from ringback.store.tables import alerts
from tests.conftest import WIDGET, Clock, make_settings

NUMBER, OTHER = "442079460123", "442079460199"


WIDGETS = {name: WIDGET | {"team_name": name.title()} for name in ("sales", "help", "orders")}


LIMITS = {"per_number": "2 per hour; 4 per day", "per_widget": "500 per day"}


TAKEN = Settlement(transitions.TAKEN)


BACK = Settlement(transitions.RETURN)


class Ringback:
    """What works on one store, with settings of its own."""

    def __init__(
        self, database: Database, url: str, clock: Clock, keys: tuple[str, ...] = ("the key",), **given: Any
    ) -> None:
        """`keys`: oldest first, as SECRET_KEY_FALLBACKS and SECRET_KEY have them."""
        *fallbacks, key = map(SecretStr, keys)
        settings = make_settings(url, **{"widgets": WIDGETS, "limits": LIMITS} | given).model_copy(
            update={"secret_key": key, "secret_key_fallbacks": tuple(fallbacks)}
        )
        self.database = database
        self.clock = clock
        self.outbox = Outbox(database, settings, clock)
        self.outbox.teams.register()
        self.attention = Operations(database, settings, clock)
        self.personal_data = PersonalData(database, settings, NumberRules(settings), clock)

    def asks(
        self, phone: str = NUMBER, widget: str = "sales", source: Source | None = None, **said: Any
    ) -> Receipt:
        """Somebody asks for a call to a number."""
        return self.outbox.accept(Answers(widget=widget, phone=phone, region="GB", **said), source=source)

    def held(self, *receipts: Receipt) -> list[Held | None]:
        """Why each of them is held."""
        return [found[0].held for receipt in receipts if (found := self.outbox.read(receipt.id))]

    def state(self, receipt: Receipt) -> State:
        found = self.outbox.read(receipt.id)
        assert found
        return found[0].state

    def takes(self) -> Claim:
        """The next that may go."""
        claim = self.outbox.claim("me")
        assert claim, "nothing may go"
        return claim

    def rings(self) -> list[tuple[str, list[str]]]:
        """Hand over all that is due: each number that is rung, with the references that the team gets."""
        rung = []
        while claim := self.outbox.claim("me"):
            assert self.outbox.settle(claim, TAKEN)
            if not claim.is_held:
                rung.append((claim.requests[0].answers.phone, [request.reference for request in claim.requests]))
        return rung

    def told(self, kind: str = "held") -> list[str]:
        """What alerts of a kind are about, oldest first."""
        query = sa.select(alerts.c.about).where(alerts.c.kind == kind).order_by(alerts.c.id)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())


SWITCHBOARD = "4930901820"


LONGER = [SWITCHBOARD + end for end in ("1", "7", "12", "77")]


def silenced(ringback: Ringback, silence: str) -> Held:
    """Silence the number in one of the ways there are."""
    if silence == "stop":
        ringback.outbox.stop(NUMBER)
        return Held.STOPPED
    digits, is_range = (NUMBER, False) if silence == "block" else (NUMBER[:6], True)
    ringback.attention.block(digits, is_range)
    return Held.BLOCKED


def at_once(acts: list[Callable[[], object]]) -> None:
    """Do all of it in the same moment, and raise what one of them raised."""
    together = threading.Barrier(len(acts))
    faults: list[BaseException] = []

    def do(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=do, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
