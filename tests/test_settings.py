"""Settings: complete and right, or every fault in one go."""

from pathlib import Path

import pytest

from ringback.settings import Settings, SettingsError, is_configured, load

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
    "SECRET_KEY": "a key for tests only",
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
        ("min_fill_seconds = 0", "min_fill_second = 0", "limits.min_fill_second: is no setting of ours"),
        ('"2 per hour; 4 per day"', '"two an hour"', 'limits.per_number: should be a limit, like "2 per hour'),
        (
            'region = "GB"',
            'region = "UK"',
            'widgets.sales.region: should be a region in two capital letters, like "GB"',
        ),
        (
            'regions = ["GB", "IE"]',
            'regions = ["IE"]',
            'widgets.sales.regions: should contain region, which is "GB"',
        ),
        ('required = ["name"]', 'required = ["shoe"]', "widgets.sales.required.0: should be 'name'"),
        ('fields = ["name", "email", "company", "message"]', 'fields = ["email"]', "sales.required: names name"),
        ('attributes = ["plan"]', 'attributes = ["email"]', '"email" is a field or setting of ours'),
        ('attributes = ["plan"]', 'attributes = ["stop_url"]', '"stop_url" is a field or setting of ours'),
        ("[widgets.help]", "[widgets.stop]", 'widgets.stop: "stop" is an address of ours'),
        ("[widgets.help]", "[widgets.Sales]", '"sales" and "Sales" would be at one address'),
        ('brand = "#4F46E5"', 'brand = "indigo"', "widgets.sales.brand: should be a colour"),
        ("https://www.ACME.test/", "https://*.acme.test", "widgets.sales.origins.0: should be an origin"),
        ('timezone = "Europe/London"', 'timezone = "GMT+1"', "hours.timezone: should be a time zone"),
        ('"22:00-02:00"', '"22-2"', 'hours.fri.0: "22-2" should be a span of time'),
        ('on_unknown = "hold"', 'on_unknown = "guess"', "delivery.on_unknown: should be 'hold' or 'resend'"),
        ('"front-desk@acme.test"', '"front-desk"', "alerts.email: should be mail addresses"),
        ('"front-desk@acme.test"', '"a@acme.test, b@acme.test"', "alerts.email: should be mail addresses"),
        ("[privacy]", "[privacy", "is not TOML"),
        (
            "retry_seconds = [0.5, 30]",
            "retry_seconds = [nan]",
            "delivery.retry_seconds: should be waits above zero",
        ),
        ("give_up_minutes = 120", "give_up_minutes = inf", "delivery.give_up_minutes: should be less than"),
        ("promise_minutes = 15", "promise_minutes = 99999", "widgets.sales.promise_minutes: should be less than"),
        ('"2 per hour; 4 per day"', '"0 per hour"', "limits.per_number: should be a limit"),
        ('attributes = ["plan"]', 'attributes = ["plan", "Plan"]', "should name each attribute once"),
        ('attributes = ["plan"]', 'attributes = ["team_name"]', '"team_name" is a field or setting of ours'),
        ('phone = "+442079460000"', 'phone = "+44 12"', "widgets.sales.phone: should be a whole number"),
        ("https://www.ACME.test/", "https://acme.test 'self'", "widgets.sales.origins.0: should be an origin"),
        ("promise_minutes = 15", 'key = "x"', '"key" under "sales" is no setting of ours'),
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


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: is missing"),
        ({"DATABASE_URL": "sqlite://"}, "should live on a disk that stays"),
        ({"DATABASE_URL": "sqlite:///file::memory:?uri=true"}, "should live on a disk that stays"),
        ({"DATABASE_URL": "postgresql://host:abc/x"}, "should begin with sqlite:/// or postgresql://"),
        ({"PUBLIC_URL": "https://acme.test/forms"}, "without a path"),
        ({"TRUSTED_PROXIES": "-1"}, "should be a whole number"),
        ({"WEB_CONCURRENCY": "4"}, "RATELIMIT_STORAGE_URI: is memory:// with WEB_CONCURRENCY=4"),
        ({"RINGBACK_DELIVERY": "maybe"}, "should be inline or worker"),
        ({"SMTP_URL": "mail.acme.test"}, "should be like smtp://"),
        ({"SMTP_URL": ""}, "SMTP_URL: is missing; alerts.email needs a mail server"),
        ({"SMTP_URL": "smtp://ann@mail.acme.test"}, "should be like smtp://"),
        ({"SMTP_URL": "smtp://ann:2#hunter@mail.acme.test"}, "with %2F for a / in the password"),
    ],
)
def test_each_fault_of_the_environment_names_the_variable(
    tmp_path: Path, environment: dict[str, str], fault: str
) -> None:
    (told,) = faults(tmp_path, **environment)

    assert fault in told


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
