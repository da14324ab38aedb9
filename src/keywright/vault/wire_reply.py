"""`Reply`: what came back from an exchange. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.protocol.message import Header

LONGEST_WAIT = 10
"""Digits of a number of seconds that is believed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    """Names in lower case."""

    def header(self, name: bytes) -> bytes:
        """Return the first value under a name, or nothing."""
        return next((value for key, value in self.headers if key == name), b"")

    @property
    def is_page(self) -> bool:
        """Whether this is a web page: what stands before an exchange answers so, never the exchange."""
        kind = self.header(b"content-type").lower()
        return b"html" in kind or self.body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))

    @property
    def wait_ms(self) -> int:
        """How long it asks to be left alone (`Retry-After`, in seconds); 0 where it does not say."""
        said = self.header(b"retry-after").strip()
        return int(said) * 1_000 if said.isdigit() and len(said) < LONGEST_WAIT else 0
