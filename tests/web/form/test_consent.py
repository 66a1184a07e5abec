"""What a visitor was shown and agreed to, and the record of it."""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.store.tables import consents
from ringback.web.form.version import form_version
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor

ROOT = Path(__file__).parent.parent.parent.parent
BY_BUTTON = "By selecting “Request call” you ask Acme Ltd to call you on this number about your request."
BY_BOX = "I agree that Acme Ltd may call me on this number about my request"
MARKETING = "Acme Ltd may also call me about its new greenhouses. I can withdraw this at any time."
WITH_MARKETING = {"texts": {"en": {"marketing": MARKETING}}}
CHANGED = "What this form says has changed. Read it again, then send."
ANN = {"name": "Ann Example", "phone": "020 7946 0123"}


@pytest.fixture
def form_of(make_app: Callable[..., Flask]) -> Callable[..., Visitor]:
    """Somebody in front of a form with settings of its own; each form has the same store and key."""
    return lambda **settings: Visitor(make_app(widgets={"sales": WIDGET | settings}))


def recorded(visitor: Visitor) -> list[Any]:
    query = sa.select(consents).order_by(consents.c.id)
    with visitor.app.extensions["ringback"].database.read() as connection:
        return list(connection.execute(query))


def boxes(page: Page) -> dict[str, str]:
    """The label of each box to tick."""
    labels = {label.get("for"): " ".join("".join(label.itertext()).split()) for label in page.all("label")}
    return {box.get("name", ""): labels[box.get("id")] for box in page.all("input[@type='checkbox']")}


def ticked(page: Page) -> set[str]:
    return {box.get("name", "") for box in page.all("input[@type='checkbox']") if "checked" in box.attrib}


# --- the button is the request ---


def test_the_record_is_the_very_sentence_that_was_shown(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    visitor = Visitor(make_app(store_url))
    page = visitor.opens("/sales?page=https://www.acme.test/pricing%3Ftoken=1")
    clock.passes(minutes=2)
    visitor.sends(page, **ANN)

    (record,) = recorded(visitor)
    assert (record.purpose, record.granted, record.sentence) == ("call", True, BY_BUTTON)
    assert record.sentence in page.words
    assert record.sha256 == hashlib.sha256(BY_BUTTON.encode()).hexdigest()
    assert (record.language, record.page) == ("en", "https://www.acme.test/pricing")
    assert record.at == clock.now
    assert record.form_version == visitor.app.extensions["ringback"].form_version
    assert re.fullmatch(r"[0-9a-f]{12}", record.form_version)
    assert boxes(page) == {}


def test_the_form_has_a_new_version_where_its_words_change_and_not_where_our_code_moves(tmp_path: Path) -> None:
    for folder in ("templates", "translations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    catalogue = tmp_path / "translations" / "de.po"
    text, version = catalogue.read_text(encoding="utf-8"), form_version(ROOT)

    catalogue.write_text(text.replace("#: ringback/", "#: elsewhere/"), encoding="utf-8")
    assert form_version(tmp_path) == version
    header, *entries = text.strip().split("\n\n")
    catalogue.write_text("\n\n".join([header, *reversed(entries)]) + "\n", encoding="utf-8")
    assert form_version(tmp_path) == version
    catalogue.write_text(text.replace("Vollständiger Name", "Name"), encoding="utf-8")
    assert form_version(tmp_path) != version


def test_where_no_site_says_its_page_it_is_the_forms_own(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of()
    visitor.sends(visitor.opens("/sales"), **ANN)

    assert recorded(visitor)[0].page == "https://callback.acme.test/sales"


def test_the_site_owners_own_sentence_is_shown_and_recorded(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(texts={"en": {"consent": "Press, and <Acme> & friends ring you."}})
    page = visitor.opens("/sales")
    visitor.sends(page, **ANN)

    assert "Press, and <Acme> & friends ring you." in page.words
    assert recorded(visitor)[0].sentence == "Press, and <Acme> & friends ring you."


def test_the_sentence_names_the_button_by_its_own_words(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(texts={"en": {"button": "Ring me"}})
    page = visitor.opens("/sales")
    visitor.sends(page, **ANN)

    assert page.text_of("button") == "Ring me"
    assert recorded(visitor)[0].sentence == BY_BUTTON.replace("Request call", "Ring me")


def test_a_form_that_is_refused_records_nothing_and_one_sent_twice_records_once(
    form_of: Callable[..., Visitor],
) -> None:
    visitor = form_of()
    page = visitor.opens("/sales")
    assert visitor.sends(page, name="", phone="12").status == 422
    assert recorded(visitor) == []
    for _ in "12":
        visitor.sends(page, **ANN)

    assert len(recorded(visitor)) == 1


def test_the_record_is_in_the_file_a_visitor_downloads(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(**WITH_MARKETING)
    page = visitor.asks()
    exported = visitor.opens(f"{page.address}/export").response.get_json()["consents"]

    assert exported == [
        {
            "purpose": purpose,
            "granted": granted,
            "sentence": sentence,
            "sha256": hashlib.sha256(sentence.encode()).hexdigest(),
            "language": "en",
            "form_version": visitor.app.extensions["ringback"].form_version,
            "page": "https://callback.acme.test/sales",
            "at": "2026-11-24T10:00:00+00:00",
        }
        for purpose, granted, sentence in (("call", True, BY_BUTTON), ("marketing", False, MARKETING))
    ]


# --- a box to tick ---


def test_the_box_is_not_ticked_and_its_label_is_the_sentence_that_is_recorded(
    form_of: Callable[..., Visitor],
) -> None:
    visitor = form_of(consent="checkbox")
    page = visitor.opens("/sales")
    assert boxes(page) == {"consent": BY_BOX}
    assert ticked(page) == set()
    assert BY_BUTTON not in page.words
    assert page.words.count(BY_BOX) == 1
    visitor.sends(page, **ANN, consent="y")

    (record,) = recorded(visitor)
    assert (record.purpose, record.granted, record.sentence) == ("call", True, BY_BOX)


@pytest.mark.parametrize("query", ["consent=y&marketing=y", "consent=on", "Consent=true&checked=1"])
def test_no_address_ticks_a_box(form_of: Callable[..., Visitor], query: str) -> None:
    visitor = form_of(consent="checkbox", **WITH_MARKETING)

    assert ticked(visitor.opens(f"/sales?{query}")) == set()


@pytest.mark.parametrize("sent", [{}, {"consent": ""}, {"consent": "false"}])
def test_without_the_tick_nothing_is_stored_and_the_form_says_what_to_do(
    form_of: Callable[..., Visitor], sent: dict[str, str]
) -> None:
    visitor = form_of(consent="checkbox")
    page = visitor.sends(visitor.opens("/sales"), **ANN, **sent)

    assert page.status == 422
    assert page.errors == ["Select the box if you agree to be called"]
    assert page.words.count("Select the box if you agree to be called") == 2
    assert (page.answers["name"], ticked(page)) == ("Ann Example", set())
    assert recorded(visitor) == []
    assert visitor.sends(page, consent="y").status == 303


def test_a_tick_is_kept_when_another_answer_was_wrong(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(consent="checkbox", **WITH_MARKETING)
    page = visitor.sends(visitor.opens("/sales"), name="Ann", phone="12", consent="y", marketing="y")

    assert (page.status, ticked(page)) == (422, {"consent", "marketing"})


# --- the box for more than the call ---


def test_there_is_no_box_for_marketing_where_nobody_wrote_its_sentence(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of()
    visitor.sends(visitor.opens("/sales"), **ANN, marketing="y")

    assert [record.purpose for record in recorded(visitor)] == ["call"]


@pytest.mark.parametrize("tick", [True, False])
def test_the_box_for_marketing_is_optional_and_what_was_said_is_recorded(
    form_of: Callable[..., Visitor], tick: bool
) -> None:
    visitor = form_of(**WITH_MARKETING)
    page = visitor.opens("/sales")
    assert boxes(page) == {"marketing": f"{MARKETING} (optional)"}
    assert ticked(page) == set()
    assert visitor.sends(page, **ANN, **({"marketing": "y"} if tick else {})).status == 303

    call, marketing = recorded(visitor)
    assert (call.purpose, call.granted) == ("call", True)
    assert (marketing.purpose, marketing.granted, marketing.sentence) == ("marketing", tick, MARKETING)


def test_agreeing_to_marketing_is_no_agreeing_to_the_call(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(consent="checkbox", **WITH_MARKETING)
    page = visitor.sends(visitor.opens("/sales"), **ANN, marketing="y")

    assert page.errors == ["Select the box if you agree to be called"]


def test_the_same_form_with_the_box_changed_is_sent_with_other_answers(form_of: Callable[..., Visitor]) -> None:
    visitor = form_of(**WITH_MARKETING)
    page = visitor.opens("/sales")
    first = visitor.sends(page, **ANN, marketing="y")
    assert visitor.sends(page, **ANN, marketing="y").location == first.location
    other = visitor.sends(page, **ANN)

    assert other.status == 422
    assert "You already sent this form." in other.words
    assert [record.granted for record in recorded(visitor)] == [True, True], "what was said is not overwritten"


# --- the sentence changes between showing and sending ---


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"texts": {"en": {"consent": "Press, and we ring."}}}),
        ({}, {"consent": "checkbox"}),
        ({}, WITH_MARKETING),
        (WITH_MARKETING, {"texts": {"en": {"marketing": "Acme may sell my number."}}}),
        ({}, {"company": "Acme Holdings"}),
        ({}, {"texts": {"en": {"button": "Ring me"}}}),
    ],
    ids=["the sentence", "a box", "marketing", "other marketing", "the company", "the button"],
)
def test_who_was_shown_other_words_is_shown_the_new_ones_first(
    form_of: Callable[..., Visitor], before: dict[str, Any], after: dict[str, Any]
) -> None:
    page = form_of(**before).opens("/sales")
    visitor = form_of(**after)
    again = visitor.sends(page, **ANN, consent="y", marketing="y")

    assert again.status == 422
    assert CHANGED in again.words
    assert again.answers["name"] == "Ann Example"
    assert ticked(again) == set(), "nobody agreed to these"
    assert recorded(visitor) == []
    assert visitor.sends(again, **({"consent": "y"} if "consent" in boxes(again) else {})).status == 303
    assert all(record.sentence in again.words for record in recorded(visitor))


def test_who_was_shown_the_same_words_is_not_asked_again(form_of: Callable[..., Visitor]) -> None:
    page = form_of(**WITH_MARKETING).opens("/sales")
    visitor = form_of(**WITH_MARKETING, promise_minutes=30, privacy_url="https://www.acme.test/new")

    assert visitor.sends(page, **ANN).status == 303


def test_a_tick_in_a_form_that_comes_back_because_it_is_old_counts_if_the_words_are_the_same(
    form_of: Callable[..., Visitor], clock: Clock
) -> None:
    visitor = form_of(consent="checkbox")
    page = visitor.opens("/sales")
    clock.passes(hours=25)
    assert ticked(visitor.sends(page, **ANN, consent="y")) == {"consent"}
    changed = form_of(consent="checkbox", company="Acme Holdings")

    assert ticked(changed.sends(page, **ANN, consent="y")) == set()


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_tick_that_comes_without_our_form_is_not_shown_as_made(
    form_of: Callable[..., Visitor], token: str
) -> None:
    visitor = form_of(consent="checkbox")
    page = visitor.sends(visitor.opens("/sales"), **ANN, consent="y", csrf_token=token)

    assert (page.status, ticked(page)) == (422, set())


# --- only ever added to ---


def test_nothing_changes_a_record_and_only_an_erasure_takes_it_away() -> None:
    whole = {file: file.read_text(encoding="utf-8") for file in (ROOT / "ringback").rglob("*.py")}

    def who_says(pattern: str) -> list[str]:
        return sorted(file.name for file, text in whole.items() if re.search(pattern, text))

    assert who_says(r"consents\s*\.\s*update|update\(\s*consents|(?i:update\s+consents)") == []
    assert who_says(r"consents\s*\.\s*delete|delete\(\s*consents|(?i:delete\s+from\s+consents)") == [
        "personal_data.py"
    ]
    assert who_says(r"consents\s*\.\s*insert") == ["outbox.py"]
