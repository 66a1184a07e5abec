"""The worker gunicorn runs: gevent's, with a limit on how long one request may take to arrive and be answered.

gunicorn gives up on headers that drip in after `keepalive` seconds, on a body that drips in never.
"""

import gevent
from gunicorn.workers.ggevent import GeventWorker

REQUEST_SECONDS = 12  # a store that hangs is answered for as well, within the 15 s that we promise


class DeadlineWorker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Drops a connection whose request is not done in time."""

    def handle_request(self, *arguments: object) -> None:
        """Called by gunicorn for each request, in a greenlet of its own."""
        with gevent.Timeout(REQUEST_SECONDS, False):
            super().handle_request(*arguments)
        # A kept connection whose next request is there already would be served again before anybody else.
        gevent.sleep(0)
