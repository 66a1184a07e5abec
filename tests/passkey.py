"""A device with a passkey on it, as far as a site can tell: it makes one, and signs with it."""

import json
import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PERSON_WAS_CHECKED, WITH_KEY = b"\x05", b"\x45"


def text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Device:
    """One passkey, for one origin such as `https://callback.acme.test`."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._key = generate_private_key(SECP256R1())
        self._id = os.urandom(16)

    def makes(self, options: dict[str, Any]) -> str:
        """What a browser sends of it, asked with these options."""
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        told = self._told(options["rp"]["id"], WITH_KEY) + bytes(16) + b"\x00\x10" + self._id + public
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told})
        return self._sends({"attestationObject": text_of(made)}, self._client("webauthn.create", options))

    def signs(self, options: dict[str, Any]) -> str:
        client, told = self._client("webauthn.get", options), self._told(options["rpId"], PERSON_WAS_CHECKED)
        signature = self._key.sign(told + sha256(client).digest(), ECDSA(SHA256()))
        return self._sends({"authenticatorData": text_of(told), "signature": text_of(signature)}, client)

    def _told(self, site: str, flags: bytes) -> bytes:
        return sha256(site.encode()).digest() + flags + bytes(4)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self._origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _sends(self, response: dict[str, str], client: bytes) -> str:
        response |= {"clientDataJSON": text_of(client)}
        id_ = text_of(self._id)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})
