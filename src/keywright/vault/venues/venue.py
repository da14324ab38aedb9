"""`Venue`: one exchange as the vault asks it. And `NotUnderstood`, for an answer nobody here can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keywright.errors import Invalid, KeywrightError
from keywright.protocol import strict_json
from keywright.vault.evidence import Exchange, Probe, Right

LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999, in milliseconds."""


class NotUnderstood(KeywrightError):
    """An exchange answered something of a shape that is not known; nothing of it was used."""


@dataclass(frozen=True, slots=True)
class Call:
    """One question: method, target and body, exactly as sent (before anything is signed)."""

    method: str
    target: bytes
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Budget:
    """How far a stamp may be from the exchange's time before it is refused; 0 where time is not looked at."""

    ahead_ms: int
    behind_ms: int


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange: where it is, what it is asked, how it answers."""

    exchange: Exchange
    origin: str
    elsewhere: tuple[tuple[str, str], ...]
    """Its other environments, by name: where a key of another environment would be known."""
    key_page: str
    """Where its owner makes and edits keys."""
    time: Call
    permissions: Call
    my_address: Call | None
    """What answers the address a question came from; `None` where nothing does."""
    read_time: Callable[[bytes], int] | None
    """An answer's body → the exchange's time in milliseconds; `None` where no time is signed."""
    read_permissions: Callable[..., Probe]
    """A body, `at=` → what it proves. Raises `NotUnderstood`."""
    read_key: Callable[[bytes], str] | None
    """The same body → the key it is about, empty where that is not told; `None` where it never is."""
    read_address: Callable[[bytes], str] | None
    foreign_address: bytes
    """What stands in its refusal of a key at an address that is not on its list."""
    budget: Budget
    boxes: dict[Right, str]
    """What the box of each right is called on its page."""
    filter_name: str
    """What the list of addresses is called on its page."""


def parsed(exchange: Exchange, body: bytes) -> Any:
    """Return a JSON object or array with one reading. Raises `NotUnderstood`."""
    try:
        return strict_json.loads(body)
    except Invalid:
        raise not_understood(exchange) from None


def not_understood(exchange: Exchange, what: str = "") -> NotUnderstood:
    """Return the error for an answer whose `what` is not as documented; `what` is a field's name, never its value."""
    return NotUnderstood(
        "{exchange} answered in a way that is not known here",
        hint="nothing was taken from it. If it happens again, look whether there is a newer version of Keywright",
        exchange=exchange.title,
        what=what,
    )


def whole(value: Any) -> int | None:
    """Return a whole number, or `None` for anything else: `true` is no 1."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: Any) -> int | None:
    """Return a time in milliseconds, or `None` for what is none of the calendar's."""
    time = whole(value)
    return time if time is not None and 0 <= time <= LAST_MOMENT else None
