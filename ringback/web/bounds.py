"""How much of a request is read, whichever server runs us: query, headers, fields and body.

How long a field may be is for its form to say (ringback/web/form/fields.py). X-Forwarded-For is not cut: it is
read from its end, and believed only from a proxy.
"""

import re
from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

BODY_BYTES = 64 * 1024
# Our form has twenty fields and as many attributes as a site owner names.
FIELDS = 200
QUERY_BYTES = 8_190  # as gunicorn.conf.py has it for the whole line
# In a query that was cut, whole or not: half a letter is none.
_LAST_LETTER = re.compile(rb"(?:%[c-f][0-9a-f](?:%[89ab][0-9a-f]){0,3})?(?:%[0-9a-f]?)?$", re.IGNORECASE)
# The headers that are read, in bytes: at least twice what any browser sends.
HEADERS = {
    "Accept-Encoding": 500,
    "Accept-Language": 1_000,
    "Access-Control-Request-Headers": 1_000,
    "Access-Control-Request-Method": 50,
    "Authorization": 500,
    "Connection": 100,
    "Content-Type": 500,
    "Host": 500,
    "Idempotency-Key": 500,
    "If-Match": 1_000,
    "If-Modified-Since": 100,
    "If-None-Match": 1_000,
    "If-Range": 500,
    "Origin": 500,
    "Range": 200,
    "Referer": 4_000,
    "Sec-Fetch-Dest": 50,
    "Sec-Fetch-Mode": 50,
    "Sec-Fetch-Site": 50,
    "Traceparent": 100,
    "X-Request-Id": 200,
    "X-Ringback-Canary": 200,
}


class _FewFields(FormDataParser):
    """Reads the first fields of a form: parsing 30,000 empty ones takes 20 ms, and 64 KB of "%" 14 ms.

    An escape has three characters: a body with more of them than a third of its length is no browser's.
    """

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if body.count(b"%") * 3 > len(body):
                raise BadRequest
            stream = BytesIO(b"&".join(body.split(b"&", FIELDS)[:FIELDS]))
        return super().parse(stream, mimetype, content_length, options)


class BoundedRequest(Request):
    """A request whose form has at most `FIELDS` fields."""

    form_data_parser_class = _FewFields


def init_app(app: Flask) -> None:
    """Cut the query and the headers of every request, before anything else is done with it."""
    app.request_class = BoundedRequest
    app.config["MAX_FORM_PARTS"] = FIELDS  # of a multipart body, where more of them are refused

    @app.before_request
    def cut() -> None:
        # Bytes that are not UTF-8 become replacement characters: Werkzeug would raise, on error pages too, which
        # read the query.
        query = request.query_string
        if len(query) > QUERY_BYTES:
            query = _LAST_LETTER.sub(b"", query[:QUERY_BYTES])
        request.query_string = query.decode(errors="replace").encode()
        for name, longest in HEADERS.items():
            key = name.upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            if len(request.environ.get(key, "")) > longest:
                request.environ[key] = request.environ[key][:longest]


def bound_bodies(app: Flask) -> None:
    """Refuse longer bodies; one without a length, sent in chunks, is held to the same bytes as any other."""
    app.config.update(MAX_CONTENT_LENGTH=BODY_BYTES, MAX_FORM_MEMORY_SIZE=BODY_BYTES)

    @app.before_request
    def read_chunks() -> None:
        if not request.environ.pop("HTTP_TRANSFER_ENCODING", None):
            return
        try:
            body = request.environ["wsgi.input"].read(BODY_BYTES + 1)
        except Exception as error:  # whatever the server raises for malformed chunks
            raise BadRequest from error
        if len(body) > BODY_BYTES:
            raise RequestEntityTooLarge
        request.environ["wsgi.input"], request.environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
