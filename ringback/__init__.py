"""Ringback: a visitor asks to be called, a Samespace team calls.

The journey of a request, and where to read it:

1. `ringback.web.form` shows the form and receives it. `ringback.phone` reads the number or refuses it,
   `ringback.web.form.token` says whether the form is ours and was sent before, `ringback.web.limits` whether this
   address asks too often.
2. `ringback.outbox.outbox` accepts it, in one transaction. When that has returned, the visitor may be told.
3. `ringback.handover.loop` claims it, `ringback.handover.samespace` calls, and `ringback.outbox.transitions` has
   every way that may end; `ringback.handover.agent_note` is what the agent is told.
4. `ringback.web.request` says on the request's own page what is true, and no more.

Start with `ringback.outbox`: everything else is there so that what it promises holds. docs/architecture.md has the
picture, the words and the reasons.
"""

__version__ = "0.1.0"
