"""The sub-accounts of KuCoin's double, and their keys: listed, made, edited and deleted by a key of the main account.

As docs/rest/account/sub-account-api has it, and openapi-account-subaccount.json of Kucoin/kucoin-universal-sdk: which
parameters there are and how long each may be, that the secret is told once, that lists show addresses in part and no secret,
that permission and addresses are set anew by an edit, and that DELETE takes its parameters, the passphrase too, in the query.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.doubles.exchange import DoubleKey

if TYPE_CHECKING:
    from tests.doubles.kucoin import KucoinDouble

PERMISSIONS = {"General", "Spot", "Futures", "Margin", "InnerTransfer"}
EXPIRE = {"-1", "30", "90", "180", "360"}
DAY_MS = 24 * 60 * 60 * 1000


class SubAccounts:
    """The sub-accounts by name. A key of one is a key of the double's with its name among its rights."""

    def __init__(self, double: KucoinDouble) -> None:
        self._double = double
        self.names: set[str] = set()

    def new_key(self, sub_name: str, *permissions: str, remark: str = "bot", **rest: Any) -> DoubleKey:
        """Give out a key of a sub-account, as its page would."""
        self.names.add(sub_name)
        made = self._double.new_key(*permissions, **rest)
        made.rights |= {"subName": sub_name, "isMaster": False, "remark": remark}
        return made

    def of(self, sub_name: str) -> list[DoubleKey]:
        """Return the keys of a sub-account that are there."""
        return [one for one in self._double.keys.values() if one.rights.get("subName") == sub_name and not one.deleted]

    def serve(self, method: str, path: str, target: bytes, body: bytes) -> object | None:
        """Return what is answered, `None` for parameters that won't do."""
        given: dict[str, Any]
        if method == "POST":
            given = json.loads(body)
        else:
            given = dict(parse_qsl(target.decode().partition("?")[2], keep_blank_values=True))
        if given.get("subName") not in self.names:
            return None
        if path == "/api/v1/sub/api-key/update":
            return self._edit(given)
        return {"GET": self._list, "POST": self._make, "DELETE": self._delete}[method](given)

    def _list(self, given: dict[str, Any]) -> object:
        there = [one for one in self.of(given["subName"]) if given.get("apiKey") in (None, one.key)]
        return [self._told(one) for one in there]

    def _told(self, key: DoubleKey) -> dict[str, Any]:
        return self._double.told(key) | {"uid": 215112467, "isMaster": False}

    def _make(self, given: dict[str, Any]) -> object | None:
        passphrase, remark = given.get("passphrase", ""), given.get("remark", "")
        held = self._rights(given)
        addresses = self._addresses(given)
        expire = given.get("expire", "-1")
        if not 7 <= len(passphrase) <= 32 or " " in passphrase or not 1 <= len(remark) <= 24:
            return None
        if held is None or addresses is None or expire not in EXPIRE:
            return None
        key = DoubleKey(uuid.uuid4().hex[:24], str(uuid.uuid4()), passphrase)
        key.rights = {"permission": held, "subName": given["subName"], "isMaster": False, "remark": remark}
        key.addresses, key.created_at = addresses, self._double.now
        key.expires_at = None if expire == "-1" else self._double.now + int(expire) * DAY_MS
        self._double.add(key)
        return {
            "subName": given["subName"],
            "remark": remark,
            "apiKey": key.key,
            "apiSecret": key.secret,
            "apiVersion": 3,
            "passphrase": passphrase,
            "permission": held,
            "createdAt": key.created_at,
        }

    def _edit(self, given: dict[str, Any]) -> object | None:
        key, held, addresses = self._named(given), self._rights(given), self._addresses(given)
        if key is None or held is None or addresses is None:
            return None
        key.rights["permission"], key.addresses = held, addresses
        return {"subName": given["subName"], "apiKey": key.key, "permission": held}

    def _delete(self, given: dict[str, Any]) -> object | None:
        key = self._named(given)
        if key is None:
            return None
        key.deleted = True
        return {"subName": given["subName"], "apiKey": key.key}

    def _named(self, given: dict[str, Any]) -> DoubleKey | None:
        there = (one for one in self.of(given["subName"]) if one.key == given.get("apiKey"))
        return next((one for one in there if one.passphrase == given.get("passphrase")), None)

    def _rights(self, given: dict[str, Any]) -> str | None:
        held = [one.strip() for one in given.get("permission", "General").split(",")]
        return ",".join(held) if set(held) <= PERMISSIONS else None

    def _addresses(self, given: dict[str, Any]) -> tuple[str, ...] | None:
        listed = tuple(filter(None, given.get("ipWhitelist", "").split(",")))
        return listed if len(listed) <= 20 else None
