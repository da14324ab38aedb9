"""Where withdrawals go: one spelling of currency, network, address and memo, and of amounts. Pure.

The syntax of an address is looked at to catch slips; no check here says that someone owns it or that it exists.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from keywright.errors import Invalid

CURRENCY = re.compile(r"[A-Z0-9]{1,16}", re.ASCII)
CHAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
ADDRESS = re.compile(r"[!-~]{4,128}", re.ASCII)
MEMO = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?", re.ASCII)
AMOUNT = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?", re.ASCII)
"""No sign, no exponent, no separator: two readers see one number."""
LABEL_MAX = 40

_BASE58 = "1-9A-HJ-NP-Za-km-z"
_HEX = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
SHAPES: dict[str, re.Pattern[str]] = {
    "eth": _HEX,
    "kcc": _HEX,
    "btc": re.compile(rf"bc1[02-9ac-hj-np-z]{{8,87}}|[13][{_BASE58}]{{25,34}}", re.ASCII),
    "trx": re.compile(rf"T[{_BASE58}]{{33}}", re.ASCII),
    "sol": re.compile(rf"[{_BASE58}]{{32,44}}", re.ASCII),
    "ton": re.compile(r"[EUk0]Q[A-Za-z0-9_-]{46}|-?[0-9]:[0-9a-fA-F]{64}", re.ASCII),
}
"""What addresses look like on networks we know; on others any printable text is taken."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A place that money can be sent to."""

    currency: str
    chain: str
    """The network's id, lower case: `trx`, `eth`."""
    address: str
    memo: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What two spellings of one destination have in common: the case of hexadecimal digits is a checksum at most."""
        address = self.address.lower() if _HEX.fullmatch(self.address) else self.address
        return self.currency, self.chain, address, self.memo


def destination(currency: str, chain: str, address: str, memo: str = "") -> Destination:
    """Return the destination in the one spelling it is kept in; raises `Invalid` naming what can't be right."""
    currency, chain = currency.strip().upper(), chain.strip().lower()
    if not CURRENCY.fullmatch(currency):
        raise Invalid("that is no currency", hint="write its code, like USDT", field="currency")
    if not CHAIN.fullmatch(chain):
        raise Invalid("that is no network", hint="write its id as the exchange does, like trx", field="chain")
    if not ADDRESS.fullmatch(address):
        raise Invalid("an address has no spaces and at most 128 plain characters", field="address")
    shape = SHAPES.get(chain)
    if shape is not None and not shape.fullmatch(address):
        raise Invalid(
            "that does not look like an address on {chain}",
            hint="copy it again from where the money is to go",
            field="address",
            chain=chain,
        )
    if memo and not MEMO.fullmatch(memo):
        raise Invalid("a memo is one line of at most 128 plain characters", field="memo")
    return Destination(currency, chain, address, memo)


def amount(text: str, *, field: str = "amount") -> str:
    """Return an amount above zero in the one spelling of it: no zeros that say nothing. Raises `Invalid`."""
    if not AMOUNT.fullmatch(text):
        raise Invalid("an amount is a plain number, like 250 or 0.05", field=field)
    whole, _, fraction = text.partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    if whole == "0" and not fraction:
        raise Invalid("an amount is above zero", field=field)
    return f"{whole}.{fraction}" if fraction else whole


def label(text: str) -> str:
    """Return what an address is called; raises `Invalid` for nothing, too much, or what can't be read aloud."""
    name = unicodedata.normalize("NFC", " ".join(text.split(" "))).strip()
    if not 1 <= len(name) <= LABEL_MAX or any(unicodedata.category(one)[0] in "CZ" and one != " " for one in name):
        raise Invalid("a name has 1 to {most} characters, on one line", field="label", most=LABEL_MAX)
    return name
