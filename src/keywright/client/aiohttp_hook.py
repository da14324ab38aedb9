"""`KeywrightMiddleware`: signs for aiohttp's client, 3.12 and later.

    aiohttp.ClientSession(middlewares=(KeywrightMiddleware("kucoin", key=…, secret=…, passphrase=…),))

aiohttp re-quotes a URL when it makes one, before any middleware runs; what is signed is what it then sends. To send a
target as it is, give it as `yarl.URL(text, encoded=True)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from keywright.client.signing import Signing
from keywright.errors import Invalid


class KeywrightMiddleware:
    """Signs each request when it is sent, every attempt and every hop anew. Takes what `Signing` takes.

    A redirect to another origin raises `Invalid`: aiohttp follows redirects unless told not to.
    """

    def __init__(self, exchange: str, **credentials: Any) -> None:
        self._signing = Signing(exchange, **credentials)

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Return the answer to the request, sent signed. Raises `Invalid` for what can't be signed."""
        if request.chunked or request.compress:
            raise Invalid(
                "a body that is streamed or compressed can't be signed", hint="give it as bytes, or as json=…"
            )
        payload = request.body
        body: bytes = await payload.as_bytes() if payload else b""
        url = request.url
        target = url.raw_path_qs.encode()
        signed = self._signing.sign(request.method, str(url.origin()), target, body)
        if payload or signed.body:
            # The bytes that were signed are the bytes that are sent, whatever the payload was.
            await request.update_body(signed.body)
        for name, value in signed.headers:
            if name != b"content-type" or _is_default(request.headers.get("content-type")):
                request.headers[name.decode()] = value.decode()
        if signed.target != target:  # Binance's signature stands among the parameters
            request.url = type(url)(f"{url.origin()}{signed.target.decode()}", encoded=True)
        return await handler(request)

    def __repr__(self) -> str:
        return "KeywrightMiddleware(•••)"


def _is_default(content_type: str | None) -> bool:
    """Tell whether nobody chose this type: what aiohttp writes over plain bytes and text."""
    return content_type is None or content_type.startswith(("application/octet-stream", "text/plain"))
