"""KuCoin: how the keys of a sub-account are listed, made and deleted with a key of its master account. Pure.

Sources: docs/rest/account/sub-account-api (create, list, delete), docs-new/authentication (what of a target is signed), spec of
the universal SDK (openapi-account-subaccount.json). Each of the calls takes a main account's key with General.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from keywright.errors import Conflict, Invalid
from keywright.protocol.prepared import compact_json
from keywright.secret import Secret
from keywright.vault import pasted
from keywright.vault.evidence import Credentials, Exchange, SubKey, WantedKey
from keywright.vault.venues.kucoin import data_of
from keywright.vault.venues.venue import Call, not_understood, whole

_US = Exchange.KUCOIN
_PATH = b"/api/v1/sub/api-key"

SETTABLE = frozenset({"General", "Spot", "Futures", "Margin"})
"""What a sub-account's key can be given. InnerTransfer could be, too: it moves money out of the account, and is never asked for."""

MOST_ADDRESSES = 20
REMARK_MAX = 24

# A passphrase travels in the query of DELETE. What has to be percent-encoded there is signed before it is encoded, as their
# page says, and other clients sign it after: these characters read the same both ways.
_PLAIN_IN_A_QUERY = re.compile(r"[A-Za-z0-9._~!$'()*,;:@/?-]+")
_SUB_NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def listing(sub_account: str) -> Call:
    """Return the question which keys a sub-account has. Raises `Invalid`."""
    return Call("GET", _PATH + b"?" + urlencode({"subName": _named(sub_account)}).encode())


def making(wanted: WantedKey) -> Call:
    """Return the call that makes a key, one that never expires: who rotates it deletes it. Raises `Invalid`."""
    if not 1 <= len(wanted.remark) <= REMARK_MAX:
        raise Invalid("a remark has 1 to {most} characters", most=REMARK_MAX)
    if not wanted.addresses:
        raise Invalid("a key is made for named addresses only", hint="find out which address its requests leave from")
    if len(wanted.addresses) > MOST_ADDRESSES:
        raise Invalid("a key of {exchange} takes at most {most} addresses", exchange=_US.title, most=MOST_ADDRESSES)
    body = {
        "subName": _named(wanted.sub_account),
        "passphrase": wanted.passphrase.reveal_text(),
        "remark": wanted.remark,
        "permission": wanted.permission,
        "ipWhitelist": ",".join(wanted.addresses),
        "expire": "-1",
    }
    return Call("POST", _PATH, compact_json(body))


def deleting(sub_account: str, key: str, passphrase: Secret) -> Call:
    """Return the call that deletes a key. Its passphrase stands in the target: this is never logged or shown.

    Raises `Conflict` for a passphrase that could be read in two ways there.
    """
    text = passphrase.reveal_text()
    if not _PLAIN_IN_A_QUERY.fullmatch(text):
        raise Conflict(
            "this key can't be deleted from here: its passphrase has characters that can't stand in an address",
            hint="delete it on its page at {exchange}, then go on",
            exchange=_US.title,
        )
    plain = f"apiKey={key}&subName={_named(sub_account)}&passphrase={text}"
    return Call("DELETE", _PATH + b"?" + plain.encode())


def read_list(body: bytes) -> tuple[SubKey, ...]:
    """Return the keys of a sub-account. Raises `NotUnderstood`."""
    data = data_of(body)
    if not isinstance(data, list):
        raise not_understood(_US, "data")
    return tuple(_listed(one) for one in data)


def read_made(body: bytes, wanted: WantedKey) -> Credentials:
    """Return the key that was made, with the passphrase that was asked for. Raises `NotUnderstood`."""
    data = data_of(body)
    if not isinstance(data, dict):
        raise not_understood(_US, "data")
    key, secret = data.get("apiKey"), data.get("apiSecret")
    if not isinstance(key, str) or not isinstance(secret, str):
        raise not_understood(_US, "apiSecret")
    try:
        return pasted.credentials(_US, key=key, secret=Secret(secret), passphrase=wanted.passphrase)
    except Invalid:
        raise not_understood(_US, "apiSecret") from None


def copied(permission: str) -> str:
    """Return what a new key is to be given so that it may do what this one may. Raises `Conflict` where that can't be asked for."""
    held = [token.strip() for token in permission.split(",") if token.strip()]
    beyond = [token for token in held if token not in SETTABLE]
    if beyond or not held:
        raise Conflict(
            "{exchange} makes no key of a sub-account with these rights: {rights}",
            hint="make the new key on its page, and rotate with that",
            exchange=_US.title,
            rights=", ".join(beyond) or "–",
        )
    return ",".join(held)


def _listed(one: object) -> SubKey:
    if not isinstance(one, dict):
        raise not_understood(_US, "data")
    key, remark, permission = one.get("apiKey"), one.get("remark", ""), one.get("permission", "")
    if not isinstance(key, str) or not isinstance(remark, str) or not isinstance(permission, str):
        raise not_understood(_US, "apiKey")
    return SubKey(key, remark, permission, whole(one.get("createdAt")))


def _named(sub_account: str) -> str:
    if not _SUB_NAME.fullmatch(sub_account):
        raise Invalid("this can't be the name of a sub-account of {exchange}", exchange=_US.title)
    return sub_account
