"""What every page of the console has: who is signed in, the ways to the others, and no frame around it."""

from typing import Any

from flask import Response, g, make_response, render_template, request

from ringback.accounts.operator import Operator, Role
from ringback.services import services

# The pages of the bar, in their order: endpoint, name, and the least role.
BAR: list[tuple[str, str, Role]] = [
    ("console_requests.listed", "Requests", Role.VIEWER),
    ("console_figures.shown", "Figures", Role.VIEWER),
    ("console_wall.shown", "Wall", Role.VIEWER),
    ("console_widgets.listed", "Widgets", Role.VIEWER),
    ("console_teams.listed", "Teams", Role.VIEWER),
    ("console_numbers.listed", "Numbers", Role.VIEWER),
    ("console_operators.listed", "Operators", Role.ADMIN),
    ("console_audit.listed", "Audit", Role.VIEWER),
    ("console_webhooks.listed", "Webhooks", Role.ADMIN),
    ("console_api_keys.listed", "API keys", Role.ADMIN),
]
# What holds for all widgets is for those who may see all of them.
_OF_ALL_WIDGETS = frozenset({"console_numbers.listed"})


def page(template: str, title: str, status: int = 200, **context: Any) -> Response:
    """A page of the console."""
    operator = g.get("operator")
    html = render_template(
        f"console/{template}",
        page_title=title,
        operator=operator,
        bar=[(endpoint, name) for endpoint, name, role in BAR if operator and _is_for(operator, endpoint, role)],
        here=request.endpoint,
        sandbox=services().settings.sandbox,
        **context,
    )
    return make_response(html, status)


def _is_for(operator: Operator, endpoint: str, role: Role) -> bool:
    return operator.role >= role and (operator.widgets is None or endpoint not in _OF_ALL_WIDGETS)
