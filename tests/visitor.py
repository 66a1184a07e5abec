"""A visitor without JavaScript: opens pages, fills in forms, sends them. Every page fetched is checked."""

import re
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

from tests import privacy


class Page:
    """An answer with a page in it, or none."""

    def __init__(self, response: TestResponse, address: str) -> None:
        self.response = response
        self.status = response.status_code
        self.address = address
        self.html = response.get_data(as_text=True)
        self.tree: Element | None = None
        check_headers(response)
        if response.mimetype == "text/html" and self.status != 303:
            self.tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(self.html)
            check_page(self.tree)

    def all(self, path: str) -> list[Element]:
        assert self.tree is not None, f"{self.address} answered {self.status} without a page"
        return self.tree.findall(f".//{path}")

    def text_of(self, path: str) -> str:
        return " ".join(" ".join("".join(element.itertext()).split()) for element in self.all(path))

    @property
    def headline(self) -> str:
        return self.text_of("h1")

    @property
    def title(self) -> str:
        return self.text_of("title")

    @property
    def words(self) -> str:
        return self.text_of("main")

    @property
    def errors(self) -> list[str]:
        """What the summary on top says."""
        boxes = [box for box in self.all("div") if "error-summary" in (box.get("class") or "")]
        return ["".join(link.itertext()).strip() for box in boxes[:1] for link in box.findall(".//a")]

    @property
    def answers(self) -> dict[str, str]:
        """What stands in the form's fields, hidden ones too, as a browser would send it."""
        fields: dict[str, str] = {}
        for element in self.all("form//input"):
            if element.get("type") not in ("checkbox", "radio") or "checked" in element.attrib:
                fields[element.get("name", "")] = element.get("value", "")
        for element in self.all("form//textarea"):
            fields[element.get("name", "")] = (element.text or "").removeprefix("\n")
        for element in self.all("form//select"):
            options = element.findall(".//option")
            chosen = [option for option in options if "selected" in option.attrib] or options[:1]
            fields[element.get("name", "")] = chosen[0].get("value", "")
        fields.pop("", None)
        return fields

    @property
    def action(self) -> str:
        return self.all("form")[0].get("action", "")

    @property
    def location(self) -> str:
        return self.response.headers["Location"]


class Visitor:
    """One person at one address."""

    def __init__(self, app: Flask, address: str = "198.51.100.7") -> None:
        self.app = app
        self.client = app.test_client(use_cookies=False)
        self.address = address
        settings = app.extensions["ringback"].settings
        self.base_url = settings.public_url

    def opens(self, path: str, **headers: str) -> Page:
        return Page(self._fetch("GET", path, headers), path)

    def sends(self, page: Page, /, headers: dict[str, str] | None = None, **answers: str) -> Page:
        """Send the form on a page with these answers over what stands in it."""
        return self.posts(page.action, page.answers | answers, headers)

    def posts(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> Page:
        privacy.submits(fields)
        return Page(self._fetch("POST", path, headers or {}, data=fields), path)

    def sends_by_hand(self, path: str, fields: dict[str, str]) -> TestResponse:
        """What answers, be it a page or not."""
        return self._fetch("POST", path, {}, data=fields)

    def asks(self, phone: str = "020 7946 0123", name: str = "Ann Example", **answers: str) -> Page:
        """Open the form, fill it in, send it, follow to the confirmation."""
        return self.follows(self.sends(self.opens("/sales"), phone=phone, name=name, **answers))

    def stops(self, phone: str, **answers: str) -> Page:
        """Have the calls to a number stopped: the form, then the number in full; what the second is answered."""
        return self.sends(self.sends(self.opens("/stop"), phone=phone, **answers))

    def follows(self, page: Page) -> Page:
        assert page.status == 303, f"answered {page.status}: {page.errors or page.html[:500]}"
        return self.opens(page.location)

    def _fetch(self, method: str, path: str, headers: dict[str, str], **kwargs: Any) -> TestResponse:
        environment = {"REMOTE_ADDR": self.address}
        return self.client.open(
            path,
            method=method,
            base_url=self.base_url,
            headers=headers,
            environ_overrides=environment,
            **kwargs,
        )


def check_headers(response: TestResponse) -> None:
    """Whole-app rules of every answer."""
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'"), policy
    assert "unsafe" not in policy
    assert "frame-ancestors" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    is_key = "/requests/" in response.request.path or "/outcome/" in response.request.path
    policy_of_referrer = "strict-origin" if is_key else "strict-origin-when-cross-origin"
    assert response.headers["Referrer-Policy"] == policy_of_referrer
    assert response.headers["Cross-Origin-Resource-Policy"] in ("same-origin", "cross-origin")
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in response.headers
    assert "Set-Cookie" not in response.headers
    if response.mimetype == "text/html":
        assert response.headers["Cache-Control"] == "no-store"


def check_page(tree: Element) -> None:
    """Whole-app rules of every page."""
    headlines = tree.findall(".//h1")
    assert len(headlines) == 1, "a page has one h1"
    title = tree.findtext(".//title") or ""
    headline = " ".join("".join(headlines[0].itertext()).split())
    assert headline in title, "the title says what the page is"
    assert tree.get("lang") != "en" or title.removeprefix("Error: ") == headline
    assert tree.get("lang"), "a page says its language"
    assert tree.get("dir"), "a page says its direction"
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), "an id stands once"
    for element in tree.iter():
        assert "style" not in element.attrib, "no style attributes"
        assert not [name for name in element.attrib if name.startswith("on")], "no inline handlers"
    for script in tree.findall(".//script"):
        assert re.match(r"/static/", script.get("src", "")), "no inline script, none from elsewhere"
    for form in tree.findall(".//form"):
        assert form.get("action"), "a form says where it goes"
    labelled = {label.get("for") for label in tree.findall(".//label")}
    fields = [*tree.findall(".//input"), *tree.findall(".//select"), *tree.findall(".//textarea")]
    for field in fields:
        if field.get("type") not in ("hidden", "submit"):
            assert field.get("id") in labelled, f"{field.get('name')} has a label"
