"""A passkey made of software: it makes and signs as a phone or a security key does, and can be bent to do so wrongly."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, EDDSA, RS256 = -7, -8, -257

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(data: bytes) -> str:
    """Return bytes as JSON carries them."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Return the bytes again."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftPasskey:
    """One credential, and what is bent about the one who signs with it."""

    algorithm: int = ES256
    origin: str = "http://localhost:8400"
    rp_id: str = "localhost"
    flags: int = UP | UV
    counts: bool = True
    """False: it says 0 for ever, as those do that are kept in several places."""
    framed: bool = False
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    user_handle: bytes | None = None
    key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        """Make the key pair."""
        if self.algorithm == ES256:
            self.key = ec.generate_private_key(ec.SECP256R1())
        elif self.algorithm == EDDSA:
            self.key = ed25519.Ed25519PrivateKey.generate()
        else:
            self.key = rsa.generate_private_key(65537, 2048)

    def bent(self, **changes: Any) -> SoftPasskey:
        """Return one with the same credential and key that signs otherwise."""
        other = replace(self, **changes)
        other.key = self.key
        return other

    def create(self, options: str, *, kind: str = "webauthn.create", fmt: str = "none", **more: Any) -> str:
        """Return what `navigator.credentials.create` gives back, as JSON."""
        asked = json.loads(options)
        self.user_handle = unb64(asked["user"]["id"])
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key()
        data = self._authenticator_data(self.flags | AT) + credential
        client = self._client_data(kind, asked["challenge"])
        attestation = cbor2.dumps({"fmt": fmt, "attStmt": more.pop("statement", {}), "authData": data})
        return self._credential({"clientDataJSON": b64(client), "attestationObject": b64(attestation), **more})

    def get(self, options: str, *, kind: str = "webauthn.get", **more: Any) -> str:
        """Return what `navigator.credentials.get` gives back, as JSON."""
        if self.counts:
            self.count += 1
        data = self._authenticator_data(self.flags)
        client = self._client_data(kind, json.loads(options)["challenge"])
        signature = self.sign(data + hashlib.sha256(client).digest())
        response: dict[str, Any] = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
        }
        if self.user_handle is not None:
            response["userHandle"] = b64(self.user_handle)
        return self._credential({**response, **more})

    def sign(self, data: bytes) -> bytes:
        """Sign as the algorithm does."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(SHA256()))
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, padding.PKCS1v15(), SHA256())

    def public_key(self) -> bytes:
        """Return the public key as COSE (RFC 9053)."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            point = self.key.public_key().public_numbers()
            return cbor2.dumps(
                {1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
            )
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")})

    def _authenticator_data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.framed}
        return json.dumps(said).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        called = b64(self.credential_id)
        return json.dumps({"id": called, "rawId": called, "type": "public-key", "response": response})
