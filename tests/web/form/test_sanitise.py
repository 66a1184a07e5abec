"""What people type, as it is kept: all of it that can be seen, and nothing that cannot."""

import time
import unicodedata
from urllib.parse import quote, unquote

import pytest

from ringback.web.form import sanitise


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ann   Example ", "Ann Example"),
        ("Ann\tExample", "Ann Example"),
        ("Ann\u2028Example\x85Ltd", "Ann Example Ltd"),
        ("Ann\u00a0Example", "Ann Example"),
        ("A\x00n\x1bn\x7f", "Ann"),
        ("Ann\u202e elpmaxE\u2066", "Ann elpmaxE"),
        ("A\u200bn\ufeffn\u00ad\u2060", "Ann"),
        ("Ann\ue000\ufdd0\U000e0041", "Ann"),
        ("Cafe\u0301", "Café"),
        ("Cafe\u200b\u0301", "Café"),
        ('<b>Ann</b> & "Co"', '<b>Ann</b> & "Co"'),
    ],
)
def test_one_line_is_composed_and_has_nothing_in_it_that_cannot_be_seen(typed: str, kept: str) -> None:
    assert sanitise.line(typed) == kept
    assert sanitise.line(kept) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ann＠example。com", "ann@example.com"),
        ("ａｎｎ@ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"),
        ("ann@example｡com", "ann@example.com"),
        ("ann＠ﾘﾝｸﾞﾊﾞｯｸ。jp", "ann@リングバック.jp"),
        (" Ann.Example+call@Example.COM ", "Ann.Example+call@Example.COM"),
        ("ann@bücher.example", "ann@bücher.example"),
        ("ann@straße.example", "ann@straße.example"),
        ("аня@пример.рф", "аня@пример.рф"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_as_it_was_typed_but_for_its_width(typed: str, kept: str) -> None:
    assert sanitise.address(typed) == kept
    assert sanitise.address(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "mailto:ann@example.com",
        "MAILTO:ann@example.com",
        "<ann@example.com>",
        "<mailto:ann@example.com>;",
        "ann@example.com,",
        "ann@example.com ;",
        "ann@example.com.",
        "(ann@example.com)",
        "'ann@example.com'",
        "mailto:ann@example.com?subject=Call%20me",
        " ann@example.com;\n",
    ],
)
def test_what_comes_along_with_a_copied_address_is_left_out(typed: str) -> None:
    assert sanitise.address(typed) == "ann@example.com"


def test_two_addresses_and_a_name_stay_as_they_are_typed() -> None:
    for typed in ("ann@example.com, bob@example.com", "Ann <ann@example.com>"):
        assert sanitise.address(typed) == typed


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "র\u200d্য",
        "葛\U000e0100城",
        "👩\u200d💻",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
    ],
    ids=["Persian", "Hindi", "Bengali", "a Japanese name", "an emoji of two", "an emoji of three", "a key"],
)
def test_what_scripts_and_emoji_are_written_with_stays(name: str) -> None:
    assert sanitise.line(name) == name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("A\u200dn\u200cn", "Ann"),
        ("\u200dक\u200d", "क"),
        ("क\u200d\u200dष", "क\u200dष"),
        (" \ufe0f", ""),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
        ("\u3164", ""),
        ("\u115f\u1160\uffa0\u034f\u17b4", ""),
    ],
)
def test_where_they_join_and_shape_nothing_they_go(typed: str, kept: str) -> None:
    assert sanitise.line(typed) == kept


def test_a_message_keeps_its_line_breaks_however_they_were_written() -> None:
    assert sanitise.text("one\r\ntwo\rthree\u2028four\n\nfive  six\t7\n") == "one\ntwo\nthree\nfour\n\nfive  six 7"


@pytest.mark.parametrize("typed", ["abc def", "abc\u200bdef", "ab😀 def", "कख \u200dगघ"])
def test_what_is_cut_is_clean_at_its_end(typed: str) -> None:
    assert sanitise.cut(typed, 4) in ("abc", "abcd", "ab😀", "कख ग")


def test_a_joiner_is_not_left_at_the_cut() -> None:
    assert sanitise.cut("कख\u200dग", 3) == "कख"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://www.acme.test/a/b?token=secret#there", "https://www.acme.test/a/b"),
        ("HTTPS://ann:secret@Acme.test:8443/a", "https://acme.test:8443/a"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
        ("https://www.acme.test/" + "a" * 477 + " b", "https://www.acme.test/" + "a" * 477),
        ("//www.acme.test/", ""),
        ("javascript:alert(1)", ""),
        ("http://[::1", ""),
        ("https://www.acme.test:99999/", ""),
        ("https://a<b>.test/", ""),
    ],
)
def test_a_pages_address_has_nothing_secret_in_it(address: str, kept: str) -> None:
    assert sanitise.page(address) == kept


@pytest.mark.parametrize(
    "unit",
    ["\u0300", "\u0316\u0300", "\u0300\u200b\u0316", "\u0300\u200d", "\u0344", "\u0f73", "\u0300\ufe0f\u034f"],
    ids=["one mark", "two", "something unseen", "joiners", "two in one", "two that are none", "selectors"],
)
@pytest.mark.parametrize("count", [118, 20_000])
def test_a_letter_carries_no_more_marks_than_unicode_calls_safe(unit: str, count: int) -> None:
    start = time.process_time()
    kept = sanitise.line("a" + unit * count + "b")
    taken = time.process_time() - start

    spelled = unicodedata.normalize("NFD", kept)
    assert (spelled[0], spelled[-1]) == ("a", "b")
    assert 0 < len(spelled[1:-1]) <= sanitise.MOST_MARKS
    assert taken < 0.025 + count * 10e-6, "it grows with its length, not with the square of it"


@pytest.mark.parametrize("name", ["Nguyễn Thị Ánh", "הַלְלוּיָהּ", "བསྒྲུབས", "ผู้ใหญ่", "ᾳ̂̓"])
def test_no_name_that_is_written_with_marks_loses_one(name: str) -> None:
    kept = sanitise.line(unicodedata.normalize("NFD", name))

    assert unicodedata.normalize("NFD", kept) == unicodedata.normalize("NFD", name)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u2800", ""),
        ("\u2800 \u2800\u200b\u2800", ""),
        ("\u2801\u2800\u2803", "\u2801 \u2803"),
        ("\U0001d159\ufffc", ""),
        ("\U00013441\U00013442\U00016fe4", ""),
        ("Ann\ufffc", "Ann"),
    ],
)
def test_what_shows_nothing_is_nothing(typed: str, kept: str) -> None:
    assert sanitise.line(typed) == kept


@pytest.mark.parametrize(
    "address",
    [
        "https://callback.acme.test/",
        "https://callback.acme.test",
        "https://Callback.Acme.test.:443/sales?embed=1",
        "http://callback.acme.test/sales",
        "https://ann:secret@callback.acme.test/a",
        "https://callback.acme.test/requests/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/requests/0123456789abcdef0123456789abcdef?embed=1",
        "https://elsewhere.test/callback/requests/0123456789abcdef0123456789abcdef/time",
        "https://elsewhere.test//Requests//0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/%72equests%2F0123456789abcdef0123456789abcdef",
        "https://elsewhere.test\\requests\\0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/%2572equests/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/%25252572equests%25252fx",
        "https://elsewhere.test/%252525252525252525252541/x",
        "https://elsewhere.test/requests;x/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/requests%3B/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/requests%20/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/req%00uests/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/\uff52equests\uff0f0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/%EF%BD%92equests/0123456789abcdef0123456789abcdef",
        "https://elsewhere.test/outcome/0123456789abcdef",
        "https://callback.acme.test:8443/sales",
        "http://callback.acme.test:8000/sales",
        "https://\uff43allback.acme.test/sales",
        "https://callback\u3002acme.test/sales",
    ],
)
def test_no_address_of_ours_is_a_page_that_asks_least_of_all_a_requests(address: str) -> None:
    assert sanitise.page(address, "https://callback.acme.test") == ""


def test_a_page_beside_ours_is_no_page_of_ours() -> None:
    for address in (
        "https://www.acme.test/requests",
        "https://www.acme.test/my-requests/a",
        "https://acme.test/100%25/a",
    ):
        assert sanitise.page(address, "https://callback.acme.test") == address


def test_a_host_that_is_cut_off_is_none() -> None:
    assert sanitise.page("https://" + "a" * 1_990 + "@www.acme.test/") == ""
    assert sanitise.page("https://" + "a" * 400 + ":secret@www.acme.test/") == ""


@pytest.mark.parametrize(
    "said",
    [
        "https://callback.acme.test/requests/0123456789abcdef0123456789abcdef",
        "see /requests/0123456789abcdef0123456789abcdef/time",
        "https%3A%2F%2Fcallback.acme.test%2Frequests%2F0123456789abcdef0123456789abcdef",
        "/outcome/0123456789abcdef0123456789abcdef",
    ],
)
def test_what_the_page_around_says_carries_no_key_of_ours(said: str) -> None:
    assert sanitise.value(said, 200) == ""


@pytest.mark.parametrize(
    "said", ["pro", "Sales/Requests/Billing", "100 % /requests/", "https://shop.test/a?b=%41"]
)
def test_what_the_page_around_says_is_kept_as_it_is(said: str) -> None:
    assert sanitise.value(said, 200) == said


@pytest.mark.parametrize("letter", ["会", "é", "я", "😀", "a"])
@pytest.mark.parametrize("length", [88, 266, 1_500])
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_a_long_address_is_whole_or_ends_between_letters(letter: str, length: int, before: str) -> None:
    address = f"https://www.acme.test/{before}{quote(letter * length)}"
    kept = sanitise.page(address)

    assert len(kept) >= min(len(address), 480)
    assert address.startswith(kept)
    assert set(unquote(kept.removeprefix(f"https://www.acme.test/{before}"), errors="strict")) == {letter}


@pytest.mark.parametrize("ending", ["/sales/%E4%BC%9A", "/100%", "/%82%A0", "/%zz"])
def test_a_short_address_is_whole_whatever_it_ends_with(ending: str) -> None:
    assert sanitise.page(f"https://www.acme.test{ending}") == f"https://www.acme.test{ending}"
