"""What the words that connections keep are called at a terminal: rights, and what a connection is suspended for."""

from __future__ import annotations

from keywright.posture.rules import in_words
from keywright.vault.model import ASKED

_REASONS = {
    "denied": "the exchange did not take the key ({what})",
    "exit": "money could leave ({what})",
    "unknown_right": "it may do something that is not known here",
    "beyond_trading": "it may do more than trade ({what})",
    "no_address_filter": "it works from any address",
    "other_address": "it is bound to other addresses",
    "not_provable": "nobody can prove what it may do ({what})",
}
"""By the first word of a reason; the second is the right, or the verdict."""


def right(name: str) -> str:
    """Return what a right is called: `internal transfer`."""
    return "bound to addresses" if name == "address_filter" else in_words(name)


def reason(code: str) -> str:
    """Return what a connection is suspended for: of `exit withdraw`, that money could leave."""
    if code == ASKED:
        return "you suspended it"
    kind, _, what = code.partition(" ")
    return _REASONS[kind].format(what=right(what)) if kind in _REASONS else code
