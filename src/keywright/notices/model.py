"""Nouns of notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keywright.sealing.envelope import Place

CODE = "code."
"""What the kinds of messages begin with that carry a code: they are sent, and listed nowhere."""


class Channel(StrEnum):
    """How a message goes. `email` becomes `file` where no mail server is set up; `sms` is for codes."""

    EMAIL = "email"
    CHAT = "chat"
    FILE = "file"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that an account was told."""

    id: str
    account_id: str
    kind: str
    subject: str
    """The id of what it is about."""
    detail: Mapping[str, object]
    at: int
    read_at: int | None = None
    freeze_used_at: int | None = None
    """When its link was used to freeze the account."""

    @property
    def has_code(self) -> bool:
        """Tell whether it carries a code."""
        return self.kind.startswith(CODE)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a notice is for."""

    account_id: str
    email: str
    language: str
    """Empty where nobody chose one."""
    phrase_sealed: bytes | None = field(repr=False)
    """The anti-phishing phrase, as it rests."""
    created_at: int
    is_verified: bool = False
    """Whether the address was proved to be theirs."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way."""

    id: int
    notice_id: str
    channel: str
    recipient: str
    body_sealed: bytes | None = field(repr=False)
    """A code, as it rests; gone once the message is delivered or given up."""
    tries: int
    next_at: int


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in words."""

    title: str
    text: str
    facts: tuple[tuple[str, str], ...]
    """What it is about, when, from where: names and values."""
    short: str = ""
    """All of it in a line, for a text message."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What one kind of notice says. English; translated when it is shown."""

    title: str
    text: str
    chat: bool = False
    """Whether it is worth a line in the operator's chat too."""
    short: str = ""
    """What a text message says of it; empty: its title."""


def marked(text: str) -> str:
    """Return the sentence as it is: a mark for extraction."""
    return text


def phrase_place(account_id: str) -> Place:
    """Return where an account's anti-phishing phrase lives."""
    return Place("accounts.phrase", account_id, account_id)


def code_place(notice_id: str, account_id: str) -> Place:
    """Return where the code of a message lives."""
    return Place("deliveries", notice_id, account_id)
