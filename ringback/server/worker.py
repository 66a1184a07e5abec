"""The worker gunicorn runs: gevent's, with limits on who may be connected, for how long, and on what is logged.

gunicorn gives up on headers that drip in after `keepalive` seconds, on a body that drips in never. It takes
connections until there are no file handles left, and writes into its log what it could not read.
"""

import logging
from typing import Any

import gevent
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from ringback.logs import Sparing, kind_and_place
from ringback.server.connections import LEAVING, Connection, Connections, most_connections, owner_of

REQUEST_SECONDS = 12  # a store that hangs is answered for as well, within the 15 s that we promise
BODY_SECONDS = 5  # until the first byte of a body, and between any two
CROWDED_SECONDS = 0.25
# As it comes, ten: those that wait for a name server would keep the rest from Samespace, Redis and PostgreSQL.
NAMES_AT_ONCE = 1_000
_NO_ANSWER = (
    f"A request had no answer after {REQUEST_SECONDS} s and was dropped. The store or Redis may hang: "
    "flask --app app check --live"
)

_STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented"),
}
_OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)


class DeadlineWorker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Drops a connection whose request is not done in time, and those that are too many."""

    def run(self) -> None:
        """Called by gunicorn when the app is loaded; returns when the process is to end."""
        most = min(self.cfg.worker_connections, most_connections())
        self._tell = Sparing(self.log)
        self._connections = Connections(most, self._tell)
        self._proxies = self.wsgi.extensions["ringback"].proxies
        self.worker_connections = most + LEAVING
        gevent.get_hub().print_exception = self._print_kind
        gevent.get_hub().threadpool.maxsize = NAMES_AT_ONCE  # threads, made as they are needed
        super().run()

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        """Called by gunicorn for each connection, in a greenlet of its own."""
        peer = address[0] if address else ""
        # All visitors of a proxy connect from its address.
        connection = Connection(client, None if self._proxies.include(peer) else owner_of(peer))
        try:
            if self._connections.take(connection) and _is_worth_it(connection):
                super().handle(listener, connection, address)
        finally:
            self._connections.leave(connection)
            client.close()

    def handle_request(self, listener_name: Any, request: Any, connection: Connection, address: Any) -> None:
        """Called by gunicorn for each request, when its head is there."""
        is_done = False
        connection.patience_seconds = BODY_SECONDS
        with gevent.Timeout(REQUEST_SECONDS, False):
            super().handle_request(listener_name, request, connection, address)
            is_done = True
        if not is_done:
            self._tell(_NO_ANSWER)
            raise StopIteration  # gunicorn's word for "close it"
        connection.patience_seconds = None
        self._connections.served(connection)
        # A kept connection whose next request is there already would be served again before anybody else.
        gevent.sleep(0)

    def handle_error(self, _request: Any, client: Any, _address: Any, error: BaseException) -> None:
        """Answer what could not be read, or what failed, and log its kind: never the line, which may be a key."""
        if isinstance(error, errors.ParseException) and not isinstance(error, _OURS):
            self.log.info("a request could not be read (%s)", type(error).__name__)
            status, reason = _STATUS.get(type(error), (400, "Bad Request"))
        else:
            self.log.error("a request failed (%s)", kind_and_place(error))
            status, reason = 500, "Internal Server Error"
        try:
            util.write_error(client, status, reason, "")
        except Exception:
            self.log.debug("whoever sent it has gone")

    def _print_kind(self, _context: object, _kind_of: object, error: BaseException | None, _where: object) -> None:
        """In place of gevent's, which prints the address of whose connection it was."""
        self.log.error("a connection failed (%s)", kind_and_place(error) if error else "unknown")


def _is_worth_it(connection: Connection) -> bool:
    """Whether one that took another's place keeps it for a while: of thousands a second none does."""
    return not connection.took_a_place or connection.stays(CROWDED_SECONDS)


class KindsOnly(logging.Filter):
    """Takes the words of exceptions out of gunicorn's log: they quote what a client sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, with kinds and places where there were words."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                type(arg).__name__ if isinstance(arg, BaseException) else arg for arg in record.args
            )
        if record.exc_info and record.exc_info[1]:
            record.exc_text, record.exc_info = kind_and_place(record.exc_info[1]), None
        return True
