"""What travels: a request as it was received, who was proved to have sent it, and an answer.

`Request` carries the raw bytes of target and body; nothing downstream re-encodes them. What stands behind the gateway
is one seam: `forward(Request, Identity) → Response`. What is made for every request is a named tuple: in Python a frozen
dataclass takes three times as long to make.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, exactly as received."""

    method: str
    """As on the request line; anything but upper case is refused later, not mended."""
    target: bytes
    """Path and query as on the wire, percent-encoding untouched: `b"/api/v1/accounts?currency=BTC"`."""
    headers: tuple[Header, ...]
    """Names in lower case, in order of arrival, duplicates kept."""
    body: bytes
    peer: str | None
    """The address the connection came from; `None` when there is none (a Unix socket)."""

    @property
    def path(self) -> bytes:
        """The target up to the first `?`."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """The target after the first `?`, without it; empty when there is none."""
        return self.target.partition(b"?")[2]

    def header(self, name: bytes) -> tuple[bytes, ...]:
        """Return every value sent under `name` (lower case), in order."""
        return tuple(value for key, value in self.headers if key == name)


class Identity(NamedTuple):
    """Who was proved to have sent a request: what an upstream may rely on. All empty on a public route."""

    request_id: str
    environment: str
    """`spot` or `futures`: the gateway the request came through."""
    account_id: str = ""
    uid: int = 0
    sub_account: str = ""
    key_id: str = ""
    permissions: frozenset[str] = frozenset()
    """A subset of `read`, `trade`, `transfer`, `withdraw`."""
    address: str = ""
    """The client's address, as the gateway decided it."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


class SignedRequest(NamedTuple):
    """What to send, byte for byte. A client that encodes the target or the body once more breaks the signature.

    Shown by its method and path alone: the rest carries credentials.
    """

    method: str
    target: bytes
    headers: tuple[Header, ...]
    """Names in lower case. To be added to whatever else is sent."""
    body: bytes

    def __repr__(self) -> str:
        return f"SignedRequest({self.method} {self.target.partition(b'?')[0].decode('ascii', 'replace')} …)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal as it goes out, in `application/json`."""

    status: int
    body: bytes


Forward = Callable[[Request, Identity], Awaitable[Response]]
"""What stands behind the gateway. Raises `errors.Busy` when it can't be reached."""
