"""Every sentence visitors can read, found in the templates and the code; and the catalogues brought up to them.

`make messages` runs it: new sentences come in with nothing beside them, and those that have gone are taken out.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
CATALOGUES = ROOT / "translations"
# The sandbox's own pages are for the people who set Ringback up, as the command line is.
METHODS = [("sandbox/**", "ignore"), ("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"trimmed": "true"}}


def extracted() -> Catalog:
    """All sentences that are marked, as a catalogue without translations."""
    found = Catalog()
    for folder in ("ringback", "templates"):
        for file, _, sentence, comments, context in extract_from_dir(
            ROOT / folder,
            METHODS,
            OPTIONS,
            DEFAULT_KEYWORDS,
            comment_tags=["Translators:"],
            strip_comment_tags=True,
        ):
            found.add(sentence, None, [(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    return found


def catalogue(path: Path) -> Catalog:
    """The translations into one language."""
    return read_po(BytesIO(path.read_bytes()), locale=path.stem, abort_invalid=True)


def untranslated(catalogue: Catalog) -> list[str]:
    """The English sentences that have nothing beside them, in any of their forms."""
    empty = [message for message in catalogue if message.id and not all(forms(message.string))]
    return [forms(message.id)[0] for message in empty]


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """A sentence, or all the forms of one with a count."""
    return [text] if isinstance(text, str) else list(text)


def updated(path: Path, template: Catalog) -> str:
    """The text a catalogue should have: the sentences of the template, with the translations there are."""
    header = (
        path.read_text(encoding="utf-8").split("\n\n")[0].rstrip()
    )  # kept as it is: Babel knows not all its lines
    translated = catalogue(path)
    translated.update(template, no_fuzzy_matching=True)
    written = BytesIO()
    write_po(written, translated, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False)
    return f"{header}\n\n{written.getvalue().decode().strip()}\n"


if __name__ == "__main__":
    for path in sorted(CATALOGUES.glob("*.po")):
        path.write_text(updated(path, extracted()), encoding="utf-8")
        missing = untranslated(catalogue(path))
        print(f"{path.name}: {len(missing)} to translate" if missing else f"{path.name}: complete")
