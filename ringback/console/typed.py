"""What an operator typed into a form of the console."""

from flask import request


def typed(field: str, longest: int = 300) -> str:
    """The text of a field on one line, cut to its length, without what cannot be shown."""
    text = "".join(letter if letter.isprintable() else " " for letter in request.values.get(field, ""))
    return " ".join(text.split())[:longest]
