"""Browsers in which somebody signed in before: each has tries of its own, so no stranger keeps its person out.

Whoever tries somebody's name ten times has used up what strangers have for it, at every address. The person comes
from a browser that is known, with a cookie that only signing in gives; it signs nobody in. It is of one password:
whoever was in with the one before is a stranger again once it is changed, or the account is reset.
"""

import secrets

from flask import request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug import Response

from ringback.accounts.people import key_of
from ringback.accounts.secrets import hash_of
from ringback.services import services

_SECONDS = 400 * 86_400  # as long as browsers keep a cookie
_MOST = 8  # people who share a browser


def of(name: str) -> str:
    """What the tries of this person are counted by in this browser; "" where they never signed in here."""
    mark, people = _read()
    return mark if mark and _person(mark, name) in people else ""


def remember(response: Response, name: str) -> None:
    """Know the browser again, for who has just signed in."""
    mark, people = _read()
    mark = mark or secrets.token_urlsafe(16)
    person = _person(mark, name)
    written = _signer().dumps([mark, [person, *(each for each in people if each != person)][:_MOST]])
    is_https = services().settings.is_https
    response.set_cookie(
        _name(), str(written), max_age=_SECONDS, path="/", secure=is_https, httponly=True, samesite="Lax"
    )


def _read() -> tuple[str, list[str]]:
    try:
        mark, people = _signer().loads(request.cookies.get(_name(), ""), max_age=_SECONDS)
    except BadSignature:
        return "", []
    return mark, people


def _person(mark: str, name: str) -> str:
    """Not their name: others who use the browser may read what it keeps."""
    stamp = services().accounts.sign_in.stamp(name)
    return hash_of(f"{mark} {key_of(name)} {stamp}")[:16]


def _name() -> str:
    return "__Host-ringback-known" if services().settings.is_https else "ringback-known"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().settings.secret_keys, salt="a browser that is known")
