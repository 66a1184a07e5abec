"""Settings: complete and right, or every fault in one go."""

import json
import math
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr, ValidationError

from ringback.config.environment import VARIABLES
from ringback.config.loading import SettingsError, is_configured, load
from ringback.config.settings import Configuration, Settings
from ringback.config.widget import RESERVED_ATTRIBUTES, Widget
from ringback.server.proxies import Proxies
from ringback.web.form.callback_form import CallbackForm
from ringback.web.request.change_time import ChangedTime
from ringback.web.request.stop_form import StopForm
from tests.conftest import WIDGET, make_settings
from tests.running import ROOT

COMPLETE = """
[samespace]
cluster_id = "in1"
space_id = "acme"

[limits]
per_address = "5 per minute; 30 per hour"
per_number = "2 per hour; 4 per day"
per_widget = "500 per day"
min_fill_seconds = 0

[delivery]
timeout_seconds = 10
retry_seconds = [0.5, 30]
give_up_minutes = 120
lease_seconds = 30
on_unknown = "hold"

[alerts]
email = ["front-desk@acme.test"]
webhook = "https://hooks.acme.test/ringback"

[privacy]
retention_days = 30
stop_days = 30

[widgets.sales]
team_name = "Sales"
company = "Acme Ltd"
privacy_url = "https://www.acme.test/privacy"
origins = ["https://www.ACME.test/", "http://localhost:3000"]
region = "GB"
regions = ["GB", "IE"]
fields = ["name", "email", "company", "message"]
required = ["name"]
attributes = ["plan"]
phone = "+442079460000"
promise_minutes = 15
brand = "#4F46E5"
languages = ["en", "de"]
consent = "request"
calls_per_minute = 10

[widgets.sales.hours]
timezone = "Europe/London"
mon = ["09:00-12:30", "13:30-17:30"]
fri = ["22:00-02:00"]
holidays = "GB-ENG"
closed = ["2026-12-27"]
slot_minutes = 30
calls_per_slot = 3
days_ahead = 7
[widgets.sales.hours.special]
"2026-12-24" = ["09:00-12:00"]

[widgets.sales.texts.de]
title = "Rückruf anfordern"

[widgets.help]
team_name = "Help"
region = "DE"
"""

ENVIRONMENT = {
    "SECRET_KEY": "a key for tests only, and long enough",
    "DATABASE_URL": "sqlite:////var/lib/ringback/ringback.db",
    "PUBLIC_URL": "https://Callback.acme.test/",
    "SMTP_URL": "smtp://mail.acme.test",
}


def loaded(folder: Path, text: str = COMPLETE, **environment: str) -> Settings:
    file = folder / "ringback.toml"
    file.write_text(text, encoding="utf-8")
    return load(ENVIRONMENT | {"RINGBACK_CONFIG": str(file)} | environment)


def faults(folder: Path, text: str = COMPLETE, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        loaded(folder, text, **environment)
    return error.value.faults


def test_a_complete_configuration_is_read(tmp_path: Path) -> None:
    settings = loaded(tmp_path)

    assert settings.samespace.url == "https://in1.samespace.com"
    assert settings.public_url == "https://callback.acme.test"
    sales, help_desk = settings.widgets.values()
    assert sales.origins == ("https://www.acme.test", "http://localhost:3000")
    assert sales.phone == "+44 20 7946 0000"
    assert sales.called_regions == ("GB", "IE")
    assert (help_desk.called_regions, help_desk.fields, help_desk.required) == (("DE",), ("name",), ())
    assert help_desk.company == "Help"


def test_another_address_of_samespace_takes_the_place_of_the_cluster(tmp_path: Path) -> None:
    text = COMPLETE.replace('cluster_id = "in1"', 'base_url = "http://127.0.0.1:9000/"')

    assert loaded(tmp_path, text).samespace.url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("line", "instead", "fault"),
    [
        ('space_id = "acme"', "", "samespace.space_id: is missing; add it"),
        ('cluster_id = "in1"', "", "samespace.cluster_id: is missing"),
        (
            "lease_seconds = 30",
            "lease_seconds = 10",
            "delivery.lease_seconds: should be longer than timeout_seconds",
        ),
        (
            "timeout_seconds = 10\nretry_seconds = [0.5, 30]\ngive_up_minutes = 120\nlease_seconds = 30",
            "timeout_seconds = 40",
            "delivery.lease_seconds: should be longer than timeout_seconds, which is 40",
        ),
        (
            "timeout_seconds = 10\nretry_seconds = [0.5, 30]\ngive_up_minutes = 120\nlease_seconds = 30",
            "timeout_seconds = 30",
            "delivery.lease_seconds: should be longer than timeout_seconds, which is 30",
        ),
        ("min_fill_seconds = 0", "min_fill_second = 0", "limits.min_fill_second: unknown setting"),
        ('"2 per hour; 4 per day"', '"two an hour"', 'limits.per_number: should be a limit, like "2 per hour'),
        (
            'region = "GB"',
            'region = "UK"',
            'widgets.sales.region: should be a region by its ISO code in two capital letters, like "GB"',
        ),
        (
            'regions = ["GB", "IE"]',
            'regions = ["IE"]',
            'widgets.sales.regions: should contain region, which is "GB"',
        ),
        ('required = ["name"]', 'required = ["shoe"]', "widgets.sales.required.0: should be 'name'"),
        ('fields = ["name", "email", "company", "message"]', 'fields = ["email"]', "sales.required: names name"),
        ('attributes = ["plan"]', 'attributes = ["email"]', '"email" is a name that Ringback uses itself'),
        ('attributes = ["plan"]', 'attributes = ["stop_url"]', '"stop_url" is a name that Ringback uses itself'),
        ("[widgets.help]", "[widgets.stop]", 'widgets.stop: "stop" is an address that Ringback uses itself'),
        ("[widgets.help]", "[widgets.Sales]", '"sales" and "Sales" would be at one address'),
        ('brand = "#4F46E5"', 'brand = "indigo"', "widgets.sales.brand: should be a colour"),
        ("https://www.ACME.test/", "https://*.acme.test", "widgets.sales.origins.0: should be an origin"),
        ('timezone = "Europe/London"', 'timezone = "GMT+1"', "hours.timezone: should be a time zone"),
        ('"22:00-02:00"', '"22-2"', 'hours.fri.0: "22-2" should be a span of time'),
        ('on_unknown = "hold"', 'on_unknown = "guess"', "delivery.on_unknown: should be 'hold' or 'resend'"),
        ('"front-desk@acme.test"', '"front-desk"', "alerts.email: should be mail addresses"),
        ('"front-desk@acme.test"', '"a@acme.test, b@acme.test"', "alerts.email: should be mail addresses"),
        (
            'email = ["front-desk',
            'sender = "Acme <a@acme.test>"\nemail = ["front-desk',
            "alerts.sender: should be a mail",
        ),
        ("[privacy]", "[privacy", "is not TOML"),
        (
            "retry_seconds = [0.5, 30]",
            "retry_seconds = [nan]",
            "delivery.retry_seconds: should be waits above zero",
        ),
        ("give_up_minutes = 120", "give_up_minutes = inf", "delivery.give_up_minutes: should be less than"),
        ("promise_minutes = 15", "promise_minutes = 99999", "widgets.sales.promise_minutes: should be less than"),
        ('"2 per hour; 4 per day"', '"0 per hour"', "limits.per_number: should be a limit"),
        (
            '"5 per minute; 30 per hour"',
            '"1 per 99999999 year"',
            "limits.per_address: should be a limit for a year at most",
        ),
        (
            '"2 per hour; 4 per day"',
            '"4 per 2 year"',
            "limits.per_number: should be a limit for a year at most",
        ),
        (
            '"500 per day"',
            f'"{10**12} per day"',
            "limits.per_widget: should be at most 10 limits, each of at most",
        ),
        ('"500 per day"', f'"{";".join(["5 per day"] * 11)}"', "limits.per_widget: should be at most 10 limits"),
        ("promise_minutes = 15", f"promise_minutes = {'9' * 5000}", "is not TOML: "),
        ("promise_minutes = 15", f"promise_minutes = 0x{'f' * 5000}", "sales.promise_minutes: should be less"),
        ('attributes = ["plan"]', 'attributes = ["plan", "Plan"]', "should name each attribute once"),
        ('attributes = ["plan"]', 'attributes = ["team_name"]', '"team_name" is a name that Ringback uses itself'),
        ('phone = "+442079460000"', 'phone = "+44 12"', "sales.phone: should be a telephone number in full"),
        ("promise_minutes = 15", 'timezone = "Berlin"', "sales.timezone: should be a time zone"),
        (
            "promise_minutes = 15",
            'caller_id = "+44 20 7946 0000 ext. 5"',
            "sales.caller_id: should be a number without an extension",
        ),
        ("https://www.ACME.test/", "https://acme.test 'self'", "widgets.sales.origins.0: should be an origin"),
        ("promise_minutes = 15", 'key = "x"', '"key" under "sales": unknown setting'),
        (
            "retention_days = 30",
            "retention_days = 6",
            "retention_days is 6; it should be at least 7, the days_ahead",
        ),
    ],
)
def test_each_fault_names_the_file_the_key_and_the_mend(
    tmp_path: Path, line: str, instead: str, fault: str
) -> None:
    assert line in COMPLETE
    (told,) = faults(tmp_path, COMPLETE.replace(line, instead, 1))

    assert told.startswith(f"{tmp_path}/ringback.toml: ")
    assert fault in told
    assert "\n" not in told


def replaced(setting: str, value: str) -> str:
    """The complete configuration with one more setting, or with another value of one it has."""
    tables = {"base_url": "[samespace]", "space_id": "[samespace]", "webhook": "[alerts]"}
    kept = re.sub(rf"(?m)^{setting} = .*\n", "", COMPLETE, count=1)
    if setting == "base_url":
        kept = kept.replace('cluster_id = "in1"\n', "")
    table = "[widgets.sales.hours]" if setting == "timezone" else tables.get(setting, "[widgets.sales]")
    return kept.replace(table, f"{table}\n{setting} = {json.dumps(value)}", 1)


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("base_url", "https://in1.samespace.com:port", "its port should be a number up to 65535"),
        ("base_url", "https://in1.samespace.com:99999", "its port should be a number up to 65535"),
        ("base_url", "https://in1.samespace.com?x=1", "should be an address without ? and #"),
        ("base_url", "https://in1.samespace.com/#", "should be an address without ? and #"),
        ("base_url", "https://in1.samespace.com/apiv1/", "should end before /apiv1"),
        ("base_url", "https://in1.samespace.com/apiv1/team", "should end before /apiv1"),
        ("base_url", "https://in1 .samespace.com", "should be a web address"),
        (
            "base_url",
            "https://ann:pw@in1.samespace.com",
            "should be an address without ? and #, name and password",
        ),
        ("webhook", "https://hooks.acme.test:abc/x", "its port should be a number up to 65535"),
        ("webhook", "https://hooks.acme.test/a b", "should be a web address"),
        ("privacy_url", "https://www.acme.test:65536/privacy", "its port should be a number up to 65535"),
        ("privacy_url", "https://:443/privacy", "should be a web address"),
        ("phone", "+44 20 7946 000", "check its digits"),
        ("phone", "+39 2 1234 5678", 'it is "+39 02 1234 5678" today'),
        ("phone", "+57 1 234 5678", 'it is "+57 601 2345678" today'),
        ("caller_id", "+5511 8765 4321", 'it is "+55 11 98765-4321" today'),
        ("caller_id", "+33 6 00 00 00 0", "should be a telephone number in full"),
        ("timezone", "Etc/GMT-3", "should be a time zone"),
        ("timezone", "localtime", "should be a time zone"),
        ("timezone", "posix/Europe/London", "should be a time zone"),
        ("timezone", "right/Europe/London", "should be a time zone"),
        ("timezone", "posixrules", "should be a time zone"),
        ("timezone", "EST5EDT", "should be a time zone"),
        ("timezone", "europe/london", 'like "Europe/London"'),
        ("timezone", "Berlin", 'like "Europe/Berlin"'),
        ("timezone", "America/New York", 'like "America/New_York"'),
        ("timezone", "Etc/UTC", 'like "UTC"'),
        ("team_name", " ", "should have something in it"),
        ("team_name", "\u200b\u00a0", "should have something in it"),
        ("space_id", "acme.samespace.com", 'should be the name alone, like "acme"'),
        ("space_id", "https://acme", 'should be the name alone, like "acme"'),
    ],
)
def test_what_can_never_work_is_refused_with_the_mend(
    tmp_path: Path, setting: str, value: str, fault: str
) -> None:
    (told,) = faults(tmp_path, replaced(setting, value))

    assert f"{setting}: " in told
    assert fault in told


@pytest.mark.parametrize(
    ("setting", "value", "kept"),
    [
        ("base_url", " https://in1.samespace.com/ ", "https://in1.samespace.com/"),
        ("base_url", "http://127.0.0.1:9000/samespace", "http://127.0.0.1:9000/samespace"),
        (
            "privacy_url",
            "https://www.acme.test/privacy?lang=en#calls\u00a0",
            "https://www.acme.test/privacy?lang=en#calls",
        ),
        ("phone", "+33 692 12 34 56", "+262 692 12 34 56"),
        ("phone", "+44 (0)20 7946 0000", "+44 20 7946 0000"),
        ("phone", "+52 1 55 1234 5678", "+52 55 1234 5678"),
        ("caller_id", "+52 1 55 1234 5678", "+52 55 1234 5678"),
        ("phone", "+33 692 12 34 56 ext. 7", "+262 692 12 34 56 ext. 7"),
        ("phone", "+44 800 123 4567", "+44 800 123 4567"),
        ("timezone", "UTC", "UTC"),
        ("timezone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("team_name", "Sales ", "Sales"),
        ("company", " \u2060", "Sales"),
        ("team_name", "\ufeff\u00a0Night desk\u200b", "Night desk"),
        ("space_id", " acme ", "acme"),
    ],
)
def test_what_is_meant_beyond_doubt_is_read_as_that(tmp_path: Path, setting: str, value: str, kept: str) -> None:
    settings = loaded(tmp_path, replaced(setting, value))
    sales = settings.widgets["sales"]
    of = {"timezone": sales.hours, "base_url": settings.samespace, "space_id": settings.samespace}

    assert getattr(of.get(setting, sales), setting) == kept


def test_what_is_not_said_to_be_forgotten_earlier_is_kept_for_as_long_as_times_are_offered(tmp_path: Path) -> None:
    text = COMPLETE.replace("retention_days = 30\n", "").replace("days_ahead = 7", "days_ahead = 90")

    assert loaded(tmp_path, text).privacy.retention_days == 90


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = COMPLETE.replace('region = "GB"', 'region = "UK"').replace("lease_seconds = 30", "lease_seconds = 1")
    told = faults(tmp_path, text, SECRET_KEY="", PORT="many", DATABASE_URL="mysql://x/y")

    assert [fault.split(": ")[0] for fault in told] == [
        "SECRET_KEY",
        "DATABASE_URL",
        "PORT",
        *[f"{tmp_path}/ringback.toml"] * 2,
    ]


SIGN_ON = {
    "OIDC_ISSUER": "https://login.acme.test",
    "OIDC_CLIENT_ID": "ringback",
    "OIDC_CLIENT_SECRET": "a secret for tests only",
}


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: is missing"),
        ({"DATABASE_URL": "sqlite://"}, "should live on a disk that stays"),
        ({"DATABASE_URL": "sqlite:///file::memory:?uri=true"}, "should live on a disk that stays"),
        ({"DATABASE_URL": "postgresql://host:abc/x"}, "should begin with sqlite:/// or postgresql://"),
        ({"PUBLIC_URL": "https://acme.test/forms?x=1"}, "it should be the address visitors use"),
        ({"PUBLIC_URL": "https://acme.test/our forms"}, "its path should be of letters"),
        ({"PUBLIC_URL": "https://acme.test/a/../b"}, "its path should be of letters"),
        ({"PUBLIC_URL": "https://call_back.acme.test"}, "a host name has no _ in it"),
        ({"PUBLIC_URL": "https://rückruf.de"}, "like https://xn--rckruf-3ya.de"),
        ({"PUBLIC_URL": "https://[2001:db8::zz]"}, "it should be the address visitors use"),
        ({"TRUSTED_PROXIES": "-1"}, "should be a whole number"),
        ({"PROXY_ADDRESSES": "10.0.0.0/8, proxy.acme.test"}, "PROXY_ADDRESSES: is '10.0.0.0/8, proxy.acme.test'"),
        ({"PROXY_ADDRESSES": "10.1.2.3/8"}, "should be addresses and whole networks, like 10.0.0.0/8,127.0.0.1"),
        ({"PROXY_ADDRESSES": "10.1.2.3/8"}, "10.1.2.3/8 has more in it than the network, which is 10.0.0.0/8"),
        ({"PROXY_ADDRESSES": " , "}, "it names nobody"),
        ({"PROXY_ADDRESSES": "10.0.0.0/8 127.0.0.1"}, "10.0.0.0/8 127.0.0.1 is neither"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY: has only 1 different characters; it should be a long random text"),
        ({"SECRET_KEY": "abcdefg" * 8}, "has only 7 different characters; it should be a long random text"),
        ({"BIND": "127.0.0.1:9000"}, "BIND: is '127.0.0.1:9000'; it should be an address of this machine"),
        ({"BIND": "localhost"}, "should be an address of this machine without a port, like 127.0.0.1 or [::]"),
        ({"SECRET_KEY": "x"}, "SECRET_KEY: is only 1 long; it should have at least 32 characters"),
        ({"SECRET_KEY": "x" * 31 + "  "}, "SECRET_KEY: is only 31 long; it should have at least 32 characters"),
        ({"DATABASE_URL": "sqlite:///file:/srv/ringback.db?uri=true"}, "is a file: address; it should be a path"),
        ({"DATABASE_URL": "sqlite://tmp/x.db"}, "has two slashes; it should have three and the path"),
        ({"DATABASE_URL": "sqlite://var/lib/ringback/ringback.db"}, "sqlite:////var/lib/ringback/ringback.db"),
        ({"DATABASE_URL": "sqlite+pysqlite:////srv/x.db"}, "should begin with sqlite:///"),
        ({"DATABASE_URL": "sqlite+aiosqlite:////srv/x.db"}, "should begin with sqlite:///"),
        ({"WEB_CONCURRENCY": "4"}, "RATELIMIT_STORAGE_URI: is memory:// with WEB_CONCURRENCY=4"),
        ({"RINGBACK_DELIVERY": "maybe"}, "should be inline or worker"),
        ({"SMTP_URL": "mail.acme.test"}, "should be like smtp://"),
        ({"SMTP_URL": ""}, "SMTP_URL: is missing; alerts.email needs a mail server"),
        ({"SMTP_URL": "smtp://ann@mail.acme.test"}, "should be like smtp://"),
        ({"SMTP_URL": "smtp://ann:2#hunter@mail.acme.test"}, "with %2F for a / in the password"),
        (
            {"CONSOLE_HOST": "https://console.acme.test"},
            "CONSOLE_HOST: is 'https://console.acme.test'; it should be",
        ),
        ({"CONSOLE_HOST": "console.acme.test:8443"}, "should be a host name alone, without scheme, port and path"),
        ({**SIGN_ON, "OIDC_ISSUER": "login.acme.test"}, "should be the address of your identity provider"),
        ({**SIGN_ON, "OIDC_ISSUER": "http://login.acme.test"}, "should begin with https://"),
        ({**SIGN_ON, "OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID: is missing; it should be given beside OIDC_ISSUER"),
        ({**SIGN_ON, "OIDC_ISSUER": ""}, "OIDC_ISSUER: is missing; it should be given beside OIDC_CLIENT_ID"),
    ],
)
def test_each_fault_of_the_environment_names_the_variable(
    tmp_path: Path, environment: dict[str, str], fault: str
) -> None:
    (told,) = faults(tmp_path, **environment)

    assert fault in told


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://[2001:db8:0:0::7]", "https://[2001:db8::7]"),
        ("https://[2001:0DB8::0:7]:8443/callback", "https://[2001:db8::7]:8443/callback"),
        ("https://[::1]", "https://[::1]"),
    ],
)
def test_an_ipv6_address_is_kept_as_browsers_write_it(tmp_path: Path, written: str, kept: str) -> None:
    assert loaded(tmp_path, PUBLIC_URL=written).public_url == kept


def test_a_short_key_may_go_on_opening_what_it_signed(tmp_path: Path) -> None:
    """Else whoever has one could not change it without every form and every held number being lost."""
    settings = loaded(tmp_path, SECRET_KEY="0123abcd" * 4, SECRET_KEY_FALLBACKS="x, a much older one")

    assert settings.secret_keys == ["x", "a much older one", "0123abcd" * 4]


def test_a_short_key_that_goes_on_is_told(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    make_app(environment={"secret_key_fallbacks": (SecretStr("k" * 32),)})
    assert "SECRET_KEY_FALLBACKS" not in caplog.text
    make_app(environment={"secret_key_fallbacks": (SecretStr("hunter2"),)})

    assert "SECRET_KEY_FALLBACKS: has a key of fewer than 32 characters; take it out soon" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("bind", "listens_at"),
    [
        ("", "0.0.0.0:8000"),
        ("127.0.0.1", "127.0.0.1:8000"),
        ("::", "[::]:8000"),
        ("[::]", "[::]:8000"),
        ("[::1]", "[::1]:8000"),
        ("unix:/run/ringback.sock", "unix:/run/ringback.sock"),
    ],
)
def test_the_address_to_listen_on_is_what_bind_says(tmp_path: Path, bind: str, listens_at: str) -> None:
    assert loaded(tmp_path, BIND=bind).listens_at == listens_at


def test_proxies_are_believed_from_private_addresses_unless_others_are_named(tmp_path: Path) -> None:
    default, named = loaded(tmp_path), loaded(tmp_path, PROXY_ADDRESSES="10.0.0.0/8, 2001:db8::/32,192.0.2.1")

    for address in "127.0.0.1 ::1 10.1.2.3 172.31.0.1 192.168.9.9 fd12::1 fe80::1".split():
        assert any(ip_address(address) in network for network in default.proxy_addresses), address
    for address in "192.0.2.1 172.32.0.1 2001:db8::1 100.64.0.1".split():
        assert not any(ip_address(address) in network for network in default.proxy_addresses), address
    assert [str(network) for network in named.proxy_addresses] == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]


def test_a_proxy_s_network_holds_it_however_it_is_written(tmp_path: Path) -> None:
    """::ffff:10.0.0.0/104 is 10.0.0.0/8, and an address that connects is compared as IPv4."""
    named = loaded(tmp_path, PROXY_ADDRESSES="::ffff:10.0.0.0/104,::ffff:192.0.2.1, 2001:db8::/32,")

    assert [str(each) for each in named.proxy_addresses] == ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]
    assert Proxies(1, named.proxy_addresses).include("::ffff:10.1.2.3")


OURS = "requests static stop console sandbox embed healthz readyz metrics openapi api docs install outcome".split()


@pytest.mark.parametrize("name", OURS)
def test_no_widget_stands_at_an_address_of_ours(tmp_path: Path, name: str) -> None:
    for written in (name, name.upper(), name.title()):
        (told,) = faults(tmp_path, COMPLETE.replace("[widgets.help]", f"[widgets.{written}]"))

        assert f'"{written}" is an address that Ringback uses itself; give the widget another name' in told


FIELDS_OF_FORMS = {
    name
    for form in (CallbackForm, ChangedTime, StopForm)
    for name in dir(form)
    if type(getattr(form, name)).__name__ == "UnboundField"
}
OF_THE_AGENT = "page language requested_at reference stop_url asked_for attempt note".split()
OF_SAMESPACE = "space_id team_name number attributes custom_data outcome_url".split()
HIDDEN = "csrf_token token confirmed change checked zone lang theme embed".split()


def test_no_attribute_is_called_like_something_of_ours(tmp_path: Path) -> None:
    names = FIELDS_OF_FORMS | {*OF_THE_AGENT, *OF_SAMESPACE, *HIDDEN, *Widget.model_fields}
    assert {"phone", "slot", "country", "confirmed", "brand"} <= names
    free = [name for name in sorted(names) if name.lower() not in RESERVED_ATTRIBUTES]
    assert free == []
    for name in ("Outcome_URL", "TOKEN", "confirmed"):
        (told,) = faults(tmp_path, COMPLETE.replace('attributes = ["plan"]', f'attributes = ["{name}"]'))
        assert f'"{name}" is a name that Ringback uses itself; give the attribute another name' in told


SECRETS = {
    "SECRET_KEY": "0123abcd" * 5,
    "SECRET_KEY_FALLBACKS": "an older one\nan even older one",
    "DATABASE_URL": "postgresql://ann:hunter2@db/x",
    "RATELIMIT_STORAGE_URI": "redis://:hunter2@redis:6379/0",
    "SAMESPACE_AUTH_TOKEN": "hunter2",
    "SAMESPACE_API_KEY": "hunter3",
    "SMTP_URL": "smtp://ann:hunter2@mail.acme.test",
    "OIDC_CLIENT_SECRET": "hunter4",
    "METRICS_TOKEN": "hunter2",
}
BESIDE = {"OIDC_ISSUER": "https://login.acme.test", "OIDC_CLIENT_ID": "ringback"}


def test_every_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret == {name for variable, name, _ in VARIABLES if variable in SECRETS}
    files = {}
    for variable, value in SECRETS.items():
        (tmp_path / variable).write_text(f"{value}\n")
        files |= {variable: "", f"{variable}_FILE": str(tmp_path / variable)}
    in_files = loaded(tmp_path, **BESIDE, **files)

    assert in_files == loaded(tmp_path, **BESIDE, **SECRETS)
    assert in_files.secret_keys == ["an older one", "an even older one", "0123abcd" * 5]


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_that_is_given_twice_or_not_to_be_read_is_a_fault(tmp_path: Path, variable: str) -> None:
    environment = {name: value for name, value in SECRETS.items() if name != variable} | {variable: ""} | BESIDE
    held = tmp_path / "held"
    held.write_text("hunter2 " * 8)
    missing, empty, binary = tmp_path / "missing", tmp_path / "empty", tmp_path / "binary"
    empty.write_text(" \n")
    binary.write_bytes(b"\xff\xfe")

    def told(path: Path, **more: str) -> str:
        (fault,) = faults(tmp_path, **environment | {f"{variable}_FILE": str(path)} | more)
        assert "hunter2" not in fault
        return fault

    assert told(held, **{variable: SECRETS[variable]}).startswith(
        f"{variable}_FILE: {variable} is given as well; it should be one of the two"
    )
    assert told(missing).startswith(f"{variable}_FILE: {missing} cannot be read (FileNotFoundError)")
    assert told(tmp_path).startswith(f"{variable}_FILE: {tmp_path} cannot be read (IsADirectoryError)")
    assert told(binary).startswith(f"{variable}_FILE: {binary} cannot be read (UnicodeDecodeError)")
    assert told(empty).startswith(f"{variable}_FILE: {empty} is empty; it should have {variable} in it")


def test_a_fault_of_what_stands_in_a_file_names_the_file_s_setting(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short\n")
    (fault,) = faults(tmp_path, SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"))

    assert fault.startswith("SECRET_KEY_FILE: is only 5 long; it should have at least 32")


def test_a_mail_server_is_needed_only_for_mail(tmp_path: Path) -> None:
    text = COMPLETE.replace('email = ["front-desk@acme.test"]', "")

    assert loaded(tmp_path, text, SMTP_URL="").smtp_url is None


def test_no_fault_tells_a_secret(tmp_path: Path) -> None:
    told = faults(tmp_path, DATABASE_URL="mysql://ann:hunter2@db/x", SMTP_URL="imap://ann:hunter2@mail", PORT="x")

    for url in ("smtp://ann:hunter2/@mail", "smtp://ann:hunter2\u2100@mail", "smtp://ann:hunter2[@mail"):
        told += faults(tmp_path, SMTP_URL=url)
    assert "hunter2" not in "".join(told)
    assert "hunter2" not in repr(loaded(tmp_path, DATABASE_URL="postgres://ann:hunter2@db/x"))


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"RINGBACK_CONFIG": str(tmp_path / "missing.toml")}

    assert is_configured(environment)
    with pytest.raises(SettingsError, match="there is no such file"):
        load(environment)


@pytest.mark.parametrize("value", [10**12, -(10**12), 10**400, 1e308, math.nan, math.inf])
def test_no_number_is_taken_that_cannot_be_reckoned_with(value: float) -> None:
    hours = {"timezone": "Europe/London", "tue": ["09:00-17:00"]}
    tables: list[dict[str, Any]] = [
        *({"delivery": {key: value}} for key in ("timeout_seconds", "give_up_minutes", "lease_seconds")),
        {"delivery": {"retry_seconds": [5, value]}},
        {"limits": {"min_fill_seconds": value}},
        *({"privacy": {key: value}} for key in ("retention_days", "stop_days")),
        *({"widgets": {"sales": WIDGET | {key: value}}} for key in ("promise_minutes", "calls_per_minute")),
        *(
            {"widgets": {"sales": WIDGET | {"hours": hours | {key: value}}}}
            for key in ("slot_minutes", "calls_per_slot", "days_ahead")
        ),
    ]
    for table in tables:
        given = {"samespace": {"space_id": "acme", "cluster_id": "in1"}, "widgets": {"sales": WIDGET}} | table
        with pytest.raises(ValidationError):
            Configuration.model_validate(given)


def typed(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as an operator types it, in a folder without a configuration."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = inherited | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        (
            ("-m", "flask", "--app", "app", "requests", "list"),
            {"DATABASE_URL": "sqlite:////srv/r.db", "SECRET_KEY": "x"},
        ),
        pytest.param(
            ("-m", "flask", "--app", "app", "deliver"),
            {"DATABASE_URL_FILE": "/run/secrets/url"},
            marks=pytest.mark.long,
        ),
        pytest.param(
            ("-c", "from app import app"), {"PUBLIC_URL": "https://callback.acme.test"}, marks=pytest.mark.long
        ),
        (
            (str(ROOT / "app.py"),),
            {"DATABASE_URL": "sqlite:////srv/r.db", "PUBLIC_URL": "https://callback.acme.test"},
        ),
    ],
)
def test_a_forgotten_file_is_told_and_the_sandbox_is_not_taken_for_production(
    tmp_path: Path, command: tuple[str, ...], environment: dict[str, str]
) -> None:
    """Its store is empty, and an empty list would look like good news."""
    done = typed(tmp_path, *command, **environment)

    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("RINGBACK_CONFIG: is missing beside ")
    assert all(name in line for name in environment if name != "SECRET_KEY")
    assert str(tmp_path / "ringback.toml") in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "port", ["many", *(pytest.param(port, marks=pytest.mark.long) for port in ("-1", "65536", "٣", "99999999999"))]
)
def test_a_port_that_is_none_is_told_in_the_sandbox_too(tmp_path: Path, port: str) -> None:
    done = typed(tmp_path, str(ROOT / "app.py"), PORT=port)

    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("PORT: is ")


def test_with_nothing_set_a_command_is_of_the_sandbox(tmp_path: Path) -> None:
    done = typed(tmp_path, "-m", "flask", "--app", "app", "check")

    assert done.returncode == 0, done.stderr
    assert "This is the sandbox." in done.stdout


def test_settings_that_are_made_are_checked() -> None:
    """However they are made: those of a file and the environment, the sandbox's, a test's."""
    for wrong in ({"port": "many"}, {"delivery_mode": "maybe"}, {"public_url": None}, {"no_such": 1}):
        with pytest.raises(ValidationError):
            make_settings("sqlite:///unused.db", environment=wrong)


def test_a_port_that_is_taken_is_told_first_with_the_mend(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = typed(tmp_path, str(ROOT / "app.py"), PORT=str(port))

    assert done.returncode == 3
    assert done.stdout == "", "no address is told that leads to somebody else"
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"PORT: {port} cannot be listened on (Address already in use); try: make run PORT=")
    assert list(tmp_path.iterdir()) == []
