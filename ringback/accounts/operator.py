"""An operator, and what each role may do."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What an operator may do. Each may do all that the one before may."""

    VIEWER = 1  # reads
    OPERATOR = 2  # acts on requests
    ADMIN = 3  # manages people, keys and webhooks


@dataclass(frozen=True)
class Operator:
    """Somebody who is signed in. `widgets`: the keys of those they may see; None for all."""

    name: str
    role: Role
    widgets: frozenset[str] | None = None
    samespace_user: str = ""  # whose dock their calls are made from

    def may_see(self, widget: str) -> bool:
        """Whether a widget is theirs to see."""
        return self.widgets is None or widget in self.widgets
