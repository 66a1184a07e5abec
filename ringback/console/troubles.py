"""What keeps many requests waiting, for who looks: of the widgets that are theirs, and what to do about it."""

from datetime import UTC, datetime, tzinfo

from ringback.console import access, words
from ringback.outbox.operators.attention import NOBODY, REFUSES, SAMESPACE, Trouble
from ringback.services import services


def troubles(widget: str = "") -> list[Trouble]:
    """Those of all their widgets, or of one of them."""
    known, operator = services().settings.widgets, access.operator()
    teams = {each.team_name for key, each in known.items() if operator.may_see(key) and widget in ("", key)}
    return [each for each in services().operations.troubles() if each.team is None or each.team in teams]


def told(trouble: Trouble, now: datetime) -> str:
    """One in a sentence or two."""
    since = f" since {words.moment(trouble.since, _zone(trouble), now)}" if trouble.since else ""
    why = f" ({trouble.why})" if trouble.why else ""
    if trouble.kind == NOBODY:
        return (
            f"Nobody hands over{since}. Nothing is lost. "
            "Tell whoever runs Ringback: no process that does is running."
        )
    if trouble.kind == SAMESPACE:
        return f"Samespace is not reached{since}. What is due waits, and goes by itself once it answers."
    if trouble.kind == REFUSES:
        return (
            f"The team {trouble.team} refuses{since}{why}. Is somebody logged in? "
            "What is due waits, and goes by itself once it takes one."
        )
    return f"The team {trouble.team} is paused{since}{why}. Once that is mended, resume it under Teams."


def _zone(trouble: Trouble) -> tzinfo:
    """The clock of its team; of what is everybody's, that of the first widget that they may see."""
    shown = [each for key, each in services().settings.widgets.items() if access.operator().may_see(key)]
    own = [each for each in shown if each.team_name == trouble.team] or shown
    return own[0].team_zone if own else UTC
