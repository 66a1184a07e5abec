"""What each page owes who hears it: fields with labels, tables with names, headings in their order."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ringback.accounts.operator import Role
from ringback.outbox.calls.outcomes import Outcome, Source
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import WIDGET
from tests.console.signing_in import tree_of

# What stands in the addresses of pages; the reference is of the day.
PARTS = {"<name>": "robin", "<key>": "sales"}
# CSS that lays a table out as cards takes its roles from it, for those who hear it: so each part says its own.
ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
SCOPES = {"col": "columnheader", "row": "rowheader"}
WITH_TABLES = {"requests", "figures", "widgets", "numbers", "operators", "audit", "webhooks", "api-keys"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    hours = {"timezone": "Europe/London", "thu": ["09:00-17:30"], "closed": ["2026-12-31"]}
    webhooks = [{"url": "http://127.0.0.1:9/a", "allow_private": True}]
    return make_app(webhooks=webhooks, widgets={"sales": WIDGET | {"hours": hours}})


def pages(app: Flask, client: FlaskClient, reference: str) -> Iterator[tuple[str, Element]]:
    """Every page of the console that there is, by its address."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("console_") and "GET" in (rule.methods or ()):
            path = str(rule)
            for part, value in (PARTS | {"<reference>": reference}).items():
                path = path.replace(part, value)
            answer = client.get(path)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                yield path.removeprefix("/console/"), tree_of(answer)


def with_something_on_each_page(app: Flask) -> str:
    """So that every table has a row. The reference of a request that is there."""
    services = services_of(app)
    request = services.outbox.accept(Answers("sales", "442079460123", "GB", name="Ann Example"))
    assert services.outbox.accept(Answers("sales", "442079460125", "GB", name="Bob Example"))
    services.operations.block("442079460124")
    services.api_keys.add("crm", ["sales"])
    services.webhooks.run_once()
    assert services.outcomes.say(request.id, Outcome.ANSWERED, Source.AGENT)
    while services.figures.count():
        pass
    return request.reference


def fields_without_label(tree: Element) -> Iterator[dict[str, str]]:
    named = {label.get("for") for label in tree.iter("label")}
    inside = {field for label in tree.iter("label") for field in label.iter()}
    for field in tree.iter():
        is_field = field.tag in ("input", "select", "textarea") and field.get("type") != "hidden"
        if is_field and field not in inside and field.get("id") not in named:
            yield field.attrib


def is_told(part: Element) -> bool:
    """Whether a part of a table has the role by which it is heard, however it is laid out."""
    return part.get("role") == (ROLES.get(part.tag) or SCOPES.get(part.get("scope") or ""))


def test_each_page_names_its_fields_and_tables_and_has_its_headings_in_order(
    app: Flask, console: Callable[..., FlaskClient]
) -> None:
    reference, seen = with_something_on_each_page(app), set()
    for page, tree in pages(app, console(Role.ADMIN), reference):
        ids = {element.get("id") for element in tree.iter()}
        levels = [int(element.tag[1]) for element in tree.iter() if element.tag in ("h1", "h2", "h3", "h4")]
        assert list(fields_without_label(tree)) == [], page
        for table in tree.iter("table"):
            caption = table.find("caption")
            assert caption is not None, f"{page}: a table without a caption"
            assert "".join(caption.itertext()).strip(), page
            assert all(cell.get("scope") for cell in table.iter("th")), page
            parts = [part for part in table.iter() if part.tag in (*ROLES, "th")]
            assert [part.attrib for part in parts if not is_told(part)] == [], page
            seen.add(page)
        assert levels[0] == 1, page
        assert all(after - before <= 1 for before, after in pairwise(levels)), page
        for element in tree.iter():
            for name in ("aria-labelledby", "aria-describedby"):
                assert set((element.get(name) or "").split()) <= ids, (page, name)
    assert seen == WITH_TABLES
