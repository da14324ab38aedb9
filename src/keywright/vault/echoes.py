"""`unechoed`: a refusal without what was signed, should an exchange, or what stands before it, send a request back. Pure.

Its words are shown and kept beside the diagnosis. KuCoin's passphrase header is the same for every request, and a signed target
of Binance's can be sent again within seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from keywright.protocol.message import Header

HIDDEN = "•••".encode()
SHORTEST = 7
"""What is shorter is no key, signature or passphrase of any exchange's: a version, or a word."""

_PARAMETERS = re.compile(rb"[?&](?:signature|passphrase|apiKey)=([^&]*)")


def unechoed(body: bytes, target: bytes, headers: tuple[Header, ...]) -> bytes:
    """Return what was answered, with each value that stood in the request hidden, however it is written."""
    for value in sorted({*_sent(target, headers)}, key=len, reverse=True):
        for form in (value, quote(value, safe="").encode(), value.replace(b"/", rb"\/")):
            body = body.replace(form, HIDDEN)
    return body


def _sent(target: bytes, headers: tuple[Header, ...]) -> Iterator[bytes]:
    values = list(_PARAMETERS.findall(target))
    values += [value for name, value in headers if name.lower() != b"content-type" and not value.isdigit()]
    return (value for value in values if len(value) >= SHORTEST)
