"""A service behind the gateway, reached over HTTP: who was proved to ask goes along in `X-Keywright-*` headers and in a
short-lived signed assertion of the same facts and of the request's digest.

The assertion is a JWT (RFC 7519) signed with Ed25519 (RFC 8037); the key to check it stands at
`/.well-known/jwks.json` of the console. A service that is reachable by anyone but the gateway must check it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from keywright.errors import Busy, Unusable
from keywright.protocol.message import Header, Identity, Request, Response
from keywright.secret import Secret

LABEL = "assertion/v1"
"""The label under which the keyring derives the signing key."""

LIFETIME_S = 30
TIMEOUT_S = 30.0
PREFIX = b"x-keywright-"
PASSED = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"content-type",
        b"user-agent",
        b"x-site-type",
        b"kc-broker-name",
    }
)
"""What goes on of a client's headers. No signature covers any of them, so nothing that a service might route, act or
trust by does: no method override, no rewritten URL, no forwarded or remote anything, no cookie, no credential."""

HOP_BY_HOP = frozenset(
    # RFC 9110 section 7.6.1, and what the client library states itself.
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
    )
) | {b"transfer-encoding", b"upgrade", b"host", b"content-length", b"expect"}


class Assertions:
    """Signs what the gateway proved."""

    def __init__(self, key: Secret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(key.reveal())
        public = self._key.public_key().public_bytes_raw()
        self._key_id = hashlib.sha256(public).hexdigest()[:16]
        self._public = public

    def jwks(self) -> bytes:
        """Return the public key as a JSON Web Key Set."""
        key = {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self._key_id,
            "x": _b64(self._public),
        }
        return json.dumps({"keys": [key]}).encode()

    def sign(self, request: Request, identity: Identity, *, now: int) -> bytes:
        """Return the assertion about one request: valid for 30 seconds, for this method, target and body only."""
        header = {"alg": "EdDSA", "typ": "JWT", "kid": self._key_id}
        claims = {
            "iss": "keywright",
            "aud": "upstream",
            "iat": now // 1000,
            "exp": now // 1000 + LIFETIME_S,
            "jti": identity.request_id,
            "sub": identity.account_id,
            "sub_account": identity.sub_account,
            "key_id": identity.key_id,
            "permissions": sorted(identity.permissions),
            "environment": identity.environment,
            "method": request.method,
            "target_sha256": hashlib.sha256(request.target).hexdigest(),
            "body_sha256": hashlib.sha256(request.body).hexdigest(),
        }
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}".encode()
        return signed + b"." + _b64(self._key.sign(signed)).encode()


def check_base_url(url: str) -> None:
    """Do nothing if a service can be reached under this URL; raises `Unusable` otherwise."""
    try:
        parsed = URL(url)
        good = parsed.scheme in {"http", "https"} and bool(parsed.host) and parsed.path in {"", "/"}
        good = good and not (
            parsed.user or parsed.password or parsed.raw_query_string or parsed.raw_fragment or "?" in url
        )
    except ValueError:
        good = False
    if not good:
        shown = "what stands there" if "@" in url else url  # a password may stand before an @
        raise Unusable(
            f"{shown} is no upstream URL", hint="write it like http://127.0.0.1:9000: scheme, host, port, no more"
        )


class ServiceUpstream:
    """Forwards to a base URL. Open it inside a running loop; `close` it there."""

    def __init__(self, base_url: str, *, assertions: Assertions, clock: Callable[[], int]) -> None:
        check_base_url(base_url)
        self._base = base_url.rstrip("/")
        self._assertions = assertions
        self._clock = clock
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # one account's slow requests must not queue everyone else's
            middlewares=(_never_twice,),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            trust_env=False,  # no proxy of the environment sees what passes here
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def forward(self, request: Request, identity: Identity) -> Response:
        """Send the request on, byte for byte, and return the answer. Raises `Busy` when the service can't be reached.

        Nothing is sent twice: a write that may have arrived is never repeated.
        """
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers(request, identity)
        ]
        try:
            async with self._session.request(
                request.method,
                URL(self._base + request.target.decode("ascii"), encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                if not 200 <= answer.status <= 599:
                    raise Busy("the service behind the gateway answered with a status that is none")
                return Response(answer.status, body, tuple(_passing(answer.raw_headers)))
        except (TimeoutError, aiohttp.ClientError):
            raise Busy("the service behind the gateway did not answer") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def _headers(self, request: Request, identity: Identity) -> Iterable[Header]:
        for name, value in request.headers:
            if name in PASSED:
                yield name, value
        if identity.address:
            yield b"x-forwarded-for", identity.address.encode()
        yield b"x-keywright-account", identity.account_id.encode()
        yield b"x-keywright-sub-account", identity.sub_account.encode()
        yield b"x-keywright-key-id", identity.key_id.encode()
        yield b"x-keywright-permissions", ",".join(sorted(identity.permissions)).encode()
        yield b"x-keywright-environment", identity.environment.encode()
        yield b"x-keywright-request-id", identity.request_id.encode()
        yield b"x-keywright-assertion", self._assertions.sign(request, identity, now=self._clock())


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep the client library from repeating a PUT or DELETE on a broken connection: the first may have arrived."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        if request.method in {"GET", "HEAD"}:
            raise
        raise Busy("the service behind the gateway did not answer") from None


def _passing(headers: Iterable[Header]) -> Iterable[Header]:
    for name, value in headers:
        lower = name.lower()
        if lower not in HOP_BY_HOP and lower not in {b"date", b"server"} and not lower.startswith(PREFIX):
            yield lower, value


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
