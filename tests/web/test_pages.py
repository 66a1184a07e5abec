"""The visitor's pages, as a visitor without JavaScript meets them."""

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask, session

from ringback.outbox.request import new_id
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.visitor import Visitor


@pytest.mark.parametrize("said", ["http", "javascript", "A"])
def test_a_visitor_is_sent_on_by_the_scheme_of_public_url_whatever_a_header_says(
    make_app: Callable[..., Flask], said: str
) -> None:
    app = make_app(environment={"trusted_proxies": 1})
    answer = app.test_client().get("/requests//no", base_url=PUBLIC_URL, headers={"X-Forwarded-Proto": said})

    assert answer.status_code == 308
    assert answer.location == f"{PUBLIC_URL}/requests/no"


def test_no_view_can_give_a_visitor_a_cookie_by_a_session(app: Flask) -> None:
    with app.test_request_context("/sales"), pytest.raises(RuntimeError, match="session is unavailable"):
        session["visits"] = 1


def stored(app: Flask) -> list:
    return app.extensions["ringback"].operations.listed()


def test_the_first_widget_stands_at_the_root_too(visitor: Visitor) -> None:
    assert visitor.opens("/").headline == visitor.opens("/sales").headline == "Request a call back"


def test_a_request_is_stored_and_the_visitor_sent_to_its_page(visitor: Visitor, app: Flask) -> None:
    answer = visitor.sends(visitor.opens("/sales"), name="Ann Example", phone="020 7946 0123")

    assert answer.status == 303
    assert re.fullmatch(r"/requests/[0-9a-f]{32}", answer.location)
    page = visitor.opens(answer.location)
    assert page.headline == "We have your request"
    assert "+44 20 7946 0123" in page.words
    (request,) = stored(app)
    assert request.reference in page.words
    assert (request.answers.phone, request.answers.name) == ("442079460123", "Ann Example")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("ann＠example。com", "ann@example.com"), ("ann@bücher.example", "ann@bücher.example")],
)
def test_an_email_address_is_read_in_any_width_and_its_domain_stays_as_typed(
    visitor: Visitor, app: Flask, typed: str, kept: str
) -> None:
    form = visitor.opens("/sales")
    (field,) = form.all("input[@name='email']")
    # Browsers write the domain of a field of type email in ASCII.
    assert (field.get("type"), field.get("inputmode"), field.get("autocomplete")) == ("text", "email", "email")
    assert visitor.sends(form, name="Ann", phone="020 7946 0123", email=typed).status == 303
    assert stored(app)[0].answers.email == kept


@pytest.mark.parametrize(
    ("phone", "link", "shown"),
    [
        ("+44 20 7946 0000", "tel:+442079460000", "+44 20 7946 0000"),
        ("+44 20 7946 0000 ext. 12", "tel:+442079460000;ext=12", "+44 20 7946 0000 x12"),
        ("+1 201 555 0123 x7", "tel:+12015550123;ext=7", "+1 201-555-0123 ext. 7"),
        ("tel:+442079460000;ext=12", "tel:+442079460000;ext=12", "+44 20 7946 0000 x12"),
        ("+39 06 1234 5678", "tel:+390612345678", "+39 06 1234 5678"),
    ],
)
def test_the_teams_number_is_a_link_that_dials_its_extension_too(
    make_app: Callable[..., Flask], phone: str, link: str, shown: str
) -> None:
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"phone": phone, "caller_id": None}}))
    (found,) = [each for each in visitor.asks().all("a") if (each.get("href") or "").startswith("tel:")]

    assert (found.get("href"), "".join(found.itertext())) == (link, shown)


def test_what_is_missing_is_said_on_top_and_at_the_field_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    page = visitor.sends(
        visitor.opens("/sales"), name="", phone="12", message="Line one\nline two", email="nobody"
    )

    assert page.status == 422
    assert page.title == "Error: Request a call back"
    assert page.errors[0] == "Enter your full name"
    assert "Enter an email address in the correct format, like name@example.com" in page.errors
    kept = page.answers
    assert (kept["phone"], kept["message"], kept["email"]) == ("12", "Line one\nline two", "nobody")
    for error in page.errors:
        assert page.words.count(error) == 2


def test_what_is_too_long_is_refused_in_the_words_of_its_label(visitor: Visitor) -> None:
    page = visitor.sends(visitor.opens("/sales"), name="n" * 121, phone="020 7946 0123", message="m" * 1001)

    assert page.errors == [
        "Full name must be 120 characters or less",
        "Message must be 1,000 characters or less",
    ]


def test_a_thousand_emoji_fit_in_the_message(visitor: Visitor) -> None:
    assert visitor.asks(message="😀" * 1000).status == 200


def test_each_number_that_is_unassigned_is_asked_about(visitor: Visitor) -> None:
    """The second as well: what was remembered of the first once named no digit."""
    page = visitor.opens("/sales")
    first = visitor.sends(page, name="Ann", phone="07700 900982")
    second = visitor.sends(page, name="Ann", phone="07700 900983")

    assert first.errors == [
        "Check your phone number. If +44 7700 900982 (United Kingdom) is right, select Request call again"
    ]
    assert second.errors == [
        "Check your phone number. If +44 7700 900983 (United Kingdom) is right, select Request call again"
    ]
    assert visitor.sends(page, name="Ann", phone="07700 900983").status == 303, "asked once, not twice"


def test_what_is_far_too_long_is_told_as_what_is_a_letter_too_long(visitor: Visitor) -> None:
    """It is cut before it is read; if what nobody sees made it long, the rest must not pass for the whole."""
    for name in ("a" * 121, "a" * 60_000, "a" + "\u200b" * 5_000 + "b"):
        page = visitor.sends(visitor.opens("/sales"), name=name, phone="020 7946 0123")
        assert page.errors == ["Full name must be 120 characters or less"]
    hangul = unicodedata.normalize("NFD", "한" * 120)
    assert visitor.sends(visitor.opens("/sales"), name=hangul, phone="020 7946 0124").status == 303


def test_of_a_number_that_is_cut_the_rest_is_not_called(visitor: Visitor) -> None:
    typed = "020 7946 0123" + "\u200b" * 5_000 + "9"
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone=typed)

    assert page.errors == ["Phone number has too many digits"]


@pytest.mark.parametrize("name", ["\u2800", "\u2800\u3164\u200b", "\U0001d159"])
def test_a_name_that_shows_nothing_is_none(visitor: Visitor, name: str) -> None:
    page = visitor.sends(visitor.opens("/sales"), name=name, phone="020 7946 0123")

    assert page.errors == ["Enter your full name"]


def test_the_address_of_a_request_is_told_to_nobody(visitor: Visitor, app: Flask) -> None:
    """From its page people ask for another call: a browser would send that address along, which is a key."""
    made = visitor.asks()
    assert made.response.headers["Referrer-Policy"] == "strict-origin"
    key = f"{PUBLIC_URL}{made.address}"
    by_header = visitor.opens("/sales", Referer=key)
    by_query = visitor.opens(f"/sales?page={key}")
    by_title = visitor.opens("/sales")

    assert by_header.answers["page"] == by_query.answers["page"] == by_title.answers["page"] == ""
    for turn, page in enumerate([by_header, by_query, by_title]):
        sent = visitor.sends(page, name="Ann", phone=f"020 7946 020{turn}", page=key)
        data = visitor.opens(f"{sent.location}/export").response.get_json()
        assert [consent["page"] for consent in data["consents"]] == [f"{PUBLIC_URL}/sales"]
        assert made.address.rpartition("/")[2] not in str(data)
    assert {request.answers.page for request in stored(app)} == {""}


def test_a_requests_address_has_128_random_bits() -> None:
    ids = [new_id() for _ in range(400)]

    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)
    assert [len({id[place] for id in ids}) for place in range(32)] == [16] * 32


def test_what_is_kept_of_a_requests_page_is_nothing_and_no_search_engine_has_it(visitor: Visitor) -> None:
    page = visitor.asks()

    assert '<meta name="robots" content="noindex">' in page.html
    for end in ("", ".json", "/export"):
        answer = visitor.client.get(page.address + end, base_url=PUBLIC_URL)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("end", ["", "/time", "/erase", ".json", "/export", "/cancel", "/no", "s" * 30])
def test_no_answer_about_a_request_lets_a_browser_name_its_address(visitor: Visitor, end: str) -> None:
    made = visitor.asks()
    for method in ("GET", "POST"):
        answer = visitor.client.open(made.address + end, method=method, base_url=PUBLIC_URL)
        assert answer.headers["Referrer-Policy"] == "strict-origin"


def test_a_post_from_a_requests_page_is_ours_by_its_origin(visitor: Visitor) -> None:
    """As browsers send it where the policy is strict-origin; with no-referrer it would be null."""
    made = visitor.asks()
    page = visitor.posts(f"{made.address}/cancel", {}, {"Origin": PUBLIC_URL, "Referer": f"{PUBLIC_URL}/"})

    assert page.status == 303


def test_a_number_that_is_possible_but_unassigned_is_asked_about_once(visitor: Visitor) -> None:
    first = visitor.sends(visitor.opens("/sales"), name="Ann", phone="07700 900982")

    assert first.status == 422
    assert first.errors == [
        "Check your phone number. If +44 7700 900982 (United Kingdom) is right, select Request call again"
    ]
    assert visitor.sends(first).status == 303


def test_the_very_same_post_again_counts_as_checked_too(visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    answers = page.answers | {"name": "Ann", "phone": "07700 900982"}

    assert [visitor.posts("/sales", answers).status for _ in range(3)] == [422, 303, 303]


def test_with_csrf_switched_off_a_plain_post_of_the_fields_is_enough(app: Flask, visitor: Visitor) -> None:
    app.config["WTF_CSRF_ENABLED"] = False

    assert visitor.posts("/sales", {"name": "Ann", "phone": "+442079460123"}).status == 303
    assert [visitor.posts("/sales", {"name": "Ann", "phone": "07700900982"}).status for _ in "12"] == [
        422,
        303,
    ]


def test_the_same_form_sent_twice_leads_to_the_same_confirmation(visitor: Visitor, app: Flask) -> None:
    page = visitor.opens("/sales")
    answers = page.answers | {"name": "Ann", "phone": "020 7946 0123"}

    assert visitor.posts("/sales", answers).location == visitor.posts("/sales", answers).location
    assert len(stored(app)) == 1


def test_a_used_form_with_other_answers_asks_first_and_then_makes_another_request(
    visitor: Visitor, app: Flask
) -> None:
    page = visitor.opens("/sales")
    first = visitor.sends(page, name="Ann", phone="020 7946 0123")
    second = visitor.sends(page, name="Ann", phone="020 7946 0124")

    assert second.status == 422
    assert "You already sent this form. Send again to make another request." in second.words
    assert second.answers["phone"] == "020 7946 0124"
    third = visitor.sends(second)
    assert third.status == 303
    assert third.location != first.location
    assert len(stored(app)) == 2


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_one_form_posted_ten_times_at_once_is_one_request(
    engine: str, make_app: Callable[..., Flask], request: pytest.FixtureRequest
) -> None:
    app = make_app(request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    page = Visitor(app).opens("/sales")
    answers = page.answers | {"name": "Ann", "phone": "020 7946 0123"}
    together = threading.Barrier(10)
    locations: list[str] = []

    def post() -> None:
        person = Visitor(app)
        together.wait()
        locations.append(person.posts("/sales", answers).location)

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(locations) == 10
    assert len(set(locations)) == 1
    assert len(stored(app)) == 1


def test_a_form_open_for_more_than_a_day_comes_back_with_the_answers(visitor: Visitor, clock: Clock) -> None:
    page = visitor.opens("/sales")
    clock.passes(hours=25)
    again = visitor.sends(page, name="Ann", phone="020 7946 0123")

    assert again.status == 422
    assert "This page was open for a long time. Check your answers and send again." in again.words
    assert visitor.sends(again).status == 303


@pytest.mark.parametrize("token", ["", "nonsense", "WyJzYWxlcyJd.AAAA"])
def test_a_forged_token_stores_nothing(visitor: Visitor, app: Flask, token: str) -> None:
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone="020 7946 0123", csrf_token=token)

    assert page.status == 422
    assert page.answers["name"] == "Ann"
    assert stored(app) == []


def test_a_token_of_another_widget_does_not_count(make_app: Callable[..., Flask]) -> None:
    from tests.conftest import WIDGET

    visitor = Visitor(make_app(widgets={"sales": WIDGET, "help": WIDGET}))
    answers = visitor.opens("/help").answers | {"name": "Ann", "phone": "020 7946 0123"}

    assert visitor.posts("/sales", answers).status == 422


def test_a_form_sent_quicker_than_a_person_can_is_shown_again(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    visitor = Visitor(make_app(limits={"min_fill_seconds": 2}))
    page = visitor.opens("/sales")
    clock.passes(seconds=1)
    again = visitor.sends(page, name="Ann", phone="020 7946 0123")

    assert again.status == 422
    assert again.answers["name"] == "Ann"
    clock.passes(seconds=1)
    assert visitor.sends(again).status == 303, "the form shown again remembers when it was first shown"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://callback.acme.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
def test_a_form_sent_from_another_site_is_not_accepted(
    visitor: Visitor, app: Flask, headers: dict[str, str]
) -> None:
    page = visitor.sends(visitor.opens("/sales"), headers, name="Ann", phone="020 7946 0123")

    assert page.status == 403
    assert page.answers["name"] == "Ann"
    assert stored(app) == []


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "https://callback.acme.test"}]
)
def test_a_form_sent_from_our_own_page_is_accepted(visitor: Visitor, headers: dict[str, str]) -> None:
    assert visitor.sends(visitor.opens("/sales"), headers, name="Ann", phone="020 7946 0123").status == 303


def test_attributes_and_the_host_page_come_along_and_nothing_else_does(visitor: Visitor, app: Flask) -> None:
    page = visitor.opens("/sales?plan=pro&colour=red&page=https://ann:pw@www.acme.test/pricing%3Ftoken=1%23top")
    visitor.sends(page, name="Ann", phone="020 7946 0123", colour="red", state="with_team")

    (request,) = stored(app)
    assert request.answers.attributes == {"plan": "pro"}
    assert request.answers.page == "https://www.acme.test/pricing"


def test_a_pages_title_goes_to_the_agent_where_the_widget_says_so(make_app: Callable[..., Flask]) -> None:
    from tests.conftest import WIDGET

    app = make_app(widgets={"sales": WIDGET | {"attributes": ["page_title"]}})
    visitor = Visitor(app)
    page = visitor.opens("/sales")
    sent = visitor.sends(page, name="Ann", phone="020 7946 0123", page_title="(1) Prices – Acme")
    again = visitor.sends(page, name="Ann", phone="020 7946 0123", page_title="(2) Prices – Acme")

    (request,) = stored(app)
    assert request.answers.attributes == {"page_title": "(1) Prices – Acme"}
    assert again.location == sent.location, "a title is no answer of the visitor's"


def test_an_attribute_with_capitals_is_filled_by_a_page_that_cannot_write_them(
    make_app: Callable[..., Flask],
) -> None:
    from tests.conftest import WIDGET

    app = make_app(widgets={"sales": WIDGET | {"attributes": ["orderId"]}})
    visitor = Visitor(app)
    visitor.sends(visitor.opens("/sales?orderid=A-17"), name="Ann", phone="020 7946 0123")

    (request,) = stored(app)
    assert request.answers.attributes == {"orderId": "A-17"}


def test_fields_that_are_not_shown_are_ignored(make_app: Callable[..., Flask]) -> None:
    from tests.conftest import WIDGET

    app = make_app(widgets={"sales": WIDGET | {"fields": ["name"], "required": []}})
    visitor = Visitor(app)
    visitor.sends(visitor.opens("/sales"), phone="020 7946 0123", email="a@b.test", message="hello")

    (request,) = stored(app)
    assert (request.answers.email, request.answers.message) == ("", "")


def test_a_request_is_cancelled_while_it_waits(visitor: Visitor) -> None:
    page = visitor.asks()
    cancelled = visitor.follows(visitor.sends(page))

    assert cancelled.headline == "Your request is cancelled"
    assert visitor.posts(page.action, {}).status == 303, "cancelling twice changes nothing"


def test_a_cancel_from_another_site_is_refused(visitor: Visitor) -> None:
    page = visitor.asks()

    assert visitor.sends(page, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitor.opens(page.address).headline == "We have your request"


def test_the_status_as_json_has_what_was_agreed_and_no_person_in_it(visitor: Visitor) -> None:
    page = visitor.asks(email="ann@example.test", message="ring softly")
    status = visitor.opens(f"{page.address}.json").response.get_json()

    assert status["reference"] in page.words
    assert status == {
        "reference": status["reference"],
        "state": "waiting",
        "requested_at": "2026-11-24T10:00:00+00:00",
        "due_at": "2026-11-24T10:00:00+00:00",
        "events": [{"at": "2026-11-24T10:00:00+00:00", "kind": "received"}],
    }


def test_the_number_is_shown_whole_for_half_an_hour(visitor: Visitor, clock: Clock) -> None:
    page = visitor.asks(phone="020 7946 0123")
    clock.passes(minutes=31)
    later = visitor.opens(page.address)

    assert "+44 20 7946 0123" not in later.words
    assert "123" in later.words


def test_the_promise_stays_when_it_was_missed_and_the_page_says_so(visitor: Visitor, clock: Clock) -> None:
    page = visitor.asks()
    assert "If nobody has called by 10:15 UTC, call us." in page.words
    clock.passes(minutes=16)

    assert "We said by 10:15 UTC, and that time has passed." in visitor.opens(page.address).words


@pytest.mark.parametrize(
    "path", ["/nothing", "/requests/abc", f"/requests/{'0' * 32}", "/requests/x.json", "/a/b"]
)
def test_what_is_not_there_is_a_page_that_says_so(visitor: Visitor, path: str) -> None:
    assert visitor.opens(path).status == 404


def test_too_much_is_refused_before_it_is_read(visitor: Visitor) -> None:
    assert visitor.posts("/sales", {"message": "x" * 70_000}).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe=\xff",
        b"phone=%00%ff&name=%ed%a0%80",
        b"{",
        b"phone=1&phone=2",
        b"&&&=&",
        b"phone=" + b"9" * 60_000,
    ],
)
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""]
)
def test_nothing_posted_is_answered_with_a_fault_of_ours(visitor: Visitor, body: bytes, kind: str) -> None:
    response = visitor.client.post("/sales", data=body, content_type=kind, base_url=visitor.base_url)

    assert response.status_code < 500


@pytest.mark.parametrize("path", ["/sales", "/requests/x", "/static/x", "/nothing"])
def test_a_query_that_is_no_utf8_is_read_as_far_as_it_goes(visitor: Visitor, path: str) -> None:
    odd = {"QUERY_STRING": "plan=pro&page=\xff\xfe&x=%ff"}
    for host in (visitor.base_url, "https://evil.test"):
        response = visitor.client.get(path, base_url=host, environ_overrides=odd)
        assert response.status_code == (400 if "evil" in host else 200 if path == "/sales" else 404)


def test_what_no_page_can_hold_is_not_shown_again(visitor: Visitor) -> None:
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone="\x00020\x83 79\x1a46", checked="\x01")

    assert page.status == 422
    assert page.answers["phone"] == "020 7946"
    assert visitor.sends(visitor.opens("/stop"), phone="\x1b12").answers["phone"] == "12"


def test_a_name_that_cannot_be_seen_is_none(visitor: Visitor) -> None:
    page = visitor.sends(visitor.opens("/sales"), name="\u3164\u200b", phone="020 7946 0123")

    assert page.errors == ["Enter your full name"]


def test_an_attribute_that_is_too_long_is_cut_and_has_no_loose_end(visitor: Visitor, app: Flask) -> None:
    visitor.sends(visitor.opens("/sales"), name="Ann", phone="020 7946 0123", plan="a" * 199 + " pro")

    assert stored(app)[0].answers.attributes == {"plan": "a" * 199}


def test_another_host_name_is_refused_but_not_for_health(visitor: Visitor) -> None:
    assert visitor.client.get("/sales", base_url="https://evil.test").status_code == 400
    assert visitor.client.get("/sales", headers={"Host": "CALLBACK.acme.test"}).status_code == 200
    assert visitor.client.get("/healthz", base_url="http://10.0.0.1").status_code == 200


def test_only_the_widgets_sites_may_frame_its_pages(visitor: Visitor) -> None:
    page = visitor.asks()

    for fetched in (page, visitor.opens("/sales")):
        assert "frame-ancestors https://www.acme.test" in fetched.response.headers["Content-Security-Policy"]
    stop = visitor.opens("/stop").response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in stop


def test_a_store_that_fails_is_said_so_with_the_answers_and_the_teams_number(app: Flask, visitor: Visitor) -> None:
    page = visitor.opens("/sales")
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE events RENAME TO elsewhere")
    answer = visitor.sends(page, name="Ann", phone="020 7946 0123")

    assert answer.status == 503
    assert "We could not store your request. Your answers are still here." in answer.words
    assert answer.answers["name"] == "Ann"
    assert "+44 20 7946 0000" in answer.words


def test_the_form_itself_needs_no_store(app: Flask, visitor: Visitor) -> None:
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql("DROP TABLE events")

    assert visitor.opens("/sales").status == 200


def test_a_stopped_number_is_held_and_nobody_can_tell(visitor: Visitor, app: Flask) -> None:
    done = visitor.follows(visitor.stops("020 7946 0123"))
    assert done.headline == "Calls to your number are stopped"

    stopped, other = visitor.asks(phone="020 7946 0123"), visitor.asks(phone="020 7946 0199")
    assert stopped.headline == other.headline
    held = {request.answers.phone: request.held for request in stored(app)}
    assert held == {"442079460123": "stopped", "442079460199": None}


def test_a_store_that_another_process_has_locked_is_not_waited_for_long(
    app: Flask, visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.store.database.PATIENCE_SECONDS", 0.3)
    page = visitor.opens("/sales")
    other = sqlite3.connect(tmp_path / "ringback.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert visitor.sends(page, name="Ann", phone="020 7946 0123").status == 503

    other.close()
    assert visitor.sends(page, name="Ann", phone="020 7946 0123").status == 303


def test_an_agent_reads_what_was_typed_and_nothing_that_hides_or_reverses_it(visitor: Visitor, app: Flask) -> None:
    typed = {"name": "Ann\u202e elpmaxE\u200b", "message": "one\r\ntwo\x00\u2066three", "company": "Cafe\u0301"}
    visitor.sends(visitor.opens("/sales"), phone="020 7946 0123", **typed)

    (request,) = stored(app)
    answers = request.answers
    assert (answers.name, answers.message, answers.company) == ("Ann elpmaxE", "one\ntwothree", "Café")


def test_a_query_that_is_too_long_is_cut_between_letters(app: Flask) -> None:
    for filler in range(9):
        query = f"a={'a' * (6_000 + filler)}&plan={quote('会😀' * 200)}"
        page = app.test_client().get(f"/sales?{query}", base_url=PUBLIC_URL).text
        plan = re.search(r'name="plan"[^>]* value="([^"]*)"', page)
        assert plan
        assert re.fullmatch("(会😀)+会?", plan[1])
