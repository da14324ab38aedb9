"""Binance's double: flags of a key, one text for a bad key, a foreign address and a missing right.

Sources: B1 binance/binance-spot-api-docs rest-api.md (timing, signatures) · B2 its errors.md (-1021, -1022, -2014, -2015)
  B3 developers.binance.com/docs/wallet/account/api-key-permission (apiRestrictions) · B4 Hephyrius/binance_futures_bot#3
  (`request ip`, on fapi) · B5 ccxt/ccxt#14993, #18653 (-2015 is 401, and 400 on /sapi) · B6 ccxt binance.py (-2008)
"""

from __future__ import annotations

import json
import secrets
import string

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from keywright.protocol.binance import BinanceDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from tests.doubles.exchange import Double, DoubleKey, Said

# B3, its own example turned into a key that trades spot from listed addresses.
TRADES = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}
NO_KEY = "Invalid API-key, IP, or permissions for action."


class BinanceDouble(Double):
    """Binance: spot, its wallet calls, and one futures path."""

    name = "binance"

    def new_key(self, *, addresses: tuple[str, ...] = ("127.0.0.1",), **flags: bool) -> DoubleKey:
        """Give out an HMAC key that reads and trades spot; `flags` change what it may do."""
        made = DoubleKey(_alphanumeric(64), _alphanumeric(64), addresses=addresses)
        made.rights = TRADES | {"ipRestrict": bool(addresses)} | flags
        return self.add(made)

    def new_ed25519_key(self, **flags: bool) -> DoubleKey:
        """Give out a key whose `secret` is a private key in PEM."""
        private = Ed25519PrivateKey.generate()
        made = self.new_key(**flags)  # type: ignore[arg-type]
        made.secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        made.public_key = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return made

    def answer(self, request: Request) -> Said:
        path = request.path.decode()
        if path in {"/api/v3/time", "/fapi/v1/time"}:  # B1 "Check server time"
            return Said(200, json.dumps({"serverTime": self.now}).encode())
        try:
            claim = _DIALECT.read(request)
            if not claim.key_id or len(claim.key_id) != 64:
                return refuse(401, -2014, "API-key format invalid.")  # B2
            _DIALECT.check_time(claim, now_ms=self.now)
        except Refused as refused:
            return _said(refused)
        key = self.keys.get(claim.key_id)
        ended = key is not None and key.expires_at is not None and key.expires_at <= self.now
        if key is None or key.deleted or not key.works_from(request.peer or ""):
            return no_key(path, request.peer)
        try:
            if key.public_key:
                _DIALECT.check(claim, public_key=key.public_key)
            else:
                _DIALECT.check(claim, secret=key.secret_bytes)
        except Refused:
            return refuse(400, -1022, "Signature for this request is not valid.")  # B2
        return self._serve_key(request, key, path, ended=ended)

    def _serve_key(self, request: Request, key: DoubleKey, path: str, *, ended: bool) -> Said:
        if path == "/sapi/v1/account/apiRestrictions":
            flags = dict(key.rights) | ({"enableSpotAndMarginTrading": False} if ended else {})
            times = {"tradingAuthorityExpirationTime": key.expires_at} if key.expires_at is not None else {}
            return Said(200, json.dumps({**flags, "createTime": key.created_at, **times}).encode())
        needed = "enableFutures" if path.startswith("/fapi/") else "enableReading"
        if request.method != "GET" and needed == "enableReading":
            needed = "enableWithdrawals" if "withdraw" in path else "enableSpotAndMarginTrading"
        if not key.rights[needed] or (ended and needed == "enableSpotAndMarginTrading"):
            return no_key(path, request.peer)
        return Said(200, b"{}")


def no_key(path: str, peer: str | None) -> Said:
    """Return the one refusal for all of it, as each part of Binance says it (B4, B5)."""
    if path.startswith("/fapi/"):
        return refuse(401, -2015, f"Invalid API-key, IP, or permissions for action, request ip: {peer}")
    return refuse(400 if path.startswith("/sapi/") else 401, -2015, NO_KEY)


def refuse(status: int, code: int, text: str) -> Said:
    return Said(status, json.dumps({"code": code, "msg": text}).encode())


def _said(refused: Refused) -> Said:
    if refused.reason is not Reason.TIMESTAMP_OUT_OF_WINDOW:
        return refuse(400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")  # B2
    if refused.facts.get("skew_ms", 0) > 0:
        return refuse(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")  # B2
    return refuse(400, -1021, "Timestamp for this request is outside of the recvWindow.")  # B2


def _alphanumeric(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


_DIALECT = BinanceDialect()
