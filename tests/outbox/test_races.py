"""Fifty at the same moment: one call by each widget, within its limit."""

from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask

from ringback.outbox.request import Answers, Held, State
from ringback.sandbox.samespace import SandboxSamespace
from tests.outbox.asking import NUMBER, WIDGETS, at_once
from tests.visitor import Visitor


@pytest.fixture
def company(make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace) -> Flask:
    """Three widgets behind a proxy, with the limits that everybody starts with."""
    return make_app(store_url, samespace.base_url, widgets=WIDGETS, environment={"trusted_proxies": 1})


def test_fifty_posts_at_once_for_one_number_are_one_call_by_each_widget_within_its_limit(
    company: Flask, samespace: SandboxSamespace
) -> None:
    forms = []
    for turn in range(50):
        person, by = Visitor(company, "10.0.0.9"), {"X-Forwarded-For": f"192.0.2.{turn + 1}"}
        forms.append((person, person.opens(f"/{list(WIDGETS)[turn % 3]}", **by), by))
    answers = {"name": "Ann", "phone": "020 7946 0123"}
    statuses: list[int] = []
    at_once(
        [
            lambda person=person, form=form, by=by: statuses.append(person.sends(form, by, **answers).status)
            for person, form, by in forms
        ]
    )
    assert statuses == [303] * 50

    hand_over_all(company)
    stored = company.extensions["ringback"].operations.listed()
    rung = [request for request in stored if request.held is None]
    assert {call.number for call in samespace.calls} == {NUMBER}
    assert len(samespace.calls) == len({request.answers.widget for request in rung})
    references = [reference for call in samespace.calls for reference in call.attributes["reference"].split(" / ")]
    assert sorted(references) == sorted(request.reference for request in rung)
    assert Counter(request.held for request in stored) == {None: 2, Held.NUMBER_LIMIT: 48}
    assert {request.state for request in stored} == {State.WITH_TEAM}


def test_an_operators_release_after_the_race_rings_once_more(company: Flask, samespace: SandboxSamespace) -> None:
    outbox, attention = company.extensions["ringback"].outbox, company.extensions["ringback"].operations
    receipts = [outbox.accept(Answers("sales", NUMBER, "GB")) for _ in range(4)]
    hand_over_all(company)
    for receipt in receipts[2:]:
        assert attention.release(receipt.id)
    hand_over_all(company)

    assert [call.attributes["reference"] for call in samespace.calls] == [
        " / ".join(receipt.reference for receipt in pair) for pair in (receipts[:2], receipts[2:])
    ]


def hand_over_all(app: Flask) -> None:
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    while claim := outbox.claim("test"):
        delivery.hand_over(claim)
