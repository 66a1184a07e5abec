"""A signed POST over one connection, by Standard Webhooks (https://www.standardwebhooks.com)."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

import requests
from standardwebhooks import Webhook

from ringback.deadline import Deadline, OneCall
from ringback.keyed_hash import keyed_hash


class NotReceivedError(Exception):
    """A receiver answered, and did not say that it has the message. `status` is HTTP's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


def secrets_of(secret_keys: Sequence[str]) -> list[str]:
    """What receivers verify with, `whsec_…`: one for each key, the present one first.

    They follow from SECRET_KEY (the last of `secret_keys`), and change with it.
    """
    digests = [keyed_hash(key, "Ringback alerts: webhook") for key in secret_keys]
    return [f"whsec_{base64.b64encode(digest).decode()}" for digest in reversed(digests)]


class SignedPost:
    """Posts to one address, each in the time that its deadline allows."""

    def __init__(self, address: str, secret_keys: Sequence[str]) -> None:
        self._address = address
        # With every key, so that a receiver has time to change over while the old one is a fallback.
        self._signers = [Webhook(secret) for secret in secrets_of(secret_keys)]

    def send(self, deadline: Deadline, id: str, body: str, now: datetime) -> int:
        """The status. Raises NotReceivedError for any answer but 2xx, and what the network raises."""
        with OneCall(deadline) as session:
            post = self._unsent.copy()
            post.headers.update(self._headers(id, body, now))
            post.prepare_body(body.encode(), None)
            response = session.send(post, stream=True, timeout=deadline.socket_seconds, allow_redirects=False)
            # The status says it all; the body may be endless, and is not read.
            status = response.status_code
            if response.raw:  # what a test made by hand may have none
                response.close()
        if deadline.timed_out:
            raise TimeoutError
        if not 200 <= status < 300:
            raise NotReceivedError(status)
        return status

    @cached_property
    def _unsent(self) -> requests.PreparedRequest:
        """What is the same each time: with a thousand receivers, what it costs is time that they wait."""
        return requests.Request("POST", self._address).prepare()

    def _headers(self, id: str, body: str, now: datetime) -> dict[str, str]:
        utc = now.astimezone(UTC)
        signatures = [signer.sign(id, utc, body) for signer in self._signers]
        return {
            "Content-Type": "application/json",
            "User-Agent": "Ringback",
            "Connection": "close",
            "webhook-id": id,
            "webhook-timestamp": str(int(utc.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
