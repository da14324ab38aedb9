"""Bitfinex's double: scopes of a key, nonces that must rise, and one text for a bad key and a foreign address.

Sources: F1 docs.bitfinex.com/reference/key-permissions (rows) · F2 emmtte/Cryptocurrency-Portfolio#51 (apikey: invalid)
  F3 bitfinexcom/bitfinex-api-py#120 (nonce: small) · F4 docs.bitfinex.com/docs/rest-auth · F5 ccxt bitfinex.py (10001)
What it says to a foreign address no source has: the double says F2, which merges it with a bad key, as the vault must expect.
"""

from __future__ import annotations

import json
import secrets
import string

from keywright.protocol.bitfinex import BitfinexDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from tests.doubles.exchange import Double, DoubleKey, Said

# F1's scopes, for a key that reads and orders: (read, write).
TRADES = {
    "account": (1, 0),
    "history": (1, 0),
    "orders": (1, 1),
    "positions": (1, 0),
    "funding": (1, 0),
    "settings": (0, 0),
    "wallets": (1, 0),
    "withdraw": (0, 0),
    "ui_withdraw": (0, 0),
    "bfxpay": (0, 0),
}
_WRITES = {
    "order": "orders",
    "withdraw": "withdraw",
    "transfer": "wallets",
    "funding": "funding",
    "settings": "settings",
}


class BitfinexDouble(Double):
    """Bitfinex, version 2."""

    name = "bitfinex"

    def new_key(self, *, addresses: tuple[str, ...] = (), **scopes: tuple[int, int]) -> DoubleKey:
        """Give out a key that reads and orders; `scopes` change it."""
        made = DoubleKey(_alphanumeric(43), _alphanumeric(43), addresses=addresses)
        made.rights = dict(TRADES | scopes)
        return self.add(made)

    def answer(self, request: Request) -> Said:
        path = request.path.decode()
        if path == "/v2/platform/status":
            return Said(200, b"[1]")
        try:
            claim = _DIALECT.read(request)
        except Refused as refused:
            nonce = refused.reason is Reason.NONCE_MALFORMED
            return refuse(10114, "nonce: small") if nonce else refuse(10100, "apikey: invalid")
        key = self.keys.get(claim.key_id)
        if key is None or key.deleted or not key.works_from(request.peer or ""):
            return refuse(10100, "apikey: invalid")  # F2
        try:
            _DIALECT.check(claim, secret=key.secret_bytes)
        except Refused:
            return refuse(10100, "apikey: digest invalid")
        if claim.nonce <= key.last_nonce:
            return refuse(10114, "nonce: small")  # F3
        key.last_nonce = claim.nonce
        return self._serve_key(path, key)

    def _serve_key(self, path: str, key: DoubleKey) -> Said:
        if path == "/v2/auth/r/permissions":
            return Said(200, json.dumps([[scope, *flags] for scope, flags in key.rights.items()]).encode())
        if path.startswith("/v2/auth/w/"):
            scope = _WRITES.get(path.split("/")[4], "orders")
            return Said(200, b"[]") if key.rights[scope][1] else refuse(10001, "api_key: permission invalid")  # F5
        return Said(200, b"[]") if any(flags[0] for flags in key.rights.values()) else refuse(10001, "permission")


def refuse(code: int, text: str) -> Said:
    return Said(500, json.dumps(["error", code, text]).encode())  # F4: three elements, HTTP 500


def _alphanumeric(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


_DIALECT = BitfinexDialect()
