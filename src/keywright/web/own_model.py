"""What templates are given about the account of who is signed in: plain values, like those of `model`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One prerequisite of API Management (K2)."""

    name: str
    """`second_factor`."""
    is_done: bool
    href: str
    is_waiting: bool = False
    """Whether its owner has done their part, and someone else has to look at it."""


@dataclass(frozen=True, slots=True)
class OwnView:
    """What the page about security shows of the account, and what its profile asks for."""

    is_email_verified: bool
    has_phrase: bool
    has_trading_password: bool
    asks_trading_password: bool
    identity: str
    """Its state; empty where nothing was said."""
    asks_identity: bool
    asks_code: bool = False
    """Whether making a key takes a code that is sent."""
    phone: str = ""
    """Part of its number; empty: there is none."""
    codes_go_to: str = ""


@dataclass(frozen=True, slots=True)
class IdentityView:
    """Who the account's owner says they are."""

    state: str
    """`submitted`, `approved`, `refused` or `altered`."""
    name: str
    country: str
    """As it is called in the visitor's language."""
    document: str
    """Its kind: `passport`, `id_card`, `residence_permit`, `driving_licence`."""
    last_digits: str
    submitted_at: int
    reason: str
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """One of the account's sessions."""

    id: str
    address: str
    agent: str
    created_at: int
    seen_at: int
    is_this: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """Who an account's owner says they are, as an operator sees it."""

    state: str
    """`submitted`, `approved`, `refused` or `altered`."""
    name: str
    country: str
    """As it is called in the operator's language."""
    document: str
    last_digits: str
    submitted_at: int
    version: int
    reason: str = ""
