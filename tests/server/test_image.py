"""The image: small, started as containers are, and able to do all that Ringback does."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
import requests
import sqlalchemy as sa

from tests.console.signing_in import PASSWORD
from tests.passkey import Device
from tests.running import CONFIGURATION
from tests.server import image
from tests.server.test_journey import ask, fetch, state_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("image"),
    pytest.mark.skipif(
        not all(shutil.which(program, path="/usr/sbin:/usr/bin") for program in image.PROGRAMS),
        reason="to build the image takes root, and apt-get install buildah mmdebstrap",
    ),
]
LANGUAGES = {path.stem.replace("_", "-") for path in (image.ROOT / "translations").glob("*.po")} | {"en"}


@pytest.fixture(scope="module")
def size() -> int:
    return image.build()


@pytest.fixture
def root(size: int) -> Iterator[Path]:
    with image.mounted() as root:
        yield root


def test_it_is_small_and_has_no_shell_and_nothing_that_installs(size: int, root: Path) -> None:
    programs = {
        file.name for folder in ("usr/bin", "usr/sbin", "app/.venv/bin") for file in (root / folder).iterdir()
    }

    assert size <= 150_000_000, "unpacked; a third of it is what travels"
    assert programs & {"sh", "bash", "dash", "apt-get", "dpkg", "pip", "perl", "strip"} == set()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_it_serves_every_language_and_takes_a_request_on_a_root_it_cannot_write_to(
    root: Path, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, sockets = "sqlite:////var/lib/ringback/ringback.db", ""
    if engine == "postgresql":
        server_url = sa.make_url(request.getfixturevalue("postgres_url"))
        sockets = str(server_url.query["host"])
        url = server_url.set(query={"host": "/tmp/postgres"}).render_as_string(hide_password=False)
    languages = f"languages = {['en', *sorted(LANGUAGES - {'en'})]}"
    configuration = CONFIGURATION.format(base_url="http://127.0.0.1:9") + languages + '\nregions = ["GB", "IE"]\n'
    configuration += (
        '[widgets.sales.hours]\ntimezone = "Europe/London"\nmon = ["00:00-24:00"]\nholidays = "GB-ENG"\n'
    )
    server = image.Started(root, tmp_path, configuration, url, sockets).served()
    server.start()
    try:
        assert fetch(f"{server.url}/readyz")[0] == 200
        for language in LANGUAGES:
            status, _, page = _form_in(server.url, language)
            assert status == 200
            assert f'lang="{language}"' in page
        assert state_of(ask(server)) == "waiting"
        assert "200" in _health_check(root, server.port)
    finally:
        server.stop()
    assert "Traceback" not in server.log


LOADS = """
import importlib, pkgutil, sys
sys.path[:0] = ["/app"]
import ringback, sqlalchemy
for found in pkgutil.walk_packages(ringback.__path__, "ringback."):
    if not found.name.endswith(".env"):  # which only Alembic can load
        importlib.import_module(found.name)
sqlalchemy.make_url("nonsense")
"""


def test_each_of_its_modules_finds_what_it_needs_and_an_error_says_where_it_is(root: Path) -> None:
    user = f"--userspec={image.USER}:{image.USER}"
    python = ["/usr/sbin/chroot", user, str(root), "/app/.venv/bin/python", "-c", LOADS]
    said = subprocess.run(python, capture_output=True, text=True).stderr

    assert said.splitlines()[-1].startswith("sqlalchemy.exc.ArgumentError"), said
    assert re.search(r'sqlalchemy/engine/url.py", line \d+', said)


@pytest.fixture
def started(root: Path, tmp_path: Path) -> image.Started:
    """It, with numbers of all the world, times, a calendar, a second factor and single sign-on."""
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    configuration = CONFIGURATION.format(base_url="http://127.0.0.1:9") + f"regions = {regions}\n"
    configuration += (
        '[widgets.sales.hours]\ntimezone = "Europe/London"\nmon = ["00:00-24:00"]\nholidays = "GB-ENG"\n'
    )
    given = {
        "METRICS_TOKEN": "a-token-for-tests",
        "OIDC_ISSUER": "http://127.0.0.1:9",
        "OIDC_CLIENT_ID": "ringback",
        "OIDC_CLIENT_SECRET": "a secret for tests alone",
    }
    return image.Started(root, tmp_path, configuration, "sqlite:////var/lib/ringback/ringback.db", **given)


def test_numbers_of_all_countries_are_read_and_people_sign_in_with_a_passkey(started: image.Started) -> None:
    server = started.served().start()
    try:
        for region in ("AU", "BR", "CN", "DE", "EG", "FR", "IN", "JP", "KE", "MX", "NG", "RU", "TH", "US", "ZA"):
            number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
            written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
            ask(server, phone=written)
        started.run(
            "flask", "--app", "app", "operators", "add", "robin", "--password-stdin", given=f"{PASSWORD}\n"
        )
        console = Console(server.url)
        console.sends("/console/sign-in", username="robin", password=PASSWORD)
        device = Device(server.url)
        made = device.makes(console.options("/console/account/passkey"))
        console.sends("/console/account", "/console/account/passkeys", credential=made, name="My laptop")
        another = Console(server.url)
        signed = device.signs(another.options("/console/sign-in/passkey"))
        another.sends("/console/sign-in", "/console/sign-in/passkey", credential=signed)
        for page in ("requests", "figures", "wall", "widgets", "numbers", "teams", "account"):
            assert another.get(f"/console/{page}").status_code == 200
    finally:
        server.stop()
    assert "Traceback" not in server.log


class Console:
    """Somebody's browser at the console. It sends their cookie by hand: only over TLS would it go by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> requests.Response:
        return self._kept(requests.get(self._url + path, headers=self._headers, timeout=20, allow_redirects=False))

    def options(self, path: str) -> dict[str, Any]:
        return dict(self.get(path).json())

    def sends(self, page: str, to: str = "", **fields: str) -> None:
        (token, *_) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        fields |= {"csrf_token": token}
        answer = self._kept(
            requests.post(
                self._url + (to or page), fields, headers=self._headers, timeout=20, allow_redirects=False
            )
        )
        assert answer.status_code == 303, answer.text

    @property
    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Cookie": cookies, "Origin": self._url}

    def _kept(self, answer: requests.Response) -> requests.Response:
        self._cookies |= answer.cookies.get_dict()
        return answer


def _form_in(url: str, language: str) -> tuple[int, str, str]:
    answer = requests.get(f"{url}/sales", params={"lang": language}, timeout=20)
    return answer.status_code, "", answer.text


def _health_check(root: Path, port: int) -> str:
    """What the image's own health check finds, run as it stands in the Dockerfile."""
    text = (image.ROOT / "deploy/Dockerfile").read_text()
    (asked,) = re.findall(r'"(import os, urllib.*)"\]', text)
    code = f"import os; os.environ['PORT'] = '{port}'; " + asked.replace('\\"', "'").replace(
        "'PORT', '8000'", "'PORT'"
    )
    return image.run("/usr/sbin/chroot", str(root), "/usr/bin/python3", "-c", code + "; print(200)")
