"""gunicorn's own lines as JSON, where LOG_FORMAT asks for it."""

from typing import Any

from gunicorn.glogging import Logger

from ringback.logs import JsonLines


class JsonLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log, in the form of ours."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn at its start, and when it reads its configuration again."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())
