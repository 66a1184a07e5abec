"""The image: small, started as containers are, and able to do all that Ringback does."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

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

    assert size <= 170_000_000, "unpacked; a third of it is what travels"
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
    server = image.served(root, tmp_path, configuration, url, sockets)
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


def _form_in(url: str, language: str) -> tuple[int, str, str]:
    import requests

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
