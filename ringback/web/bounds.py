"""How much of a request is read, whoever serves us: what is longer is cut before anything looks at it.

What a field may hold is its form's own matter (ringback/web/form/fields.py); here it is how many fields there
are, the query and the headers. X-Forwarded-For is not among them: it is counted from its end, and only believed
from a proxy.
"""

from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, request
from werkzeug.formparser import FormDataParser

# Ours has twenty fields and as many attributes as a site owner names.
FIELDS = 200
QUERY_BYTES = 4_000
# Those that are read, with twice what any browser sends and more.
HEADERS = {
    "Accept-Encoding": 500,
    "Accept-Language": 1_000,
    "Connection": 100,
    "Content-Type": 500,
    "Host": 500,
    "If-Match": 1_000,
    "If-Modified-Since": 100,
    "If-None-Match": 1_000,
    "If-Range": 500,
    "Origin": 500,
    "Range": 200,
    "Referer": 4_000,
    "Sec-Fetch-Site": 50,
}


class _FewFields(FormDataParser):
    """Reads the first fields of a form. To take 30,000 empty ones apart takes 20 ms."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        if mimetype == "application/x-www-form-urlencoded":
            stream = BytesIO(b"&".join(stream.read().split(b"&", FIELDS)[:FIELDS]))
        return super().parse(stream, mimetype, content_length, options)


class BoundedRequest(Request):
    """A request with a form of no more than so many fields."""

    form_data_parser_class = _FewFields


def init_app(app: Flask) -> None:
    """Cut every request, first of all that is done with it."""
    app.request_class = BoundedRequest
    app.config["MAX_FORM_PARTS"] = FIELDS  # of the other kind of body, where more of them are refused

    @app.before_request
    def cut() -> None:
        # Bytes that are no UTF-8 count as unreadable characters: Werkzeug raises, and the pages of errors look
        # into the query, too.
        request.query_string = request.query_string[:QUERY_BYTES].decode(errors="replace").encode()
        for name, longest in HEADERS.items():
            key = name.upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            if len(request.environ.get(key, "")) > longest:
                request.environ[key] = request.environ[key][:longest]
