"""What an operator typed into a form of the console."""

from unicodedata import category

from flask import request


def typed(field: str, longest: int = 300) -> str:
    """The text of a field on one line, cut to its length, without what cannot be shown."""
    sent = (request.form if request.method == "POST" else request.args).get(field, "")
    # Marks that only say in which direction to write come along with what is copied.
    text = "".join(letter if letter.isprintable() else " " for letter in sent if category(letter) != "Cf")
    return " ".join(text.split())[:longest]
