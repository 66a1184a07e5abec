"""ringback.toml as people write it and editors save it: read, or refused with the line and the mend."""

import re
from pathlib import Path

import pytest

from ringback.config.loading import SettingsError, read_configuration
from ringback.config.settings import Configuration
from ringback.config.widget import Widget
from tests.config.test_settings import COMPLETE, ENVIRONMENT, loaded


def read(folder: Path, content: bytes) -> Configuration:
    file = folder / "ringback.toml"
    file.write_bytes(content)
    return read_configuration(file)


def refused(folder: Path, content: str) -> str:
    """The one fault, without the name of the file."""
    with pytest.raises(SettingsError) as error:
        read(folder, content.encode())
    (fault,) = error.value.faults
    assert "\n" not in fault
    assert fault.startswith(f"{folder}/ringback.toml: ")
    return fault.removeprefix(f"{folder}/ringback.toml: ")


def with_line(line: str, instead: str) -> tuple[str, int]:
    """The complete file with another line in it, and its number."""
    assert COMPLETE.count(f"\n{line}") == 1 or line in COMPLETE
    before, _, after = COMPLETE.partition(line)
    return f"{before}{instead}{after}", before.count("\n") + 1


def sales(folder: Path, line: str, instead: str) -> Widget:
    return read(folder, with_line(line, instead)[0].encode()).widgets["sales"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "the mark of Notepad"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_what_an_editor_adds_to_a_text_is_no_fault(tmp_path: Path, mark: bytes, end: str) -> None:
    assert read(tmp_path, mark + COMPLETE.replace("\n", end).encode()) == read(tmp_path, COMPLETE.encode())


def test_a_secret_s_file_may_begin_with_the_mark_too(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"\xef\xbb\xbf" + ENVIRONMENT["SECRET_KEY"].encode() + b"\r\n")
    settings = loaded(tmp_path, SECRET_KEY="", SECRET_KEY_FILE=str(key))

    assert settings.secret_keys == [ENVIRONMENT["SECRET_KEY"]]


@pytest.mark.parametrize(
    ("encoding", "fault"),
    [
        ("utf-16", "is in UTF-16; save it as UTF-8"),
        ("latin-1", r"line \d+: is not in UTF-8; save the file as UTF-8"),
        ("cp1252", r"line \d+: is not in UTF-8; save the file as UTF-8"),
    ],
)
def test_another_encoding_is_refused_with_the_line(tmp_path: Path, encoding: str, fault: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, COMPLETE.encode(encoding))
    (told,) = error.value.faults
    number = COMPLETE.partition("Rück")[0].count("\n") + 1

    assert re.search(fault, told)
    assert "UTF-16" in told or f"line {number}:" in told


@pytest.mark.parametrize("written", ["2026-12-27", '"2026-12-27"', '"20261227"'])
def test_a_day_is_read_with_and_without_quotes(tmp_path: Path, written: str) -> None:
    hours = sales(tmp_path, 'closed = ["2026-12-27"]', f"closed = [ {written},\n 2026-12-31 ]").hours

    assert hours
    assert hours.closed == ("2026-12-27", "2026-12-31")


@pytest.mark.parametrize(
    ("written", "languages"),
    [
        ('["en-GB"]', ("en",)),
        ('["de_AT", "fr-ca"]', ("de", "fr")),
        ('["en-GB", "EN", "en-us"]', ("en",)),
        ('["pt-BR", "pt"]', ("pt_BR",)),
        ('["es-419"]', ("es",)),
    ],
)
def test_a_language_is_read_with_any_country(tmp_path: Path, written: str, languages: tuple[str, ...]) -> None:
    assert sales(tmp_path, 'languages = ["en", "de"]', f"languages = {written}").languages == languages


def test_sentences_of_one_s_own_are_found_under_any_country(tmp_path: Path) -> None:
    widget = sales(tmp_path, "[widgets.sales.texts.de]", "[widgets.sales.texts.de-CH]")

    assert widget.own_texts("de").title == "Rückruf anfordern"


def test_a_country_that_stands_twice_is_one_choice(tmp_path: Path) -> None:
    widget = sales(tmp_path, 'regions = ["GB", "IE"]', 'regions = ["GB", "IE", "GB"]')

    assert widget.called_regions == ("GB", "IE")


@pytest.mark.parametrize("written", ['"25"', "25.0", '" 25 "'])
def test_a_number_is_read_with_and_without_quotes(tmp_path: Path, written: str) -> None:
    assert sales(tmp_path, "promise_minutes = 15", f"promise_minutes = {written}").promise_minutes == 25


@pytest.mark.parametrize(
    ("line", "instead", "fault"),
    [
        ("promise_minutes = 15", 'promise_minutes = "a day"', "should be a whole number and nothing else"),
        ("promise_minutes = 15", "promise_minutes = true", "should be neither true nor false"),
        ("promise_minutes = 15", "promise_minutes = 2.5", "should be a whole number (it is 2.5)"),
        ("promise_minutes = 15", "promise_minutes = 10:00", "is not TOML: .*text should stand in quotes"),
        ("promise_minutes = 15", "promise_minutes = 010", "numbers begin with no 0"),
        (
            "retry_seconds = [0.5, 30]",
            'retry_seconds = [5,\n "soon"]',
            "seconds.1: should be a number and nothing",
        ),
        ("retry_seconds = [0.5, 30]", "retry_seconds = [true]", "should be neither true nor false"),
        (
            'phone = "+442079460000"',
            "phone = +442079460000",
            'phone: should be text in quotes, "like this" (it is',
        ),
        ('team_name = "Sales"', "team_name = 2026-12-27", "should be text in quotes.* (it is 2026-12-27)"),
        ('team_name = "Sales"', "team_name = Sales", "is not TOML: .*; text should stand in quotes"),
        ('team_name = "Sales"', "team_name = “Sales”", 'is not TOML: .*; quotes should be straight: "'),
        ('team_name = "Sales"', 'team_name = "Sales', "is not TOML: .*; its closing quote is missing"),
        ('team_name = "Sales"', 'team_name: "Sales"', "it should be a name and what it is, like: team_name ="),
        ('team_name = "Sales"', 'team_name\u00a0= "Sales"', "take out the character U+00A0, which nobody sees"),
        ("[privacy]", "\ufeff[privacy]", "take out the character U+FEFF, which nobody sees"),
        ('brand = "#4F46E5"', r'logo = "C:\Users\ann.svg"', r"a \ between double quotes should be"),
        ('brand = "#4F46E5"', "team_name = 'Ann'", "it stands further up already; keep one of them"),
        ("[widgets.help]", "[[widgets.help]]", "widgets.help: should be a table of its own"),
        ('mon = ["09:00-12:30", "13:30-17:30"]', "mon = [09:00-12:30]", "a list should be texts in quotes"),
        ('mon = ["09:00-12:30", "13:30-17:30"]', 'mon = "09:00-12:30"', "mon: should be a list"),
        ('closed = ["2026-12-27"]', "closed = [\n2026-12-26T09:00:00]", "should be a day, like"),
        ('closed = ["2026-12-27"]', "closed = 2026-12-27", "closed: should be a list"),
        ('closed = ["2026-12-27"]', 'closed = [\n# one\n"27.12.2026",\n]', "should be a day, like"),
        ('languages = ["en", "de"]', 'languages = ["english"]', "should be one of ar, de, en,"),
        ('languages = ["en", "de"]', 'languages = "en"', "languages: should be a list"),
        ("title = ", "titel = ", "texts.de.titel: unknown setting"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_the_mend(
    tmp_path: Path, line: str, instead: str, fault: str
) -> None:
    text, number = with_line(line, instead)
    told = refused(tmp_path, text)

    assert told.startswith(f"line {number}: ")
    assert all(part in told for part in fault.split(".*"))


@pytest.mark.parametrize(
    ("line", "instead", "where", "fault"),
    [
        ('space_id = "acme"\n', "", "[samespace]", "samespace.space_id: is missing; add it"),
        ('region = "DE"\n', "", "[widgets.help]", "widgets.help.region: is missing; add it"),
        (
            "[widgets.sales.texts.de]",
            "[widgets.sales.texts.de-AT]\n[widgets.sales.texts.de]",
            "[widgets.sales.texts.de-AT]",
            'widgets.sales.texts: has "de-AT" and "de", which are the same; keep one of them',
        ),
        (
            '"2026-12-24" = ["09:00-12:00"]',
            '"2026-12-24" = ["09:00-12:00"]\n20261224 = []',
            "[widgets.sales.hours.special]",
            'has "2026-12-24" and "20261224", which are the same; keep one of them',
        ),
        ("retention_days = 30", "retention_days = 6", "[privacy]", "retention_days is 6; it should be at least 7"),
    ],
)
def test_what_is_of_a_whole_table_is_told_at_its_head(
    tmp_path: Path, line: str, instead: str, where: str, fault: str
) -> None:
    text, _ = with_line(line, instead)
    told = refused(tmp_path, text)

    assert told.startswith(f"line {text.splitlines().index(where) + 1}: ")
    assert fault in told


def test_a_line_is_found_behind_texts_that_look_like_settings(tmp_path: Path) -> None:
    intro = '[widgets.sales.texts.en]\nintro = """\nregion = "XX"\n[widgets.help]\n"""\n'
    text = COMPLETE.replace("[widgets.help]", f"{intro}[widgets.help]").replace('region = "DE"', 'region = "UK"')

    number = text.splitlines().index('region = "UK"') + 1
    assert refused(tmp_path, text).startswith(f"line {number}: widgets.help.region: should be a region")


@pytest.mark.parametrize(
    ("line", "instead", "mend"),
    [
        ('languages = ["en", "de"]', 'languages = ["en",, "de"]', "one comma is enough"),
        ('company = "Acme Ltd"', 'company == "Acme Ltd"', "one = is enough"),
        ('company = "Acme Ltd"', 'company = "Acme Ltd";', "should end without"),
        ('company = "Acme Ltd"', 'company = "Acme Ltd",', "should end without"),
        ('company = "Acme Ltd"', 'company = "Acme Ltd" // ours', "a comment should begin with #"),
        ('company = "Acme Ltd"', "company = `Acme Ltd`", "quotes should be straight"),
        ('company = "Acme Ltd"', "company = ´Acme Ltd´", "quotes should be straight"),
        ('company = "Acme Ltd"', "company = ′Acme Ltd′", "quotes should be straight"),
        ('company = "Acme Ltd"', "company = ＂Acme Ltd＂", "quotes should be straight"),
        ('company = "Acme Ltd"', "company = 2026-02-30", "should be a day of the calendar"),
        ('company = "Acme Ltd"', "hours2 = { mon = [], }", "should stand on one line"),
        ('company = "Acme Ltd"', 'company = "Acme\0"', "null character"),
        ("[widgets.help]", "[widgets.hilfe-für-alle]", "should stand between [ and ]"),
        ("[widgets.help]", "[widgets.help.]", "should stand between [ and ]"),
        ("[widgets.help]", "[widgets.help", "should stand between [ and ]"),
        ('region = "DE"', 'region = "UK"', 'like "GB" (not "UK")'),
        ('phone = "+442079460000"', 'phone = "+49 30 18170 Dw. 12"', 'should be written like "+44'),
        ('phone = "+442079460000"', 'phone = "+44 20 7946 0000 ext. 1234567890"', "more digits"),
        ('languages = ["en", "de"]', "languages = []", "should have at least one in it"),
        ("retry_seconds = [0.5, 30]", "retry_seconds = []", "should have at least one in it"),
        ('"http://localhost:3000"', '"http://localhost:99999"', "should be an origin"),
        ('company = "Acme Ltd"', 'logo = "a\\u0000.png"', "should be the name of a file"),
    ],
)
def test_a_slip_is_told_with_its_line_and_its_own_mend(tmp_path: Path, line: str, instead: str, mend: str) -> None:
    text, number = with_line(line, instead)
    told = refused(tmp_path, text)

    assert f"line {number}: " in told
    assert mend in told
    assert "stand in quotes" not in told


@pytest.mark.parametrize("opened", ['languages = ["en", "de"', 'intro = """Call', "intro = '''Call"])
def test_what_is_never_closed_is_told_with_the_line_where_it_opens(tmp_path: Path, opened: str) -> None:
    text = f'[samespace]\nspace_id = "acme"\n\n# what is open\n{opened}\n\n'

    assert "line 5: " in refused(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_another_encoding_is_named_without_its_mark_too(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "ringback.toml"
    file.write_bytes(COMPLETE.encode(encoding))
    with pytest.raises(SettingsError) as error:
        read_configuration(file)

    assert f"is in {encoding[:6].upper()}; save it as UTF-8" in str(error.value)


def test_lines_that_end_in_cr_alone_are_told(tmp_path: Path) -> None:
    assert "its lines should end in LF or CR LF" in refused(tmp_path, COMPLETE.replace("\n", "\r"))
