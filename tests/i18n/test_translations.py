"""The catalogues: complete, nothing stale in them, and every sentence on every page is in them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from flask import Flask

from ringback.i18n import languages
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from tests import pseudo
from tests.conftest import WIDGET, Clock
from tests.visitor import Page, Visitor
from tools import messages
from tools.messages import CATALOGUES, forms

OFFERED = ["ar", "de", "es", "fr", "it", "ja", "pt_BR"]
FILES = sorted(CATALOGUES.glob("*.po"))
all_catalogues = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def template() -> Catalog:
    return messages.extracted()


def translated(path: Path) -> Iterator[tuple[Message, str, str]]:
    """Each message with each of its translations, and the English it stands for."""
    for message in messages.catalogue(path):
        if message.id:
            for form in forms(message.string):
                yield message, forms(message.id)[-1], form


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))


def test_the_languages_are_those_promised() -> None:
    assert [path.stem for path in FILES] == OFFERED


@all_catalogues
def test_a_catalogue_has_every_sentence_and_none_that_has_gone(path: Path, template: Catalog) -> None:
    assert path.read_text(encoding="utf-8") == messages.updated(path, template), "run: make messages"


@all_catalogues
def test_a_catalogue_leaves_nothing_in_english(path: Path) -> None:
    assert messages.untranslated(messages.catalogue(path)) == []
    assert [message.id for message in messages.catalogue(path) if message.fuzzy and message.id] == []


@all_catalogues
def test_a_translation_fills_in_what_the_english_does(path: Path) -> None:
    for message, english, text in translated(path):
        # "One minute", "two minutes" need no figure where a language has a form for each.
        spelt_out = {"%(num)s"} if not isinstance(message.id, str) else set()
        assert placeholders(english) - spelt_out <= placeholders(text) <= placeholders(english), text
        assert text.count("%") == len(re.findall(r"%\(\w+\)s", text)), text


@all_catalogues
def test_a_translation_is_text_and_no_markup(path: Path) -> None:
    for _, english, text in translated(path):
        assert not re.search("[<>&]", english + text), text
        assert text == text.strip(), text


@all_catalogues
def test_a_translation_ends_as_the_english_does(path: Path) -> None:
    ends = ".。।"
    for _, english, text in translated(path):
        assert (english[-1] in ends) == (text[-1] in ends), text
        assert (english[-1] in "?") == (text[-1] in "?？؟"), text
        assert (english[-1] in "…") == (text[-1] in "…"), text


def test_french_signs_stay_with_their_words() -> None:
    (french,) = [path for path in FILES if path.stem == "fr"]

    assert [text for _, _, text in translated(french) if re.search(r" [?:;!»]|« ", text)] == []


@pytest.mark.parametrize(("tag", "word"), [("fr", "de|à"), ("it", "a")])
def test_no_word_stands_before_a_city_that_some_cities_would_change(tag: str, word: str) -> None:
    """Of Abidjan is *d’Abidjan*, and in Athens *ad Atene*."""
    (path,) = [path for path in FILES if path.stem == tag]

    assert [text for _, _, text in translated(path) if re.search(rf"\b({word}) %\(city\)s", text)] == []


@all_catalogues
def test_no_catalogue_is_said_to_be_reviewed_before_it_is(path: Path) -> None:
    told = dict(re.findall(r"^\| `(\w+)` \|.*\| (yes|no)\b.*\|$", DOCUMENTATION, re.MULTILINE))

    assert told[path.stem] == ("yes" if languages.language(path.stem).is_reviewed else "no")


DOCUMENTATION = (Path(__file__).parent.parent.parent / "docs/languages.md").read_text(encoding="utf-8")


# --- no sentence on any page that is not in them ---

# UTC is written so in every language.
OWN = ["Acme Ltd", "Ann Example", "UTC"]
# The clock stands at Tuesday 24 November 2026, 10:00 in London.
HOURS = {"timezone": "Europe/London", "tue": ["09:00-17:00"], "wed": ["09:00-17:00"]}
OPEN = {"hours": HOURS | {"days_ahead": 2}}
CLOSED = {"hours": HOURS | {"tue": ["16:00-17:00"]}}
TODAY, TOMORROW = "2026-11-24T14:00Z", "2026-11-25T09:30Z"
WIDGETS = {
    "sales": {},
    "nobody-rings": {"phone": None, "promise_minutes": None, "privacy_url": None},
    "careful": {"consent": "checkbox", "regions": ["GB", "IE", "JP"], "required": ["name", "email", "message"]},
    "open": OPEN,
    "few": {"hours": HOURS | {"days_ahead": 0, "slot_minutes": 120}, "promise_minutes": 60},
    "closed": CLOSED,
    "closed-for-long": {"hours": {"timezone": "Europe/London", "special": {"2026-12-24": ["09:00-12:00"]}}},
    "closed-for-ever": {"hours": {"timezone": "Europe/London", "special": {"2026-11-23": ["09:00-12:00"]}}},
    "closing": {"hours": HOURS | {"tue": ["09:00-10:10"]}},
    "closing-for-ever": {"hours": {"timezone": "Europe/London", "special": {"2026-11-24": ["09:00-10:10"]}}},
    "full": {"hours": HOURS | {"tue": ["09:00-11:00"], "wed": [], "calls_per_slot": 1, "days_ahead": 0}},
    "paused": {},
}


class InDisguise:
    """Somebody who is shown every page in languages that nobody speaks, and can make anything happen."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.lang = ""
        self.visitor = Visitor(app)
        self.outbox = app.extensions["ringback"].outbox
        self.attention = app.extensions["ringback"].operations

    def opens(self, path: str) -> Page:
        return self.visitor.opens(f"{path}?lang={self.lang}")

    def posts(self, path: str, **fields: str) -> Page:
        return self.visitor.posts(f"{path}?lang={self.lang}", fields)

    def sends(self, widget: str, **answers: str) -> Page:
        filled = {"name": "Ann Example", "phone": "020 7946 0123"} | answers
        return self.visitor.sends(self.opens(f"/{widget}"), **filled)

    def asks(self, widget: str = "sales", slot: str = "", zone: str = "") -> str:
        """The address of a new request."""
        when = {"when": "slot", "slot": slot} if slot else {}
        answer = self.sends(widget, zone=zone, **when)
        assert answer.status == 303, answer.errors
        return answer.location.partition("?")[0]

    def tries(self, *ends: transitions.Transition) -> None:
        """Take what is due, and see it end so; a minute passes each time."""
        for end in ends:
            claim = self.outbox.claim("test")
            assert claim
            self.clock.passes(minutes=1)
            assert self.outbox.settle(claim, Settlement(end, next_attempt_at=self.clock()))

    def waits_for(self, *ends: transitions.Transition, widget: str = "sales", minutes: float = 0) -> Page:
        """The page of a request once that has happened to it."""
        address = self.asks(widget)
        self.tries(*ends)
        self.clock.passes(minutes=minutes)
        return self.opens(address)


@pytest.fixture(scope="module")
def disguises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disguises")
    pseudo.write_catalogues(folder)
    return folder


@pytest.fixture
def in_disguise(
    disguises: Path, monkeypatch: pytest.MonkeyPatch, make_app: Callable[..., Flask], clock: Clock
) -> Iterator[InDisguise]:
    monkeypatch.setattr(languages, "CATALOGUES", disguises)
    languages.language.cache_clear()
    offered = {"languages": [pseudo.ACCENTED, pseudo.RIGHT_TO_LEFT]}
    app = make_app(
        widgets={key: WIDGET | offered | table for key, table in WIDGETS.items()},
        limits={"min_fill_seconds": 0, "per_address": "30 per minute"},
        environment={"sandbox": True, "public_url": "http://127.0.0.1:8000"},
    )
    yield InDisguise(app, clock)
    languages.language.cache_clear()


def stopping(person: InDisguise) -> Page:
    return person.visitor.sends(person.opens("/stop"), phone="020 7946 0123", country="GB")


def all_wrong(person: InDisguise) -> Page:
    return person.sends("careful", name="n" * 121, phone="12", email="nobody", message="m" * 1001)


def a_number_that_is_not_rung(person: InDisguise) -> Page:
    return person.sends("careful", phone="+49 30 123456", message="Ann Example")


def a_number_to_check(person: InDisguise) -> Page:
    return person.sends("sales", phone="07700 900982")


def sent_before(person: InDisguise) -> Page:
    form = person.opens("/sales")
    person.visitor.sends(form, name="Ann Example", phone="020 7946 0123")
    return person.visitor.sends(form, name="Ann Example", phone="020 7946 0124")


def after_a_day(person: InDisguise) -> Page:
    form = person.opens("/sales")
    person.clock.passes(hours=25)
    return person.visitor.sends(form, name="Ann Example", phone="020 7946 0123")


def too_often(person: InDisguise) -> Page:
    for number in range(31):
        answer = person.sends("sales", phone=f"020 7946 01{number:02}")
    return answer


def from_elsewhere(person: InDisguise) -> Page:
    form = person.opens("/sales")
    return person.visitor.sends(form, {"Sec-Fetch-Site": "cross-site"}, name="Ann Example", phone="020 7946 0123")


def every_time_taken(person: InDisguise) -> Page:
    person.asks("full", "2026-11-24T10:30Z")
    return person.opens("/full")


def the_last_time_gone(person: InDisguise) -> Page:
    form = person.opens("/full")
    person.asks("full", "2026-11-24T10:30Z")
    answers = {"name": "Ann Example", "phone": "020 7946 0124", "when": "slot", "slot": "2026-11-24T10:30Z"}
    return person.visitor.sends(form, **answers)


def pauses(person: InDisguise, widget: str) -> None:
    person.outbox.slots.pause(widget, "", person.clock())


def paused(person: InDisguise) -> Page:
    pauses(person, "paused")
    return person.opens("/paused")


def paused_meanwhile(person: InDisguise) -> Page:
    form = person.opens("/paused")
    pauses(person, "paused")
    return person.visitor.sends(form, name="Ann Example", phone="020 7946 0123")


def cancelled(person: InDisguise) -> Page:
    address = person.asks()
    person.posts(f"{address}/cancel")
    return person.opens(address)


def too_late_to_cancel(person: InDisguise) -> Page:
    address = person.asks()
    person.tries(transitions.TAKEN)
    return person.posts(f"{address}/cancel")


def checked_by_a_person(person: InDisguise) -> Page:
    address = person.asks()
    person.tries(transitions.LOSE)
    assert person.attention.resolve(address.rpartition("/")[2], rang=True)
    return person.opens(address)


def moved(person: InDisguise) -> Page:
    address = person.asks("open", TODAY, "Asia/Tokyo")
    person.posts(f"{address}/time", when="slot", slot="2026-11-25T16:30Z", zone="Asia/Tokyo")
    return person.opens(address)


def missed(person: InDisguise, slot: str = "", zone: str = "", **passes: float) -> Page:
    address = person.asks("open", slot, zone)
    person.clock.passes(**passes)
    return person.opens(address)


def erasing(person: InDisguise, *ends: transitions.Transition) -> Page:
    address = person.asks()
    person.tries(*ends)
    return person.opens(f"{address}/erase")


def erasing_what_is_on_its_way(person: InDisguise) -> Page:
    address = person.asks()
    assert person.outbox.claim("test")
    return person.posts(f"{address}/erase")


def erased(person: InDisguise) -> Page:
    address = person.asks()
    person.posts(f"{address}/erase")
    return person.opens(address)


def changing_the_time(person: InDisguise, **answers: str) -> Page:
    address = f"{person.asks('open', TODAY, 'Asia/Tokyo')}/time"
    return person.posts(address, **answers) if answers else person.opens(address)


def too_late_for_another_time(person: InDisguise) -> Page:
    address = person.asks("open")
    person.tries(transitions.TAKEN)
    return person.opens(f"{address}/time")


def paused_before_the_time_is_changed(person: InDisguise) -> Page:
    address = person.asks("open", TODAY)
    pauses(person, "open")
    return person.opens(f"{address}/time")


# The page, and what it answers: a page of another error would pass for it otherwise.
PAGES: dict[str, tuple[int, Callable[[InDisguise], Page]]] = {
    "nothing here": (404, lambda person: person.opens("/nobody")),
    "not done here": (405, lambda person: person.posts("/stop/done")),
    "too large": (413, lambda person: person.posts("/stop", phone="1" * 70_000)),
    "stop": (200, lambda person: person.opens("/stop")),
    "stop, with an error": (422, lambda person: person.posts("/stop", phone="")),
    "stop, in which country": (422, lambda person: person.posts("/stop", phone="020 7946 0123")),
    "stop, a number not in use": (422, lambda person: person.posts("/stop", phone="+44 7700 900982")),
    "stop, a number to confirm": (200, stopping),
    "stopped": (200, lambda person: person.opens("/stop/done")),
    **{f"form, {key}": (200, lambda person, key=key: person.opens(f"/{key}")) for key in WIDGETS},  # type: ignore[misc]
    "form, all wrong": (422, all_wrong),
    "form, nothing typed": (422, lambda person: person.posts("/careful")),
    "form, a number that is not rung": (422, a_number_that_is_not_rung),
    "form, a number to check": (422, a_number_to_check),
    "form, sent before": (422, sent_before),
    "form, after a day": (422, after_a_day),
    "form, too often": (429, too_often),
    "form, from elsewhere": (403, from_elsewhere),
    "form, no time chosen": (422, lambda person: person.sends("open", when="slot", slot="")),
    "form, no time left": (200, every_time_taken),
    "form, the last time gone": (422, the_last_time_gone),
    "form, paused meanwhile": (503, paused_meanwhile),
    "paused": (200, paused),
    "request, received": (200, lambda person: person.waits_for()),
    "request, received by a team without a number": (200, lambda person: person.waits_for(widget="nobody-rings")),
    "request, overdue": (200, lambda person: person.waits_for(minutes=1)),
    "request, tried once": (200, lambda person: person.waits_for(transitions.RETURN)),
    "request, tried often": (200, lambda person: person.waits_for(*[transitions.RETURN] * 3)),
    "request, with the team": (200, lambda person: person.waits_for(transitions.TAKEN)),
    "request, unknown": (200, lambda person: person.waits_for(transitions.LOSE)),
    "request, unknown and late": (200, lambda person: person.waits_for(transitions.LOSE, minutes=40)),
    "request, failed": (200, lambda person: person.waits_for(transitions.FAIL)),
    "request, failed at a team without a number": (
        200,
        lambda person: person.waits_for(transitions.FAIL, widget="nobody-rings"),
    ),
    "request, checked by a person": (200, checked_by_a_person),
    "request, cancelled": (200, cancelled),
    "request, too late to cancel": (409, too_late_to_cancel),
    "request, for today": (200, lambda person: missed(person, TODAY)),
    "request, for tomorrow and another zone": (200, lambda person: missed(person, TOMORROW, "Asia/Tokyo")),
    "request, for tomorrow and no place": (200, lambda person: missed(person, TOMORROW, "Etc/GMT+5")),
    "request, moved": (200, moved),
    "request, late": (200, lambda person: missed(person, minutes=16)),
    "request, its time missed": (200, lambda person: missed(person, TODAY, "Asia/Tokyo", hours=5)),
    "request, its time missed the day before": (200, lambda person: missed(person, TODAY, hours=24)),
    "request, while closed": (200, lambda person: missed(person, hours=8)),
    "request, before the opening": (200, lambda person: person.waits_for(widget="closed")),
    "request, long before the opening": (200, lambda person: person.waits_for(widget="closed-for-long")),
    "time": (200, changing_the_time),
    "time, with an error": (422, lambda person: changing_the_time(person, when="slot", slot="")),
    "time, gone": (422, lambda person: changing_the_time(person, when="slot", slot="2026-11-28T10:00Z")),
    "time, too late": (409, too_late_for_another_time),
    "time, while paused": (200, paused_before_the_time_is_changed),
    "erase": (200, erasing),
    "erase what the team has": (200, lambda person: erasing(person, transitions.TAKEN)),
    "erase what is on its way": (409, erasing_what_is_on_its_way),
    "erased": (410, erased),
}


def pages_in_disguise() -> Iterator[Any]:
    """Every page in one; from the right, where only the direction is another, one in five is looked at always."""
    for place, name in enumerate(PAGES):
        yield pytest.param(name, pseudo.ACCENTED)
        yield pytest.param(name, pseudo.RIGHT_TO_LEFT, marks=[pytest.mark.long] if place % 5 else [])


@pytest.mark.parametrize(("name", "lang"), list(pages_in_disguise()))
def test_no_sentence_on_a_page_is_unmarked(in_disguise: InDisguise, name: str, lang: str) -> None:
    status, open_page = PAGES[name]
    in_disguise.lang = lang
    page = open_page(in_disguise)

    assert page.status == status
    assert page.tree is not None
    assert (page.tree.get("lang"), page.tree.get("dir")) == (lang, "rtl" if lang == "he" else "ltr")
    assert pseudo.undisguised(page.tree, OWN) == []


def test_what_is_not_marked_stands_out(in_disguise: InDisguise) -> None:
    in_disguise.lang = pseudo.ACCENTED
    page = in_disguise.opens("/stop/done")
    assert page.tree is not None
    page.all("h1")[0].text = "Not for Acme Ltd"
    page.all("aside")[0].set("aria-label", "Nor read out")

    assert pseudo.undisguised(page.tree, OWN) == ["Nor read out", "Not for Acme Ltd"]


def test_a_disguise_is_longer_and_keeps_what_is_filled_in() -> None:
    for tag in (pseudo.ACCENTED, pseudo.RIGHT_TO_LEFT):
        text = pseudo.disguised("We can be rung on %(number)s.", tag)

        assert "%(number)s" in text
        assert len(text) >= 1.35 * len("We can be rung on %(number)s.")
        assert not re.search("[A-Za-z]", text.replace("%(number)s", ""))
