"""What every page of the console has: who is signed in, the ways to the others, and no frame around it."""

from typing import Any

from flask import Response, g, make_response, render_template, request

from ringback.accounts.operator import Role
from ringback.services import services

# The pages of the bar, in their order: endpoint, name, and the least role.
BAR: list[tuple[str, str, Role]] = [
    ("console_requests.listed", "Requests", Role.VIEWER),
    ("console_operators.listed", "Operators", Role.ADMIN),
    ("console_audit.listed", "Audit", Role.VIEWER),
]


def page(template: str, title: str, status: int = 200, **context: Any) -> Response:
    """A page of the console."""
    operator = g.get("operator")
    html = render_template(
        f"console/{template}",
        page_title=title,
        operator=operator,
        bar=[(endpoint, name) for endpoint, name, role in BAR if operator and operator.role >= role],
        here=request.endpoint,
        sandbox=services().settings.sandbox,
        **context,
    )
    return make_response(html, status)
