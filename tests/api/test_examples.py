"""What docs/api.md shows runs as it stands, in each language that is here."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from ringback.outbox.operators.operations import Operations
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.running import free_port

DOCS = Path(__file__).parent.parent.parent / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")
RUN_BY = {
    "bash": ["bash", "-euc"],
    "js": ["node", "--input-type=module", "--eval"],
    "python": [sys.executable, "-c"],
    "php": ["php", "-r"],
}


@pytest.fixture
def served(make_app: Callable[..., Flask]) -> Iterator[tuple[str, Flask]]:
    """An app that answers on a port of this machine."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(environment={"public_url": url})
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield url, app
    server.shutdown()
    server.server_close()


def shown_in(language: str) -> str:
    (example,) = re.findall(rf"```{language}\n(.*?)```", API, re.DOTALL)
    return str(example).removeprefix("<?php\n")


@pytest.mark.parametrize("language", [name for name, command in RUN_BY.items() if shutil.which(command[0])])
def test_the_examples_ask_for_a_call(served: tuple[str, Flask], language: str) -> None:
    url, app = served
    key = services_of(app).api_keys.add("docs", ["sales"])
    example = shown_in(language).replace("https://callback.acme.com", url)
    environment = os.environ | {"RINGBACK_KEY": key or ""}
    done = subprocess.run(
        [*RUN_BY[language], example], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    operations: Operations = services_of(app).operations
    (stored,) = operations.listed()
    assert stored.reference in done.stdout
    assert stored.answers.phone.startswith("44207946012")


def test_a_form_of_ones_own_fits_in_forty_lines_and_sends_what_the_api_reads() -> None:
    form = (DOCS / "own-form.html").read_text(encoding="utf-8")
    assert len(form.splitlines()) <= 40
    assert "/api/widgets/sales" in form
    assert set(re.findall(r'<input name="(\w+)"', form)) == {*WIDGET["required"], "phone"}


def test_every_code_is_in_the_docs() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "ringback/api").glob("*.py"))
    form = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "ringback/web/form").glob("*.py"))
    said = set(re.findall(r'(?:refuse|problem)\(\s*\d{3}, "(\w+)"', code)) | set(
        re.findall(r'coded\(\s*"(\w+)"', form)
    )
    assert len(said) > 20
    assert sorted(name for name in said if f"`{name}`" not in API) == []
