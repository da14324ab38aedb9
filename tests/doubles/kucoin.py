"""KuCoin's double: what its keys may do, its clock, its own words.

Texts and statuses: `K` numbers cite spec rows by their public source.
  K1 docs-new/authentication · K2 github.com/Kucoin/kucoin-universal-sdk spec/rest/api/openapi-account-account.json
  K3 github.com/Kucoin/kucoin-python-sdk/issues/82 (400002) · K4 client logs in emmtte/Cryptocurrency-Portfolio#56 (400004)
  K5 ccxt/ccxt#4685 (400005) · K6 Kucoin/kucoin-api-docs#395 (400006) · K7 ccxt/ccxt#7199 (400007)
  K8 sieblyio/kucoin-api#44 (400001) · K9 docs-new/rate-limit (429000) · K10 www.kucoin.com/docs-broker/3470563e0 (masks)
  K11 docs/rest/account/sub-account-api/{create,get,delete}-sub-account-api, openapi-account-subaccount.json of K2. What is
  refused there, and in which words, they don't say: parameters that break their rules are answered as any wrong parameter.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.doubles.exchange import Double, DoubleKey, Said
from tests.doubles.kucoin_sub_keys import SubAccounts

WINDOW_MS = 5_000  # K1: the request's time must be within five seconds
_PEPPER = Secret("of the double")

SAYINGS = {
    "400001": (  # K8
        400,
        "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE",
    ),
    "400002": (400, "Invalid KC-API-TIMESTAMP"),  # K3
    "400003": (401, "KC-API-KEY not exists"),
    "400004": (401, "Invalid KC-API-PASSPHRASE"),  # K4
    "400005": (401, "Invalid KC-API-SIGN"),  # K5
    "400006": (403, "Invalid request ip, the current clientIp is:{peer}"),  # K6
    "400007": (403, "Access denied, require more permission."),  # K7
    "400100": (400, "Parameter Error"),
    "411100": (200, "User is frozen"),
    "429000": (429, "Too many requests. User-level rate limit exceeded."),  # K9
    "404": (404, "Not Found"),
}


class KucoinDouble(Double):
    """KuCoin, spot."""

    name = "kucoin"

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        super().__init__(clock)
        self.sub_accounts = SubAccounts(self)

    def new_key(self, *permissions: str, **rest: Any) -> DoubleKey:
        """Give out a key; without permissions one that reads and trades."""
        rest.setdefault("passphrase", "Abc12345678")
        made = DoubleKey(uuid.uuid4().hex[:24], str(uuid.uuid4()), **rest)
        made.rights = {"permission": ",".join(permissions or ("General", "Spot"))}
        return self.add(made)

    def answer(self, request: Request) -> Said:
        path = request.path.decode()
        if path == "/api/v1/timestamp":  # K2 "Get Server Time"
            return ok(self.now)
        if path == "/api/v1/my-ip":
            return ok(request.peer)
        try:
            claim = _DIALECT.read(request, body_allowed=False)
        except Refused as refused:
            missing = {Reason.HEADER_MISSING, Reason.HEADER_REPEATED}
            return refuse("400001" if refused.reason in missing else "400002")
        if abs(claim.timestamp_ms - self.now) >= WINDOW_MS:
            return refuse("400002")
        key = self.keys.get(claim.key_id)
        if key is None or key.deleted or (key.expires_at is not None and key.expires_at <= self.now):
            return refuse("400003")
        if not key.works_from(request.peer or ""):
            return refuse("400006", peer=request.peer)
        # The passphrase comes before the signature (K1 names the codes in that order). Its header is made with the secret,
        # so that a wrong secret is called a wrong passphrase.
        proof = _DIALECT.passphrase_header(key.secret_bytes, Secret(key.passphrase))
        if request.header(b"kc-api-passphrase") != (proof,):
            return refuse("400004")
        try:
            digest = _DIALECT.passphrase_digest(_PEPPER, proof)
            _DIALECT.check(claim, secret=key.secret_bytes, passphrase_digest=digest, pepper=_PEPPER)
        except Refused:
            return refuse("400005")
        return self._serve_key(request, key, path)

    def _serve_key(self, request: Request, key: DoubleKey, path: str) -> Said:
        held = key.rights["permission"].split(",")
        if path == "/api/v1/user/api-key":  # K2 "Get Apikey Info"
            return ok(self.told(key)) if "General" in held else refuse("400007")
        if path.startswith("/api/v1/sub/api-key"):  # K11: each of them takes General, of a main account's key
            if "General" not in held or "subName" in key.rights:
                return refuse("400007")
            made = self.sub_accounts.serve(request.method, path, request.target, request.body)
            return refuse("400100") if made is None else ok(made)
        if request.method == "GET" and path.startswith("/api/v1/"):
            return ok([]) if "General" in held else refuse("400007")
        if path.startswith(("/api/v1/hf/orders", "/api/v1/orders")):
            order = {"orderId": uuid.uuid4().hex[:24], "clientOid": ""}
            return ok(order) if "Spot" in held else refuse("400007")
        if path.startswith(("/api/v3/withdrawals", "/api/v1/withdrawals")):
            return ok({"withdrawalId": uuid.uuid4().hex[:24]}) if "Transfer" in held else refuse("400007")
        return Said(404, json.dumps({"code": "404", "msg": "Not Found", "retry": False, "success": False}).encode())

    def told(self, key: DoubleKey) -> dict[str, Any]:
        """Return what the key is told of itself: its list of addresses in part, and not at all where there is none."""
        listed = {"ipWhitelist": ",".join(masked(one) for one in key.addresses)} if key.addresses else {}
        return {
            "remark": "bot",
            "apiKey": key.key,
            "apiVersion": 3,
            "uid": 165111215,
            "createdAt": key.created_at,
            "isMaster": True,
            **key.rights,
            **listed,
        }


def masked(address: str) -> str:
    """Return an address as KuCoin shows it: `123.**.123` for 123.123.123.123 (K10)."""
    octets = address.split(".")
    return f"{octets[0]}.**.{octets[-1]}"


def ok(data: object) -> Said:
    return Said(200, json.dumps({"code": "200000", "data": data}).encode())


def refuse(code: str, **values: object) -> Said:
    status, text = SAYINGS[code]
    return Said(status, json.dumps({"code": code, "msg": text.format_map(values)}).encode())


_DIALECT = KucoinDialect()
