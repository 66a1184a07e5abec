"""However much waits, what a dead process left is not forgotten."""

from pathlib import Path

import pytest

from ringback.factory import create_app
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers, State
from tests.conftest import WIDGET, make_settings
from tests.crash.served import eventually, states
from tests.crash.storm import RingLog

pytestmark = pytest.mark.xdist_group("crash")


def test_what_was_cut_off_is_told_while_two_teams_have_more_than_their_hands_full(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    with RingLog(slowest_seconds=0.4) as samespace:
        settings = make_settings(
            url,
            samespace.base_url,
            limits={"per_widget": "1000000 per second"},
            delivery={"timeout_seconds": 2, "lease_seconds": 2.2, "retry_seconds": [0.3]},
            widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}},
        )
        app = create_app(settings)
        outbox: Outbox = app.extensions["ringback"].outbox
        cut_off = outbox.accept(Answers("sales", "44000000000", "GB"))
        outbox.claim("a process that died")
        for n in range(240):
            outbox.accept(Answers(("sales", "help")[n % 2], f"44100{n:06}", "GB"))
        app.extensions["ringback"].delivery.start()
        eventually(lambda: states(url)[cut_off.id][1] is State.UNKNOWN)
        still_waiting = [id for id, (_, state) in states(url).items() if state is State.WAITING]
        app.extensions["ringback"].delivery.stop(10)
        app.extensions["ringback"].database.close()

    assert still_waiting
