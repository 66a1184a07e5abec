"""Whether gevent came first. An app that was made before gevent patched Python would hang: refused, it says so.

Its locks would stop all visitors of a process instead of one, and a TLS library that was loaded before calls
itself without end. Visitors and load balancers get 503, and the log says what mends it.
"""

from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gevent import monkey

_LATE = (
    "gevent patched Python after the app was made, and forms would hang: everything is refused. "
    "Where gunicorn is started with --preload, leave it out; in a program of your own, "
    "call monkey.patch_all() before anything is imported"
)


def is_patched() -> bool:
    """Whether threads are gevent's in this process."""
    return bool(monkey.is_module_patched("threading"))


def refuse_if_late(app: WSGIApplication, tell: Callable[[str], None]) -> WSGIApplication:
    """The app, which answers 503 to everything once threads are other ones than when this was called."""
    was_patched = is_patched()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_patched() == was_patched:
            return app(environ, start_response)
        tell(_LATE)
        start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
        return [b"Service Unavailable\n"]

    return answer
