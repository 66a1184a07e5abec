"""Whether two posts say the same: a keyed hash of the answers, kept in place of them."""

import json

from ringback.config.widget import FIELDS
from ringback.keyed_hash import keyed_hash
from ringback.outbox.request import Answers
from ringback.web.form.fields import ASAP, PAGE_TITLE


def answers_hash(answers: Answers, agrees_to_marketing: bool, secret_key: str) -> str:
    """The hash, as 64 hex digits. The page's title does not count: some pages show unread messages in it."""
    answered = [
        answers.phone,
        *(getattr(answers, name) for name in FIELDS),
        agrees_to_marketing,
        answers.slot_starts_at.isoformat() if answers.slot_starts_at else ASAP,
        {name: value for name, value in answers.attributes.items() if name != PAGE_TITLE},
    ]
    text = json.dumps(answered, sort_keys=True, ensure_ascii=False)
    return keyed_hash(secret_key, f"answers {text}").hex()
