"""What each page owes who hears it: fields with labels, tables with names, headings in their order."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.console.signing_in import tree_of

PAGES = (
    "requests",
    "figures",
    "wall",
    "widgets",
    "teams",
    "numbers",
    "operators",
    "audit",
    "webhooks",
    "api-keys",
)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(webhooks=[{"url": "https://hook.acme.test/a"}])


def fields_without_label(tree: Element) -> Iterator[dict[str, str]]:
    named = {label.get("for") for label in tree.iter("label")}
    inside = {field for label in tree.iter("label") for field in label.iter()}
    for field in tree.iter():
        is_field = field.tag in ("input", "select", "textarea") and field.get("type") != "hidden"
        if is_field and field not in inside and field.get("id") not in named:
            yield field.attrib


def test_each_page_names_its_fields_and_tables_and_has_its_headings_in_order(
    app: Flask, console: Callable[..., FlaskClient]
) -> None:
    services = services_of(app)
    reference = services.outbox.accept(Answers("sales", "442079460123", "GB", name="Ann Example")).reference
    services.operations.block("442079460124")
    services.api_keys.add("crm", ["sales"])
    client = console(Role.ADMIN)
    for page in (*PAGES, f"requests/{reference}", "account"):
        tree = tree_of(client.get(f"/console/{page}"))
        ids = {element.get("id") for element in tree.iter()}
        levels = [int(element.tag[1]) for element in tree.iter() if element.tag in ("h1", "h2", "h3", "h4")]
        assert list(fields_without_label(tree)) == [], page
        for table in tree.iter("table"):
            caption = table.find("caption")
            assert caption is not None, f"{page}: a table without a caption"
            assert "".join(caption.itertext()).strip(), page
            assert all(cell.get("scope") for cell in table.iter("th")), page
        assert levels[0] == 1, page
        assert all(after - before <= 1 for before, after in pairwise(levels)), page
        for element in tree.iter():
            for name in ("aria-labelledby", "aria-describedby"):
                assert set((element.get(name) or "").split()) <= ids, (page, name)
