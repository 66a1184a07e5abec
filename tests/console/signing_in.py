"""A browser at the console: it fetches a page, and sends the form on it."""

from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "four quiet words of mine"


def tree_of(response: TestResponse) -> Element:
    """A page, checked for what makes it wrong HTML."""
    page = response.get_data(as_text=True)
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    for element in tree.iter():
        assert "style" not in element.attrib, "no style attributes"
        assert not [name for name in element.attrib if str(name).startswith("on")], "no inline handlers"
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), "an id stands once"
    return tree


def token_of(response: TestResponse) -> str:
    """The token of the first form on a page."""
    for field in tree_of(response).iter("input"):
        if field.get("name") == "csrf_token":
            return field.get("value", "")
    raise AssertionError(f"there is no form at {response.request.path}, which answered {response.status_code}")


def sends(client: FlaskClient, page: str, to: str = "", **fields: Any) -> TestResponse:
    """Open a page, and send a form of it to an address: that of the page, if no other is given."""
    token = token_of(client.get(page))
    return client.post(to or page, data={"csrf_token": token, **fields})


def sign_in(client: FlaskClient, name: str = "robin", password: str = PASSWORD, **fields: str) -> TestResponse:
    """Send the form that signs somebody in."""
    return sends(client, "/console/sign-in", username=name, password=password, **fields)


def words_of(response: TestResponse) -> str:
    """What is read on a page."""
    return " ".join(" ".join(part for part in tree_of(response).itertext()).split())
