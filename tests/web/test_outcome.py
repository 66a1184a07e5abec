"""The page where an agent says what became of a call: who can open it, what it shows, what follows."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask

from ringback.outbox.calls.outcome_key import outcome_key, reference_of
from ringback.outbox.calls.outcomes import Outcome, Said, Source, disagree
from ringback.outbox.request import Answers, State
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from tests.conftest import PUBLIC_URL, Clock
from tests.outbox.asking import NUMBER
from tests.visitor import Visitor

LINKS = {"space_id": "acme", "outcome_links": True}


class Agent(Visitor):
    """Somebody who has the address that came with a call."""

    def __init__(self, app: Flask, samespace: SandboxSamespace, **said: str) -> None:
        super().__init__(app)
        self.id = services_of(app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB", **said)).id
        services_of(app).delivery.run_once()
        self.path = samespace.calls[-1].attributes["outcome_url"].removeprefix(PUBLIC_URL)

    @property
    def state(self) -> State:
        found = services_of(self.app).outbox.read(self.id)
        assert found
        return found[0].state

    def says(self, **answers: str) -> str:
        return self.follows(self.sends(self.opens(self.path), **answers)).headline


@pytest.fixture
def agent(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Agent:
    given = {"samespace": LINKS | {"base_url": samespace.base_url}}
    return Agent(make_app(**given), samespace, name="Ann Example", message="my own words")


def test_the_agent_gets_no_address_unless_it_is_wanted(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = make_app(base_url=samespace.base_url)
    services_of(app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB"))
    services_of(app).delivery.run_once()
    assert "outcome_url" not in samespace.calls[0].attributes


def test_to_open_the_page_changes_nothing_and_shows_nothing_of_the_visitor(agent: Agent) -> None:
    page = agent.opens(agent.path)
    assert page.headline == "What became of the call?"
    for word in ("Ann", "own words", "7946", agent.id):
        assert word not in page.html
    assert agent.state is State.WITH_TEAM


@pytest.mark.parametrize("outcome", ["answered", "no_answer", "voicemail", "wrong_number"])
def test_what_the_agent_says_is_kept_and_the_visitor_reads_that_the_team_called(
    agent: Agent, outcome: str
) -> None:
    assert agent.says(outcome=outcome, note="call back at five") == "Saved"
    assert agent.state is State.CALLED
    (said,) = services_of(agent.app).outcomes.said(agent.id)
    assert (said.source, said.outcome, said.note) == ("agent", outcome, "call back at five")
    page = agent.opens(f"/requests/{agent.id}")
    assert "The team called at 10:00 UTC" in page.words
    assert "five" not in page.html


def test_who_asked_not_to_be_called_is_stopped(agent: Agent) -> None:
    agent.says(outcome="do_not_call")
    later = services_of(agent.app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB"))
    found = services_of(agent.app).outbox.read(later.id)
    assert found
    assert found[0].held == "stopped"


def test_without_a_choice_nothing_is_kept_and_the_note_stays(agent: Agent) -> None:
    page = agent.sends(agent.opens(agent.path), note="typed already")
    assert page.status == 422
    assert page.title.startswith("Error")
    assert page.answers["note"] == "typed already"
    assert agent.state is State.WITH_TEAM


def test_a_choice_can_be_changed_and_both_are_kept(agent: Agent) -> None:
    agent.says(outcome="no_answer")
    agent.says(outcome="answered")
    assert [said.outcome for said in services_of(agent.app).outcomes.said(agent.id)] == ["no_answer", "answered"]


def test_another_site_cannot_say_it_for_the_agent(agent: Agent) -> None:
    page = agent.posts(agent.path, {"outcome": "answered"}, {"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403
    assert agent.state is State.WITH_TEAM


def test_a_key_that_we_did_not_sign_opens_nothing(agent: Agent) -> None:
    key = agent.path.removeprefix("/outcome/")
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    for other in (
        changed,
        "x",
        agent.id,
        key[:8] + "-" + "A" * 22,
        "2" + key[1:] if key[0] != "2" else "3" + key[1:],
    ):
        assert agent.opens(f"/outcome/{other}").status == 404
        assert agent.posts(f"/outcome/{other}", {"outcome": "answered"}).status == 404


def test_the_key_of_an_erased_request_opens_nothing(agent: Agent) -> None:
    agent.says(outcome="answered")
    services_of(agent.app).personal_data.erase(agent.id)
    assert agent.opens(agent.path).status == 404
    assert services_of(agent.app).outcomes.said(agent.id) == []


def test_a_key_is_signed_by_any_secret_that_is_still_accepted() -> None:
    key = outcome_key("an older one", "RB-7F3K-92QD")
    assert reference_of(["an older one", "the new one"], key) == "RB-7F3K-92QD"
    assert reference_of(["the new one"], key) is None


def test_the_key_is_in_no_log(agent: Agent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    agent.says(outcome="answered")
    agent.opens(agent.path + "x")
    assert caplog.text
    assert agent.path.partition("-")[2] not in caplog.text


def test_requests_that_joined_have_one_address_and_share_what_is_said(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    app = make_app(samespace=LINKS | {"base_url": samespace.base_url})
    first = services_of(app).outbox.accept(Answers(widget="sales", phone=NUMBER, region="GB"))
    agent = Agent(app, samespace)
    assert len(samespace.calls) == 1
    agent.says(outcome="answered")
    for id in (first.id, agent.id):
        assert [said.outcome for said in services_of(app).outcomes.said(id)] == ["answered"]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["answered"], False),
        (["answered", "wrong_number"], False),
        (["answered", "no_answer"], True),
        (["voicemail", "no_answer"], False),
        ([], False),
    ],
)
def test_who_disagrees_is_found(outcomes: list[str], expected: bool, clock: Clock) -> None:
    said = [Said(clock(), source, "", each, "") for source, each in zip(Source, outcomes, strict=False)]
    assert disagree(said) is expected


@pytest.mark.parametrize(("by_agent", "expected"), [("answered", False), ("no_answer", True)])
def test_of_several_records_one_that_was_answered_agrees_with_who_says_so(
    by_agent: str, expected: bool, clock: Clock
) -> None:
    records = [Said(clock(), Source.RECORD, by, each, "") for by, each in (("1", "answered"), ("2", "no_answer"))]
    assert not disagree(records)
    assert disagree([*records, Said(clock(), Source.AGENT, "", by_agent, "")]) is expected


def test_an_operator_says_the_same(agent: Agent) -> None:
    assert services_of(agent.app).outcomes.say(agent.id, Outcome.VOICEMAIL, Source.CONSOLE, by="anna")
    assert agent.state is State.CALLED
    (said,) = services_of(agent.app).outcomes.said(agent.id)
    assert (said.source, said.by) == ("console", "anna")
