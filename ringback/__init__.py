"""Ringback: a visitor asks to be called, a Samespace team calls.

The journey of a callback request, and where to read it:

1. `pages` shows the form and receives it; `form` judges what was typed, `phone` the number,
   `form_token` whether the form is ours and whether it was sent before, `limits` whether this
   address asks too often.
2. `outbox.accept` stores it in one transaction. When that has returned, the visitor may be told.
3. `delivery` claims it, hands it over through `samespace`, and settles how that ended;
   `agent_note` is what the agent is told.
4. `confirmation` says on the request's own page what is true, and no more.

Start with `outbox`: everything else is there so that what it promises holds.
"""
