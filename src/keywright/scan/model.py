"""What a scan finds, and where. Pure.

Rule: nothing here holds a secret. A finding knows the shape of what was found, and a digest that recognises it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """Which part of an exchange's credentials it is."""

    KEY = "key"
    SECRET = "secret"
    PASSPHRASE = "passphrase"


class Rule(StrEnum):
    """Why something is taken for a credential. Stable strings: baselines and SARIF name them."""

    HELD = "held"
    """It is one that this vault holds, or that this server issued: there is nothing to guess."""
    NAMED = "named"
    """It has the exchange's shape, and its name says whose it is: `KUCOIN_API_KEY=…`, `KC-API-KEY: …`."""
    NEAR = "near"
    """It has the shape, its name says what it is, and the exchange is named close by."""
    PAIRED = "paired"
    """It has the shape, and so has its other half, close by; the exchange is named there too."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One credential in one text."""

    exchange: str
    part: Part
    rule: Rule
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    shown: str
    """What may be shown of it: the ends of a key's id, the length of a secret."""
    digest: str
    """The same for the same credential. Of a passphrase only where it stands is digested: passphrases can be guessed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit and the file it is in."""

    path: str
    hit: Hit
    commit: str = ""
    """The commit that brought it, in a history."""
