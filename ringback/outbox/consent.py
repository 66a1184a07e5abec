"""What a visitor is told and asked to agree to, and the record of it.

What has to be shown later is what was told: the very sentence, when, where and in which language
(ICO, "How should we obtain, record and manage consent?", https://ico.org.uk).
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from ringback.config.widget import Widget
from ringback.i18n import languages


class Purpose(StrEnum):
    """What a sentence is about."""

    CALL = "call"  # the call that is asked for
    MARKETING = "marketing"  # more than that; never needed, never ticked for anybody


@dataclass(frozen=True)
class Consent:
    """One sentence that was shown with a request, and whether the visitor agreed."""

    purpose: Purpose
    granted: bool
    sentence: str
    language: str
    form_version: str
    page: str

    @property
    def sha256(self) -> str:
        """Of the sentence in UTF-8, in hexadecimal."""
        return digest(self.sentence)


def button(widget: Widget, language: str) -> str:
    """The words of the button, which is the request."""
    return widget.own_texts(language).button or languages.language(language).gettext("Request call")


def call_sentence(widget: Widget, language: str) -> str:
    """What stands by the button, or by the box where the site owner wants one."""
    own, ours = widget.own_texts(language).consent, languages.language(language)
    if own:
        return own
    if widget.consent == "checkbox":
        return ours.gettext(
            "I agree that %(company)s may call me on this number about my request", company=widget.company
        )
    return ours.gettext(
        "By selecting “%(button)s” you ask %(company)s to call you on this number about your request.",
        button=button(widget, language),
        company=widget.company,
    )


def marketing_sentence(widget: Widget, language: str) -> str:
    """What stands by the second box; empty where there is none, which is where nobody wrote a sentence for it."""
    return widget.own_texts(language).marketing or ""


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def shown(widget: Widget, language: str) -> str:
    """A short mark of the sentences on a form, which its token carries: who agrees, agrees to these."""
    return digest("\n".join([call_sentence(widget, language), marketing_sentence(widget, language)]))[:16]


def shown_in_all(widget: Widget) -> str:
    """The same of the sentences in all its languages, for a form of one's own: it may be read in any."""
    return digest("\n".join(shown(widget, tag) for tag in widget.languages))[:16]
