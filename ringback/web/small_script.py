"""A script as small as it can be without a parser: rjsmin, and then short names for what it calls its own.

Names are a sixth of what the embed script weighs, compressed, and every page of a site pays for it. Words are read
here, not grammar. So a script has to be written plainly: no string in single quotes, no division, no function with
a name inside another, no braces within those of a template, and every statement ends with a semicolon.

A real parser, tdewolff's minify, makes it 33 bytes of 2,909 smaller, and would run Go's threads in every process.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from string import ascii_letters

from rjsmin import jsmin

_STRING = r'"(?:\\.|[^"\\])*"'
_TEMPLATE = r"`[^`]*`"
_PATTERN = r"(?:(?<=[(,=:!&|?])|(?<=return))/(?:\\.|\[[^\]]*\]|[^/\n])+/"
_PROPERTY = r"(?<!\.)\.\w+|(?<=[{,])\w+(?=:)"
_WORD = r"[A-Za-z_]\w*"
_TOKEN = re.compile(f"{_STRING}|{_TEMPLATE}|{_PATTERN}|{_PROPERTY}|(?P<name>{_WORD})")
_IN_TEMPLATE = re.compile(r"\$\{[^}]*\}")

_FUNCTION = re.compile(r"(?=\bfunction \w+\()")
_FUNCTION_NAME = re.compile(r"\bfunction (\w+)")
_VARIABLE = re.compile(r"\blet (\w+)|\blet(\[[^]]*\])|\(([^()]*)\)=>|\bfunction \w+\(([^()]*)\)")
# `{name}` is a variable and a property in one, and keeps its name.
_BRACES = re.compile(r"(?<!\$)\{[^{};]*\}")
_SHORTHAND = re.compile(r"(?<=[{,])\w+(?=[,}])")

# Declarations, one after the other, with no braces in them.
_DECLARATIONS = re.compile(r"(?<![\w.(])let\b[^;{}]*(?:;let\b[^;{}]*)+")


@cache
def minify(source: str) -> str:
    """The script without comments, white space and what else it does without."""
    script = re.sub(r"\bconst\b", "let", str(jsmin(source)))
    script = re.sub(r"(?<!\w)\((\w+)\)=>", r"\1=>", _with_short_names(re.sub(r";?\}\n?", "}", script)))
    return _DECLARATIONS.sub(lambda run: run[0].replace(";let ", ","), script)


def _with_short_names(script: str) -> str:
    head, *functions = _FUNCTION.split(script)
    kept = set(_SHORTHAND.findall(" ".join(_BRACES.findall(script))))
    shared = (set(_FUNCTION_NAME.findall(script)) | _variables(head)) - kept
    # The commonest letters first: what is frequent anyway takes fewer bits.
    letters = sorted(ascii_letters, key=script.count, reverse=True)
    names = dict(zip(_often_first(shared, script), _unused_in(script, letters), strict=False))
    parts = [_renamed(head, names)]
    for function in functions:
        variables = _variables(function) - shared - kept
        own = _often_first(variables, function)
        part = _renamed(function, names)
        parts.append(_renamed(part, dict(zip(own, _unused_in(part, letters), strict=False))))
    return "".join(parts)


def _variables(script: str) -> set[str]:
    places = " ".join("".join(found) for found in _VARIABLE.findall(script))
    return set(re.findall(_WORD, places))


def _often_first(names: set[str], script: str) -> list[str]:
    words = re.findall(_WORD, script)
    return sorted(names, key=lambda name: (-words.count(name), name))


def _unused_in(script: str, letters: Sequence[str]) -> Iterator[str]:
    words = set(re.findall(_WORD, script))
    names = (letter + digit for digit in ("", *"0123456789") for letter in letters)
    return (name for name in names if name not in words)


def _renamed(script: str, names: dict[str, str]) -> str:
    def rename(token: re.Match[str]) -> str:
        if token[0].startswith("`"):
            return _IN_TEMPLATE.sub(lambda code: _renamed(re.sub(" ([?:]) ", r"\1", code[0]), names), token[0])
        return names.get(token["name"], token[0])

    return _TOKEN.sub(rename, script)
