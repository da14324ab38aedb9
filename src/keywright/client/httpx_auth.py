"""`KeywrightAuth`: signs for httpx, httpx2 and whatever takes an auth as they do.

    httpx.Client(base_url="https://api.kucoin.com", auth=KeywrightAuth("kucoin", key=…, secret=…, passphrase=…))

httpx takes any callable as an auth, and calls it once for every attempt to send. Who needs httpx's own class derives from
both, `class Auth(KeywrightAuth, httpx.Auth): ...`; the body of a stream is then read before it is signed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from keywright.client.signing import Signing
from keywright.errors import Invalid


class KeywrightAuth:
    """Signs each request when it is sent. Takes what `Signing` takes.

    Leave `follow_redirects` off, as it is unless asked for: httpx would carry the key's headers to where a redirect leads.
    """

    requires_request_body = True

    def __init__(self, exchange: str, **credentials: Any) -> None:
        self._signing = Signing(exchange, **credentials)

    def __call__(self, request: Any) -> Any:
        """Return the request, signed. Raises `Invalid` for what can't be."""
        if "transfer-encoding" in request.headers:
            raise Invalid(
                "a body that is streamed can't be signed", hint="give it as bytes: the signature covers all of it"
            )
        url = request.url
        body: bytes = request.content
        signed = self._signing.sign(request.method, f"{url.scheme}://{url.netloc.decode()}", url.raw_path, body)
        for name, value in signed.headers:
            if name != b"content-type" or "content-type" not in request.headers:
                request.headers[name.decode()] = value.decode()
        if signed.target != url.raw_path:  # Binance's signature stands among the parameters
            request.url = url.copy_with(raw_path=signed.target)
        if signed.body != body:
            return _with_body(request, signed.body)
        return request

    def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Yield the request, signed, as httpx's own classes do."""
        yield self(request)

    def __repr__(self) -> str:
        return "KeywrightAuth(•••)"


def _with_body(request: Any, body: bytes) -> Any:
    """Return the request with the body that was signed: Bitfinex's `{}` for none, Binance's with its signature."""
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return type(request)(request.method, request.url, headers=headers, content=body, extensions=request.extensions)
