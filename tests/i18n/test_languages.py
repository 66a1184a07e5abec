"""Which language a visitor is answered in, and what a language is made of."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from ringback.config.widget import Widget
from ringback.i18n import languages
from ringback.i18n.local_time import LocalTime as TeamClock
from ringback.outbox.consent import call_sentence
from ringback.sandbox.samespace import SandboxSamespace
from tests.cli.test_cli import said
from tests.config.test_settings import COMPLETE, faults
from tests.conftest import PUBLIC_URL, WIDGET, Clock
from tests.visitor import Page, Visitor

EIGHT = ["en", "de", "fr", "es", "it", "pt_BR", "ar", "ja"]
# Languages we have no translation into are here for the ways their tags are written.
MANY = ["en", "de", "fr", "pt_BR", "zh_Hans", "zh_Hant", "es", "ar", "he", "nb", "sr_Latn", "id"]


# --- of those a widget offers, the one that suits ---


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("pt-PT", "pt_BR"),
        ("pt", "pt_BR"),
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("de-CH-1996", "de"),
        ("de-DE-u-co-phonebk", "de"),
        ("fr-CA", "fr"),
        ("es-419", "es"),
        ("zh-TW", "zh_Hant"),
        ("zh-HK", "zh_Hant"),
        ("zh-Hant", "zh_Hant"),
        ("zh-CN", "zh_Hans"),
        ("zh-SG", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("iw", "he"),
        ("in", "id"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("sr", "sr_Latn"),
        ("ar-EG", "ar"),
        ("en-GB", "en"),
        ("pl", None),
        ("xx", None),
        ("*", None),
        ("x-klingon", None),
        ("", None),
        ("../../etc/passwd", None),
        ("de" * 5000, None),
        ("ｄｅ", None),
    ],
)
def test_a_tag_leads_to_the_nearest_language_or_to_none(wanted: str, chosen: str | None) -> None:
    assert languages.choose(["none", *MANY], [wanted]) == (chosen or "none")


def test_the_country_decides_between_two_of_one_language() -> None:
    offered = ["pt_PT", "pt_BR", "en"]

    assert [languages.choose(offered, [tag]) for tag in ("pt-BR", "pt-PT", "pt-AO", "pt")] == [
        "pt_BR",
        "pt_PT",
        "pt_PT",
        "pt_BR",
    ]


def test_the_first_that_is_wanted_and_offered_wins_over_what_is_offered_first() -> None:
    assert languages.choose(["en", "de", "fr"], ["pl", "fr-CA", "de"]) == "fr"
    assert languages.choose(["de", "en"], ["pl", "nonsense"]) == "de"
    assert languages.choose(["de", "en"], []) == "de"


def test_somebody_who_wants_a_thousand_languages_is_not_read_to_the_end() -> None:
    assert languages.choose(["en", "de"], ["pl"] * 1000 + ["de"]) == "en"


# --- the page says it ---


@pytest.fixture
def visitor(make_app: Callable[..., Flask]) -> Visitor:
    """Somebody in front of a widget that speaks them all, and one that speaks German before English."""
    widgets = {
        "sales": WIDGET | {"languages": EIGHT},
        "hilfe": WIDGET | {"languages": ["de", "en"]},
        "help": WIDGET,
    }
    return Visitor(make_app(widgets=widgets))


def language_of(page: Page) -> str:
    assert page.tree is not None
    return page.tree.get("lang", "")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pt-PT,pt;q=.9,en;q=.5", "pt-BR"),
        ("de-AT", "de"),
        ("fr-CA;q=.8,xx", "fr"),
        ("pl , fr ; Q = 0.8 ,de;q=.9", "de"),
        ("es-419,es;q=0.9", "es"),
        ("en;q=0.2,ja;q=0.7", "ja"),
        ("de;q=0,fr;q=0.1", "fr"),
        ("de;q=0", "en"),
        ("pl,xx;q=0.5", "en"),
        ("*", "en"),
        ("", "en"),
        (";;;,,q=,de;q=nan,\x7f", "en"),
        ("a" * 8000, "en"),
    ],
)
def test_the_browsers_languages_are_heard(visitor: Visitor, header: str, language: str) -> None:
    assert language_of(visitor.opens("/sales", **{"Accept-Language": header})) == language


def test_the_address_is_heard_before_the_browser_and_what_it_cannot_have_is_passed_over(visitor: Visitor) -> None:
    browser = {"Accept-Language": "fr"}

    assert language_of(visitor.opens("/sales?lang=de-AT", **browser)) == "de"
    assert language_of(visitor.opens("/sales?lang=pl", **browser)) == "fr"
    assert language_of(visitor.opens("/hilfe?lang=fr", **browser)) == "de"


def test_a_widget_speaks_no_language_it_does_not_offer(visitor: Visitor) -> None:
    assert language_of(visitor.opens("/hilfe", **{"Accept-Language": "ar"})) == "de"
    assert language_of(visitor.opens("/help", **{"Accept-Language": "de"})) == "en"
    assert language_of(visitor.opens("/help?lang=de")) == "en"


def test_a_page_of_no_widget_speaks_what_any_of_them_does(visitor: Visitor) -> None:
    page = visitor.opens("/nobody", **{"Accept-Language": "de"})

    assert (page.status, language_of(page)) == (404, "de")
    assert page.headline == "Seite nicht gefunden"


def test_the_root_speaks_as_the_first_widget(visitor: Visitor) -> None:
    assert language_of(visitor.opens("/?lang=it")) == "it"


def test_an_error_before_any_page_is_reached_is_told_in_the_persons_language(visitor: Visitor) -> None:
    visitor.base_url = "https://elsewhere.test"
    page = visitor.opens("/sales?lang=fr")

    assert (page.status, language_of(page)) == (400, "fr")


def test_an_answer_does_not_go_on_in_the_language_of_the_one_before(visitor: Visitor) -> None:
    said = [visitor.opens(f"/stop/done{query}").headline for query in ("?lang=de", "", "?lang=ja", "")]

    assert said[0] == "Anrufe an Ihre Nummer sind gestoppt"
    assert said[1] == said[3] == "Calls to your number are stopped"


def test_arabic_runs_from_right_to_left(visitor: Visitor) -> None:
    page = visitor.opens("/stop/done?lang=ar")

    assert page.tree is not None
    assert (page.tree.get("lang"), page.tree.get("dir")) == ("ar", "rtl")


def test_the_language_stays_when_the_stop_form_is_sent(visitor: Visitor) -> None:
    wrong = visitor.sends(visitor.opens("/stop?lang=de"), phone="")
    asked = visitor.sends(wrong, phone="020 7946 0123")
    done = visitor.follows(visitor.sends(asked))

    assert language_of(wrong) == language_of(asked) == "de"
    assert wrong.title == "Fehler: Anrufe an Ihre Nummer stoppen"
    assert done.headline == "Anrufe an Ihre Nummer sind gestoppt"


def test_what_is_filled_in_cannot_be_markup(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    with app.test_request_context("/stop/done", base_url=PUBLIC_URL):
        app.preprocess_request()
        template = app.jinja_env.from_string('{{ _("Error: %(title)s", title=name) }}')

        assert template.render(name="<b>") == "Error: &lt;b&gt;"


# --- a request speaks the language it was made in ---


def test_a_request_goes_on_in_its_language_whatever_the_browser_prefers(visitor: Visitor, app: Flask) -> None:
    form = visitor.opens("/sales?lang=ja")
    sent = visitor.sends(form, phone="020 7946 0123", name="Ann Example")
    address = sent.location.partition("?")[0]
    page = visitor.opens(address, **{"Accept-Language": "fr"})

    (request,) = app.extensions["ringback"].operations.listed()
    assert request.answers.language == "ja"
    assert (language_of(page), page.headline) == ("ja", "ご依頼を受け付けました")
    assert language_of(visitor.opens(f"{address}?lang=es", **{"Accept-Language": "fr"})) == "es"
    assert language_of(visitor.opens(f"{address}/erase", **{"Accept-Language": "fr"})) == "ja"
    visitor.posts(f"{address}/erase", {})
    assert language_of(visitor.opens(address, **{"Accept-Language": "fr"})) == "ja", "erased too"


def test_the_agent_is_told_the_language_and_the_rest_in_english(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(base_url=samespace.base_url, widgets={"sales": WIDGET | {"languages": EIGHT}})
    visitor = Visitor(app)
    visitor.sends(visitor.opens("/sales?lang=pt-BR"), phone="020 7946 0123", name="Ann Example")
    clock.passes(minutes=3)
    claim = app.extensions["ringback"].outbox.claim("test")
    app.extensions["ringback"].delivery.hand_over(claim)

    (call,) = samespace.calls
    assert call.attributes["language"] == "pt_BR"
    assert call.attributes["note"].startswith(
        "Handed over 3 minutes late: Ringback could not hand it over before."
    )


def test_the_consent_is_recorded_in_the_language_it_was_given_in(visitor: Visitor) -> None:
    sent = visitor.sends(visitor.opens("/sales?lang=de"), phone="020 7946 0123", name="Ann Example")
    (record,) = visitor.opens(f"{sent.location.partition('?')[0]}/export").response.get_json()["consents"]

    assert record["language"] == "de"
    assert record["sentence"].startswith("Mit „Anruf anfordern“ bitten Sie Acme Ltd")


def test_errors_are_in_the_language_and_numbers_as_it_writes_them(visitor: Visitor) -> None:
    wrong = visitor.sends(visitor.opens("/sales?lang=de"), phone="", name="Ann Example", message="m" * 1001)

    assert wrong.title == "Fehler: Rückruf anfordern"
    assert wrong.errors == ["Geben Sie Ihre Telefonnummer ein", "„Nachricht“ darf höchstens 1.000 Zeichen haben"]


def test_a_number_in_a_sentence_keeps_its_order_from_right_to_left(visitor: Visitor) -> None:
    sent = visitor.sends(visitor.opens("/sales?lang=ar"), phone="020 7946 0123", name="Ann Example")

    assert "\u2066+44 20 7946 0000\u2069" in visitor.opens(sent.location).words
    assert "\u2066" not in visitor.opens("/sales?lang=de").html


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("de", "Dienstag, 24. November"),
        ("fr", "mardi 24 novembre"),
        ("es", "martes, 24 de noviembre"),
        ("ar", "الثلاثاء، 24 نوفمبر"),
        ("ja", "11月24日火曜日"),
        ("pt_PT", "terça-feira, 24 de novembro"),
    ],
)
def test_a_day_is_written_in_full_as_the_language_does(tag: str, text: str) -> None:
    assert TeamClock(UTC, tag).whole_date(datetime(2026, 11, 24, tzinfo=UTC)) == text


@pytest.mark.parametrize(
    ("zone", "tag", "name"),
    [
        ("Europe/London", "fr", "Londres"),
        ("Asia/Kolkata", "ja", "コルカタ"),
        ("Asia/Calcutta", "en", "Kolkata"),
        ("America/Argentina/Buenos_Aires", "ar", "بوينوس أيرس"),
        ("Asia/Ho_Chi_Minh", "en", "Ho Chi Minh City"),
        ("Etc/UTC", "ja", "UTC"),
    ],
)
def test_a_city_is_called_as_the_language_does(zone: str, tag: str, name: str) -> None:
    assert TeamClock(ZoneInfo(zone), tag).city == name


def test_the_hours_say_when_in_the_language(make_app: Callable[..., Flask]) -> None:
    hours = {"timezone": "Europe/London", "wed": ["09:00-17:00"]}
    visitor = Visitor(make_app(widgets={"sales": WIDGET | {"languages": EIGHT, "hours": hours}}))

    chips = [
        visitor.opens(f"/sales?lang={tag}").text_of("p[@class='chip tone-warn']") for tag in ("en", "de", "es")
    ]
    assert chips == [
        "Closed, opens Wednesday at 09:00",
        "Geschlossen, öffnet Mittwoch um 09:00 Uhr",
        "Cerrado, abre el miércoles a las 9:00",
    ]


# --- the list at the foot ---


def list_of(page: Page) -> list[tuple[str, str, str]]:
    """Each language in the list: its tag, its name, its link."""
    entries = page.all("nav[@class='languages']//li")
    links = [(entry, entry.find("a")) for entry in entries]
    return [
        (
            entry.get("lang", ""),
            "".join(entry.itertext()).strip(),
            link.get("href", "") if link is not None else "",
        )
        for entry, link in links
    ]


def test_each_language_is_named_in_itself_and_the_present_one_is_no_link(visitor: Visitor) -> None:
    listed = list_of(visitor.opens("/sales?lang=fr"))

    assert [(tag, name) for tag, name, _ in listed] == [
        ("en", "English"),
        ("de", "Deutsch"),
        ("fr", "Français"),
        ("es", "Español"),
        ("it", "Italiano"),
        ("pt-BR", "Português (Brasil)"),
        ("ar", "العربية"),
        ("ja", "日本語"),
    ]
    assert [tag for tag, _, link in listed if not link] == ["fr"]


def test_a_link_leads_to_the_same_page_with_all_that_its_address_said(visitor: Visitor) -> None:
    page = visitor.opens("/hilfe?plan=a%26b&lang=de&embed=1&plan=%22%3E")

    assert list_of(page) == [("de", "Deutsch", ""), ("en", "English", "?plan=a%26b&plan=%22%3E&embed=1&lang=en")]
    assert language_of(visitor.opens("/hilfe" + list_of(page)[1][2])) == "en"


def test_with_one_language_there_is_no_list(visitor: Visitor) -> None:
    assert list_of(visitor.opens("/help")) == []


def test_an_answer_to_a_form_has_no_list_since_a_link_would_lose_what_was_typed(visitor: Visitor) -> None:
    assert list_of(visitor.sends(visitor.opens("/sales"), phone="12")) == []


# --- a language, and its catalogue ---

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"X-Reviewed: {reviewed}\\n"\n\n'
TRY_AGAIN = 'msgid "Try again"\nmsgstr "{dutch}"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of catalogues of the test's own."""
    monkeypatch.setattr(languages, "CATALOGUES", tmp_path)
    languages.language.cache_clear()
    yield tmp_path
    languages.language.cache_clear()


def test_a_language_is_one_file(folder: Path) -> None:
    text = HEAD.format(reviewed="yes") + TRY_AGAIN.format(dutch="Opnieuw proberen")
    (folder / "nl.po").write_text(text, encoding="utf-8")
    dutch = languages.language("nl")

    assert languages.available() == ["en", "nl"]
    assert (dutch.name, dutch.html, dutch.direction, dutch.is_reviewed) == ("Nederlands", "nl", "ltr", True)
    assert dutch.gettext("Try again") == "Opnieuw proberen"
    assert dutch.gettext("Error: %(title)s", title="x") == "Error: x", "what is not translated stays English"


@pytest.mark.parametrize("reviewed", ["no", "yes, partly", "Yes", ""])
def test_a_language_is_reviewed_only_where_its_file_says_so_in_one_word(folder: Path, reviewed: str) -> None:
    (folder / "nl.po").write_text(HEAD.format(reviewed=reviewed), encoding="utf-8")

    assert not languages.language("nl").is_reviewed


@pytest.mark.parametrize(("tag", "text"), [("nl", "msgid without quotes"), ("qq", "")])
def test_a_catalogue_that_cannot_be_read_stops_the_start(folder: Path, tag: str, text: str) -> None:
    (folder / f"{tag}.po").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=f"has a translation that cannot be read, .*{tag}.po"):
        Widget.model_validate({"key": "sales", "team_name": "Sales", "region": "GB", "languages": [tag]})


@pytest.mark.parametrize("tag", ["xx", "zh-TW", "nl_BE", "../de", "english", ""])
def test_a_language_without_a_translation_stops_the_start(tmp_path: Path, tag: str) -> None:
    (told,) = faults(tmp_path, COMPLETE.replace('languages = ["en", "de"]', f'languages = ["en", "{tag}"]'))

    assert "widgets.sales.languages.1: has no translation here; it should be one of ar, de, en, es, fr" in told
    assert f"(it is '{tag}')" in told


def test_a_tag_may_be_written_as_html_does() -> None:
    widget = Widget.model_validate({"key": "s", "team_name": "S", "region": "BR", "languages": ["pt-BR"]})

    assert widget.languages == ("pt_BR",)


def test_each_count_has_the_form_that_goes_with_it() -> None:
    sentence = (
        "For the next day, requests for your number are held back and not passed on for a call.",
        "For the next %(num)s days, requests for your number are held back and not passed on for a call.",
    )

    def forms(tag: str, *counts: int) -> list[str]:
        return [languages.language(tag).ngettext(*sentence, count) for count in counts]

    assert (
        len(
            {
                text.replace(str(n), "")
                for n, text in zip((1, 2, 3, 11, 100), forms("ar", 1, 2, 3, 11, 100), strict=True)
            }
        )
        == 5
    )
    assert [text.split(",")[0] for text in forms("en", 1, 2)] == ["For the next day", "For the next 2 days"]
    assert forms("de", 30)[0].startswith("In den nächsten 30 Tagen")
    assert forms("ja", 1)[0].startswith("今後1日間")


def test_without_a_request_sentences_are_english() -> None:
    assert languages.gettext("Continue") == "Continue"


@pytest.mark.parametrize("path", ["/sales", "/nowhere", "/static/ringback.css"])
def test_after_a_request_sentences_are_what_they_were_before(visitor: Visitor, path: str) -> None:
    visitor.opens(path, **{"Accept-Language": "de"})

    assert languages.gettext("Continue") == "Continue"


def test_a_request_within_another_leaves_its_language_alone(visitor: Visitor) -> None:
    app = visitor.app
    with app.test_request_context("/sales", base_url=PUBLIC_URL, headers={"Accept-Language": "fr"}):
        app.preprocess_request()
        visitor.opens("/sales", **{"Accept-Language": "de"})

        assert languages.current().tag == "fr"
    assert languages.current().tag == "en"


# --- what is agreed to ---


def test_the_sentence_of_the_consent_is_in_the_language_asked_for() -> None:
    widget = Widget.model_validate(WIDGET | {"key": "sales", "languages": EIGHT})

    sentences = [call_sentence(widget, tag) for tag in EIGHT]
    assert len(set(sentences)) == len(EIGHT)
    assert all("Acme Ltd" in sentence for sentence in sentences)
    assert sentences[1] == (
        "Mit „Anruf anfordern“ bitten Sie Acme Ltd, Sie zu Ihrem Anliegen unter dieser Nummer anzurufen."
    )


# --- what an operator is told ---


def test_check_tells_which_languages_nobody_has_reviewed(make_app: Callable[..., Flask]) -> None:
    app = make_app(widgets={"sales": WIDGET | {"languages": ["en", "de"]}})

    assert "    languages: English (en), Deutsch (de, not reviewed by a native reader)\n" in said(app, "check")


def test_check_tells_which_of_the_owners_sentences_are_missing_in_a_language(
    make_app: Callable[..., Flask],
) -> None:
    texts = {
        "en": {"title": "Talk to us", "consent": "We may ring.", "marketing": "More?"},
        "de": {"title": "Reden wir", "marketing": "Mehr?"},
        "ja": {"intro": "…"},
    }
    app = make_app(widgets={"sales": WIDGET | {"languages": ["en", "de", "fr"], "texts": texts}, "help": WIDGET})
    output = said(app, "check")

    assert [line.strip() for line in output.splitlines() if "texts." in line] == [
        "texts.ja is never shown: languages has no ja.",
        "texts.en has no intro: there the words are ours.",
        "texts.de has no intro, consent: there the words are ours.",
        "texts.fr has no title, intro, consent: there the words are ours.",
        "texts.fr has no marketing: there the form has no second box.",
    ]
