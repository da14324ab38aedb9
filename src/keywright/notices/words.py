"""Words of Keywright's own that stand as values in errors and notices: they are said in the reader's language.

Which they are is told by the value's name. What people typed or named stands under other names, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from gettext import NullTranslations


def word(_name: str, text: str) -> str:
    """Return the word as it is: a mark for extraction, like `marked`."""
    return text


def context_of(name: str) -> str:
    """Return the context that the words of a value have in the catalogues."""
    return f"value {name}"


def in_words(name: str, value: str, texts: NullTranslations) -> str:
    """Return a value as this language says it; as it is, where it is no word of ours."""
    return texts.pgettext(context_of(name), value) if value in WORDS.get(name, ()) else value


WORDS: Mapping[str, tuple[str, ...]] = {
    "status": (
        word("status", "pending"),
        word("status", "active"),
        word("status", "disabled"),
        word("status", "expired"),
        word("status", "deleted"),
    ),
    "state": (
        word("state", "waiting"),
        word("state", "confirmed"),
        word("state", "refused"),
        word("state", "expired"),
        word("state", "consumed"),
    ),
    "to": (
        word("to", "make a key"),
        word("to", "change a key's addresses"),
        word("to", "change a passphrase"),
        word("to", "enable a key"),
        word("to", "delete a key"),
        word("to", "rotate a key"),
        word("to", "make a sub-account"),
        word("to", "lift a freeze"),
        word("to", "set a trading password"),
        word("to", "give the trading password"),
        word("to", "hold a key"),
        word("to", "replace a held key"),
        word("to", "remove a held key"),
        word("to", "rotate a held key"),
        word("to", "use a connection again"),
        word("to", "roll a rotation back"),
        word("to", "finish a rotation"),
        word("to", "name a master connection"),
    ),
    "permissions": (
        word("permissions", "read"),
        word("permissions", "trade"),
        word("permissions", "transfer"),
        word("permissions", "withdraw"),
    ),
    "environment": (
        word("environment", "spot"),
        word("environment", "futures"),
    ),
    "right": (
        word("right", "read"),
        word("right", "trade"),
        word("right", "margin"),
        word("right", "futures"),
        word("right", "options"),
        word("right", "portfolio margin"),
        word("right", "trade by FIX"),
        word("right", "read by FIX"),
        word("right", "earn"),
        word("right", "lend"),
        word("right", "lead trading"),
        word("right", "internal transfer"),
        word("right", "universal transfer"),
        word("right", "withdraw"),
        word("right", "change settings"),
        word("right", "payments"),
        word("right", "something not known here"),
    ),
    "by": (word("by", "its owner"),),
    "reason": (
        word("reason", "malformed"),
        word("reason", "headers too large"),
        word("reason", "body too large"),
        word("reason", "length required"),
        word("reason", "method not allowed"),
        word("reason", "target not canonical"),
        word("reason", "body not allowed"),
        word("reason", "body malformed"),
        word("reason", "route unknown"),
        word("reason", "header missing"),
        word("reason", "header repeated"),
        word("reason", "timestamp malformed"),
        word("reason", "timestamp out of window"),
        word("reason", "nonce malformed"),
        word("reason", "nonce not increasing"),
        word("reason", "key version unknown"),
        word("reason", "key version off"),
        word("reason", "key unknown"),
        word("reason", "signature mismatch"),
        word("reason", "passphrase mismatch"),
        word("reason", "key pending"),
        word("reason", "key disabled"),
        word("reason", "key replaced"),
        word("reason", "key expired"),
        word("reason", "key other environment"),
        word("reason", "key frozen"),
        word("reason", "key altered"),
        word("reason", "address not allowed"),
        word("reason", "permission missing"),
        word("reason", "permission frozen"),
        word("reason", "order limit"),
        word("reason", "replayed"),
        word("reason", "too many requests"),
        word("reason", "not sure"),
        word("reason", "upstream unreachable"),
    ),
}
"""Every such word, by the name of the value. Tests compare with the nouns themselves."""
