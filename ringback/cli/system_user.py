"""Who types a command, as the audit has it."""

import os
import pwd


def by_command_line() -> str:
    """`cli:` and the name of the system user, whatever the environment says; its number where it has no name."""
    number = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"cli:{number}"
