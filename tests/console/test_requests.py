"""The list of requests and the page of one, as operators of each role and with each widget see them."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ringback.accounts.operator import Role
from ringback.outbox import transitions
from ringback.outbox.calls.call_matching import CallRecord
from ringback.outbox.calls.outcomes import Outcome, Source
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.by_hand import DialState
from ringback.outbox.request import Answers, State
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import Services, services_of
from ringback.store.console_tables import intended
from ringback.store.tables import teams
from tests.conftest import WIDGET, Clock
from tests.visitor import Visitor

NUMBER = "442079460958"
Console = Callable[..., FlaskClient]


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    widgets = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
    return make_app(base_url=samespace.base_url, widgets=widgets)


@pytest.fixture
def services(app: Flask) -> Services:
    return services_of(app)


def ask(services: Services, phone: str = NUMBER, widget: str = "sales", **said: str) -> str:
    receipt = services.outbox.accept(Answers(widget=widget, phone=phone, region="GB", **said))  # type: ignore[arg-type]
    return receipt.reference


def post(client: FlaskClient, address: str, **fields: str | list[str]) -> TestResponse:
    """Send a form of the list with its token."""
    page = client.get("/console/requests").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, "the list has no form"
    return client.post(f"/console/requests/{address}", data={"csrf_token": found[1], **fields})


def state(services: Services, reference: str) -> State:
    found = services.outbox.read(services.operations.find(reference) or "")
    assert found
    return found[0].state


def text(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


# --- seen ---


def test_a_row_says_all_that_a_person_needs_to_ring(services: Services, console: Console, clock: Clock) -> None:
    reference = ask(services, name="Ann Smith")
    clock.passes(minutes=20)
    page = console(Role.VIEWER).get("/console/requests").get_data(as_text=True)

    for expected in (
        "Ann Smith",
        'href="tel:+442079460958"',
        "+44 20 7946 0958",
        "Late",
        "5 min late",
        f"/console/requests/{reference}",
        "10:20",  # in London
    ):
        assert expected in page


def test_a_held_request_is_held_and_says_why(services: Services, console: Console) -> None:
    services.operations.block(NUMBER)
    reference = ask(services)
    services.delivery.run_once()
    client = console(Role.VIEWER)

    assert "Held: number blocked" in text(client.get("/console/requests?state=held"))
    page = text(client.get(f"/console/requests/{reference}"))
    assert "Nobody was called; its visitor sees" in page


@pytest.mark.parametrize(
    ("phone", "hour", "theirs", "is_night"),
    [
        ("442079460958", 10, "10:20", False),
        ("442079460958", 3, "03:20", True),
        ("12125550123", 10, "05:20", True),  # New York
        ("18005550123", 10, " to ", False),  # all of North America
        ("80012345678", 10, "Not known", False),  # of no country
    ],
)
def test_their_own_time_is_only_what_is_true(
    services: Services, console: Console, clock: Clock, phone: str, hour: int, theirs: str, is_night: bool
) -> None:
    clock.now = clock.now.replace(hour=hour, minute=20)
    ask(services, phone)
    page = text(console(Role.VIEWER).get("/console/requests"))
    assert theirs in page
    assert (" Night " in page) == is_night


def test_what_is_typed_is_kept_in_the_address_and_the_counts_do_not_change(
    services: Services, console: Console
) -> None:
    ask(services, name="Ann Smith")
    ask(services, "442079460959", name="Bob Jones")
    page = console(Role.VIEWER).get("/console/requests?q=smith&state=waiting")

    assert "Ann Smith" in text(page)
    assert "Bob Jones" not in text(page)
    assert "Waiting 2" in text(page)
    assert "/console/requests?state=late&amp;q=smith" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    [
        "state=nonsense",
        "from=x&to=y",
        "after=x~y~z",
        "q=%00",
        "widget=%00",
        "q=" + "9" * 5000,
        "from=9999-12-31&to=9999-12-31",
    ],
)
def test_no_address_breaks_the_list(services: Services, console: Console, query: str) -> None:
    ask(services)
    assert console(Role.VIEWER).get(f"/console/requests?{query}").status_code == 200
    assert console(Role.VIEWER).get(f"/console/requests.json?{query}&since=x").status_code == 200


def test_an_open_page_is_told_what_is_new(services: Services, console: Console, clock: Clock) -> None:
    client = console(Role.VIEWER)
    since = clock.now.isoformat()
    clock.passes(seconds=1)
    ask(services)
    answer = client.get("/console/requests.json", query_string={"since": since})
    assert answer.json
    assert answer.json["new"] == "1"
    assert answer.json["counts"]["waiting"] == "1"
    assert answer.json["attention"] == "0"


def test_the_page_of_one_has_all_that_is_known(services: Services, console: Console, clock: Clock) -> None:
    reference = ask(services, name="Ann Smith", message="About blue", page="https://www.acme.test/prices")
    other = ask(services, widget="help")
    services.delivery.run_once()
    page = text(console(Role.OPERATOR).get(f"/console/requests/{reference}"))

    for expected in ("Ann Smith", "About blue", "https://www.acme.test/prices", "accepted:", other, "stop_url"):
        assert expected in page


def test_of_who_was_called_by_hand_no_agent_read_anything(services: Services, console: Console) -> None:
    by_hand, handed_over = ask(services), ask(services, "442079460959")
    client = console(Role.OPERATOR)
    assert "What the agent reads" in text(client.get(f"/console/requests/{by_hand}")), "if it is handed over now"
    assert post(client, f"{by_hand}/outcome", outcome="answered").status_code == 303
    services.delivery.run_once()
    assert "What the agent reads" not in text(client.get(f"/console/requests/{by_hand}"))
    assert "What the agent reads" in text(client.get(f"/console/requests/{handed_over}"))


def test_what_was_agreed_to_and_when_stands_on_the_page_of_one(app: Flask, console: Console) -> None:
    (reference,) = re.findall("RB-[0-9A-Z]{4}-[0-9A-Z]{4}", Visitor(app).asks().words)[:1]
    page = text(console(Role.VIEWER).get(f"/console/requests/{reference}"))
    assert "What was agreed to Yes, to: “By selecting “Request call” you ask Acme Ltd to call you" in page
    assert "” call, en, 10:00" in page


# --- who sees what ---


def test_who_is_bound_to_a_widget_learns_nothing_of_others(services: Services, console: Console) -> None:
    theirs, mine = ask(services, widget="help", name="Zoe"), ask(services, "442079460959")
    client = console(Role.OPERATOR, {"sales"})
    absent = "RB-2222-2222"

    page = text(client.get("/console/requests"))
    assert "Waiting 1" in page
    assert "Zoe" not in page
    assert "help" not in page
    for query in (f"q={theirs}", "q=zoe", f"q={NUMBER}", "widget=help"):
        assert "Zoe" not in text(client.get(f"/console/requests?{query}"))
        assert f"Choose {theirs}" not in text(client.get(f"/console/requests?{query}"))
    assert client.get(f"/console/requests/{theirs}").status_code == 404
    assert post(client, f"{theirs}/cancel").status_code == 404
    both = post(client, "cancel", reference=[theirs, absent, mine])
    assert both.status_code == 303
    assert "Cancel: 1 request in ten seconds. Not found: 2." in text(client.get(both.location))
    seen, unseen = (text(post(client, "retry", reference=[each])) for each in (theirs, absent))
    assert seen.replace(theirs, "") == unseen.replace(absent, "")


def test_a_viewer_is_offered_no_act_and_can_do_none(services: Services, console: Console) -> None:
    reference = ask(services)
    viewer = console(Role.VIEWER)
    page = viewer.get(f"/console/requests/{reference}").get_data(as_text=True)
    assert "What to do" not in page
    assert "checkbox" not in viewer.get("/console/requests").get_data(as_text=True).split("<dialog")[0]
    assert post(viewer, f"{reference}/cancel").status_code in (400, 404)
    assert post(viewer, "cancel", reference=reference).status_code in (400, 404)


def test_what_keeps_many_waiting_stands_on_top_and_is_counted(
    services: Services, console: Console, clock: Clock
) -> None:
    ask(services)
    with services.database.write() as connection:
        services.outbox.breaker._open(connection, 1, clock.now, 0)
        paused = {"paused_at": clock.now, "paused_why": "no such team"}
        connection.execute(teams.update().where(teams.c.name == "Help").values(paused))
    services.outbox.heartbeat.beat()
    client = console(Role.VIEWER)
    page = text(client.get("/console/requests?state=attention"))
    assert "Samespace is not reached since 10:00. What is due waits" in page
    assert "The team Help is paused since 10:00 (no such team)." in page
    assert "Needs a person 2" in page
    assert "No request needs a person." in page
    assert client.get("/console/requests.json").json["attention"] == "2"  # type: ignore[index]
    assert "not reached" not in text(client.get("/console/requests?state=called"))

    bound = text(console(Role.VIEWER, {"sales"}).get("/console/requests?state=attention"))
    assert "Samespace is not reached" in bound
    assert "Help" not in bound, "a team of other widgets"
    assert "Needs a person 1" in bound
    clock.passes(minutes=2)
    assert "Nobody hands over since 10:00." in text(client.get("/console/requests?state=attention"))


def test_what_is_still_held_says_that_its_person_was_reached_since(
    services: Services, console: Console, clock: Clock
) -> None:
    services.operations.block(NUMBER)
    first, shown = ask(services), ask(services, widget="help")
    services.delivery.run_once()
    services.programs.spoken(NUMBER, clock.now, ["help"], "crm")  # what its page says waits no more
    clock.passes(minutes=20)
    id = services.operations.find(first)
    assert id
    again = ask(services)
    services.by_hand.end_dial(services.by_hand.begin_dial(id, "robin", "a", "they asked"), DialState.TAKEN, "yes")

    clock.passes(minutes=5)
    latest = ask(services)
    page = text(console(Role.VIEWER, {"help"}).get("/console/requests?state=attention"))
    assert "Since then: Spoken already, 10:00" in page
    assert "dock" not in page, "what was done at another widget"
    client = console(Role.VIEWER)
    page = text(client.get(f"/console/requests/{again}"))
    assert "It is still held. Since it was asked for: Called from a dock, 10:20." in page
    assert "Note, crm" in text(client.get(f"/console/requests/{shown}"))
    assert "still held" not in text(client.get(f"/console/requests/{latest}")), "who asked after that"


# --- acts ---


def test_a_cancel_happens_in_ten_seconds_unless_it_is_undone(
    services: Services, console: Console, clock: Clock
) -> None:
    reference = ask(services)
    client = console(Role.OPERATOR)
    answer = post(client, f"{reference}/cancel")
    assert answer.status_code == 303
    page = client.get(answer.location).get_data(as_text=True)
    assert "Undo" in page
    assert state(services, reference) is State.WAITING
    batch = re.search(r'name="batch" value="([^"]+)"', page)
    assert batch
    assert post(client, "undo", batch=batch[1]).status_code == 303
    clock.passes(seconds=11)
    services.intended.carry_out()
    assert state(services, reference) is State.WAITING
    assert post(client, "undo", batch=batch[1]).status_code == 409

    post(client, f"{reference}/cancel")
    clock.passes(seconds=11)
    services.delivery.run_once()
    assert state(services, reference) is State.CANCELLED


def test_of_many_that_have_begun_to_happen_the_rest_is_undone_and_it_says_so(
    services: Services, console: Console, clock: Clock
) -> None:
    references = [ask(services, f"4420794609{index:02}") for index in range(4)]
    client = console(Role.OPERATOR)
    post(client, "cancel", reference=references)
    page = client.get("/console/requests").get_data(as_text=True)
    batch, count = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("batch", "count"))
    assert batch
    assert count
    clock.passes(seconds=10)
    with services.database.write() as connection:  # a process that dies in the midst of one
        one = connection.execute(sa.select(intended.c.request_id).limit(1)).scalar()
        connection.execute(intended.update().where(intended.c.request_id == one).values(begun=True))

    assert post(client, "undo", batch=batch[1], count=count[1]).status_code == 303
    assert "Undone: 3. For the others it was too late." in text(client.get("/console/requests"))
    again = post(client, "undo", batch=batch[1], count=count[1])
    assert "There is nothing to undo: it has happened, or was undone already." in text(again)
    assert services.intended.carry_out() == 1, "what it had begun another process ends"
    assert sorted(state(services, each) for each in references) == [State.CANCELLED, *[State.WAITING] * 3]


@pytest.mark.parametrize(
    "act", ["retry", "release", "resolve", "cancel", "reschedule", "call", "claim", "outcome"]
)
def test_what_is_not_possible_is_not_offered_and_says_why(services: Services, console: Console, act: str) -> None:
    reference = ask(services)
    services.outbox.cancel(services.operations.find(reference) or "")
    client = console(Role.OPERATOR)

    page = client.get(f"/console/requests/{reference}").get_data(as_text=True)
    assert f"/{reference}/{act}" not in page
    answer = post(client, f"{reference}/{act}", rang="yes", outcome="answered")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_many_are_done_at_once_and_told_how_many(services: Services, console: Console, clock: Clock) -> None:
    services.operations.block("4420794", is_range=True)
    held = [ask(services, f"4420794609{place}") for place in range(50, 53)]
    services.operations.unblock("4420794", is_range=True)
    other = ask(services, "447400123456")
    client = console(Role.OPERATOR)

    answer = post(client, "release", reference=[*held, other])
    assert "Release: 3 requests in ten seconds. Not possible now, and left as they are: 1." in text(
        client.get(answer.location)
    )
    assert text(client.get("/console/requests")).count("Release: in a moment") == 3
    assert "is about to happen" in text(post(client, f"{held[0]}/retry"))
    clock.passes(seconds=11)
    while services.intended.carry_out():
        pass
    assert "Held 0" in text(client.get("/console/requests"))


@pytest.mark.parametrize(
    ("act", "fields", "status"),
    [
        ("cancel", {}, 422),
        ("call", {"reference": ["RB-2222-2222", "RB-3333-3333"]}, 422),
        ("nonsense", {"reference": "RB-2222-2222"}, 404),
        ("resolve", {"reference": "RB-2222-2222"}, 409),
    ],
)
def test_what_cannot_be_meant_is_refused(
    services: Services, console: Console, act: str, fields: dict[str, str], status: int
) -> None:
    ask(services)
    assert post(console(Role.OPERATOR), act, **fields).status_code == status  # type: ignore[arg-type]


def test_an_unknown_is_resolved_by_saying_whether_it_rang(
    services: Services, console: Console, samespace: SandboxSamespace
) -> None:
    reference = ask(services)
    claim = services.outbox.claim("test")
    assert claim
    services.outbox.settle(claim, Settlement(transitions.LOSE))
    client = console(Role.OPERATOR)
    assert post(client, "retry", reference=reference).status_code == 409, (
        "many were handed over that may have rung"
    )
    assert post(client, f"{reference}/resolve", rang="perhaps").status_code == 422
    assert post(client, f"{reference}/resolve", rang="yes").status_code == 303
    assert state(services, reference) is State.WITH_TEAM


def test_who_is_on_it_is_shown_to_others(services: Services, console: Console) -> None:
    reference = ask(services)
    assert post(console(Role.OPERATOR), f"{reference}/claim").status_code == 303
    client = console(Role.OPERATOR, name="ana")
    assert "robin is on it" in text(client.get("/console/requests"))
    answer = post(client, f"{reference}/claim")
    assert answer.status_code == 409
    assert "robin is calling this number." in text(answer)


def test_notes_and_outcomes_are_kept_and_read(services: Services, console: Console) -> None:
    reference = ask(services)
    client = console(Role.OPERATOR)
    assert post(client, f"{reference}/note", note=" ").status_code == 422
    assert post(client, f"{reference}/note", note="Wants <b>blue</b>").status_code == 303
    assert post(client, f"{reference}/outcome", outcome="perhaps").status_code == 422
    assert post(client, f"{reference}/outcome", outcome="voicemail", note="left word").status_code == 303
    page = client.get(f"/console/requests/{reference}").get_data(as_text=True)
    assert "Wants &lt;b&gt;blue&lt;/b&gt;" in page
    assert "Voicemail, robin" in page
    assert "Voicemail: an operator said so" in page


# --- click-to-call ---


def test_a_call_from_the_dock_is_made_once_with_our_reference(
    services: Services, console: Console, samespace: SandboxSamespace
) -> None:
    reference = ask(services, name="Ann Smith")
    client = console(Role.OPERATOR, samespace_user="robin")
    for _ in range(2):
        assert post(client, f"{reference}/call", once="the form").status_code == 303
    assert post(client, f"{reference}/call", once="another form").status_code == 409

    assert samespace.dials == [
        {
            "username": "robin@acme",
            "number": NUMBER,
            "callerId": "+442079460000",
            "custom": {"reference": reference, "name": "Ann Smith"},
        }
    ]
    assert "(call call-1)" in text(client.get(f"/console/requests/{reference}"))
    services.delivery.run_once()
    assert samespace.calls == []


def test_who_is_not_logged_in_is_told_what_to_do_and_the_hand_over_goes_on(
    services: Services, console: Console, samespace: SandboxSamespace
) -> None:
    reference = ask(services)
    samespace.mode = Mode.REFUSES
    answer = post(console(Role.OPERATOR, samespace_user="robin"), f"{reference}/call")
    assert answer.status_code == 409
    assert "log in" in text(answer)
    samespace.mode = Mode.ANSWERS
    services.delivery.run_once()
    assert len(samespace.calls) == 1


def test_who_has_no_samespace_username_is_told_so(services: Services, console: Console) -> None:
    reference = ask(services)
    client = console(Role.OPERATOR)
    assert "no Samespace username yet" in text(client.get(f"/console/requests/{reference}"))
    assert post(client, f"{reference}/call").status_code == 409


def test_who_asked_not_to_be_called_is_called_with_a_reason_that_is_kept(
    services: Services, console: Console, samespace: SandboxSamespace
) -> None:
    reference = ask(services)
    services.outbox.stop(NUMBER)
    client = console(Role.OPERATOR, samespace_user="robin@other")
    assert post(client, f"{reference}/call", once="a").status_code == 409
    assert samespace.dials == []
    assert post(client, f"{reference}/call", once="b", override="They wrote").status_code == 303
    assert [dial["username"] for dial in samespace.dials] == ["robin@other"]
    assert "They wrote" in text(client.get(f"/console/requests/{reference}"))
    assert "call despite a stop or block" in [act.act for act in services.audit.listed()]


# --- evidence from call reports ---


def test_a_probable_call_is_shown_beside_the_buttons_that_settle_an_unknown(
    services: Services, console: Console, clock: Clock
) -> None:
    reference = ask(services)
    claim = services.outbox.claim("test")
    assert claim
    services.outbox.settle(claim, Settlement(transitions.LOSE, "no answer"))
    page = f"/console/requests/{reference}"
    assert "may be this one" not in text(console(Role.OPERATOR).get(page))
    began = clock.now + timedelta(minutes=4)
    clock.passes(minutes=6)
    services.calls.keep([CallRecord("a-uuid", NUMBER, "Sales", began, is_outgoing=True, answered=False)])

    shown = text(console().get(page))
    assert "A call began at 10:04, 4 min after the hand-over. Nobody answered. Probably this request's" in shown
    assert "it does not name this request" in shown
    assert shown.count("It did not ring: hand over again") == 1
    assert "It rang" not in text(console(Role.VIEWER).get(page))
    assert post(console(Role.OPERATOR), f"{reference}/resolve", rang="yes").status_code == 303
    assert state(services, reference) is State.WITH_TEAM


def test_where_records_have_no_such_call_that_proves_nothing(services: Services, console: Console) -> None:
    reference = ask(services)
    claim = services.outbox.claim("test")
    assert claim
    services.outbox.settle(claim, Settlement(transitions.LOSE, "no answer"))
    services.calls.begin()
    assert services.calls.take_turn("me", 60)
    services.calls.ended_well("me", services.clock())
    page = f"/console/requests/{reference}"
    assert "read up to 10:00, have no call that may be this one. That proves nothing" in text(console().get(page))


def test_people_and_records_that_disagree_are_shown_and_not_merged(services: Services, console: Console) -> None:
    reference = ask(services)
    claim = services.outbox.claim("test")
    assert claim
    services.outbox.settle(claim, Settlement(transitions.TAKEN))
    at = services.clock()
    named = frozenset({reference})
    services.calls.keep([CallRecord("a-uuid", NUMBER, "Sales", at, True, answered=False, references=named)])
    services.outcomes.say(claim.requests[0].id, Outcome.DO_NOT_CALL, Source.AGENT)
    shown = text(console().get(f"/console/requests/{reference}"))
    assert "People and records do not agree" in shown
    assert "No answer, says Samespace's record" in shown
    assert "Asked not to be called, said an agent of the team" in shown
    assert "a-uuid" not in shown
