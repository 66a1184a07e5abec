"""A widget as a form of one's own needs to know it."""

from ringback import opening_hours
from ringback.api.models import Time, WidgetInfo
from ringback.config.widget import Widget
from ringback.i18n.local_time import value_of
from ringback.outbox import consent
from ringback.services import services


def described(widget: Widget) -> WidgetInfo:
    """What is so now, with a fresh token."""
    now = services().clock()
    snapshot = services().outbox.slots.snapshot(now)
    is_paused = widget.key in snapshot.pauses
    opening = opening_hours.next_opening(widget.hours, now)
    promised = services().promises.settled(widget).promise_minutes
    marketing = {tag: consent.marketing_sentence(widget, tag) for tag in widget.languages}
    return WidgetInfo(
        widget=widget.key,
        company=widget.company,
        fields=list(widget.fields),
        required=list(widget.required),
        attributes=list(widget.attributes),
        regions=list(widget.called_regions),
        languages=list(widget.languages),
        consent={tag: consent.call_sentence(widget, tag) for tag in widget.languages},
        consent_by=widget.consent,
        marketing={tag: sentence for tag, sentence in marketing.items() if sentence},
        is_open=opening is not None and opening <= now and not is_paused,
        is_paused=is_paused,
        promise_minutes=promised if isinstance(promised, int) else None,
        times=[
            Time(
                slot=value_of(slot.start),
                starts_at=slot.start.astimezone(widget.team_zone),
                ends_at=slot.end.astimezone(widget.team_zone),
            )
            for slot in snapshot.free_slots(widget, now)
        ],
        token=services().tokens.issue(widget.key, shown=consent.shown_in_all(widget)),
    )
