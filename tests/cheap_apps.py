"""Thousands of apps are made by the tests, each of them alike: what is the same for all is made once a process."""

import tempfile
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Map, Rule, RuleFactory

from ringback.accounts import passwords

_templates = tempfile.TemporaryDirectory(prefix="ringback-templates-")
_maps: dict[Any, Map] = {}
_statements: dict[Any, Any] = LRUCache(5000)


class SharedMap(Map):
    """The addresses of an app. Apps with the same ones have them compiled once."""

    def __init__(self, *given: Any, **options: Any) -> None:
        self._added: list[RuleFactory] = []
        super().__init__(*given, **options)

    def add(self, rulefactory: RuleFactory) -> None:
        self._added.append(rulefactory)
        self._remap = True

    def update(self) -> None:
        """Called before each look-up, by which time every address is there."""
        if self._added:
            self._compile(self._added)
            self._added = []
        super().update()

    def _compile(self, rules: list[RuleFactory]) -> None:
        key = self.host_matching, frozenset(self.converters.items()), *(_described(rule) for rule in rules)
        if key not in _maps:
            _maps[key] = Map(host_matching=self.host_matching)
            _maps[key].converters = self.converters
            for rule in rules:
                _maps[key].add(rule)
        known = _maps[key]
        known.update()
        self._matcher, self._rules_by_endpoint = known._matcher, known._rules_by_endpoint
        self._remap = False


def _described(rule: RuleFactory) -> tuple[Any, ...]:
    assert isinstance(rule, Rule)
    return rule.rule, rule.endpoint, frozenset(rule.methods or ()), rule.subdomain, str(rule.defaults)


def init() -> None:
    """Before the first app is made."""
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(_templates.name)}
    Flask.url_map_class = SharedMap
    # To try a password is made slow, and here it is tried a thousand times. Served apps have what is served.
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords._NOBODYS = passwords._HASHER.hash("the password of nobody")
    # Whatever one engine has written down of a statement holds for all that speak the same SQL.
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign, assignment]
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign, assignment]
    sa.event.listen(sa.Engine, "engine_connect", _share)


def _share(connection: sa.Connection) -> None:
    connection.engine._compiled_cache = _statements
