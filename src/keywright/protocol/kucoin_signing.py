"""The sender's side of KuCoin's wire: `KucoinSigner` holds one credential ready and signs with it.

What does not change from request to request (key, passphrase header, version, the MAC's key states) is made once.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn, final

from keywright.errors import Invalid
from keywright.protocol import canonical
from keywright.protocol.canonical import METHODS
from keywright.protocol.message import SignedRequest
from keywright.protocol.native import made
from keywright.protocol.prepared import compact_json, mac_key
from keywright.protocol.refusal import Refused
from keywright.secret import Secret

PREFIX = "KC-API-"
_KEY_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# Thirteen digits, which is what the wire takes; from September 2001 to November 2286.
_EARLIEST_MS, _LATEST_MS = 10**12, 10**13 - 1
_MOST_KEPT, _LONGEST_KEPT = 512, 256
_CONTENT_TYPE = (b"content-type", b"application/json")  # KuCoin answers 415 without it
# With what the body of a method may begin: with nothing on a method that takes none.
_BEGINNINGS = {method: frozenset(b"" if method in {"GET", "HEAD"} else b"{[") for method in METHODS}


_Start = tuple[bytes, bytes, frozenset[int]]
"""What is signed after the timestamp; the target; with what a body may begin."""


@final
class KucoinSigner:
    """Signs requests with one key.

    Raises `Invalid` for what can't be the id of a key, for other versions than 1, 2 and 3 and for a header prefix that
    is none.
    """

    __slots__ = ("_known", "_ready")

    def __init__(
        self, key: str, secret: Secret, passphrase: Secret, *, version: int = 3, header_prefix: str = PREFIX
    ) -> None:
        if version not in {1, 2, 3}:
            raise Invalid("the versions of a key are 1, 2 and 3", field="version")
        if not is_key_id(key_id := as_bytes(key)):
            raise Invalid("this can't be the id of a key", field="key")
        names = header_names(header_prefix)
        mac = mac_key(secret)
        said = passphrase.reveal() if version == 1 else mac.base64(passphrase.reveal())
        # In one tuple, taken apart where it is used: that is quicker than asking the object for each.
        self._ready = (
            mac.base64,
            (names["KEY"], key_id),
            names["SIGN"],
            names["TIMESTAMP"],
            (names["PASSPHRASE"], said),
            (names["KEY-VERSION"], str(version).encode()),
        )
        self._known: dict[str, dict[bytes | str, _Start]] = {method: {} for method in METHODS}

    def sign(
        self, method: str, target: bytes | str, body: bytes | dict[str, Any] | list[Any] = b"", *, now_ms: int
    ) -> SignedRequest:
        """Return the request signed as it must be sent.

        `target` is percent-encoded already and is signed in that form; an object or array given as `body` becomes
        compact JSON. Raises `Invalid` for a request that `read` would refuse (the content of a JSON body given as bytes
        is not looked at), and for a time that has not 13 digits.
        """
        try:
            start, raw, beginnings = self._known[method][target]
        except KeyError:
            start, raw, beginnings = self._look_at(method, target)
        if not _EARLIEST_MS <= now_ms <= _LATEST_MS:
            raise Invalid("a timestamp is milliseconds since 1970, 13 digits", field="now_ms")
        stamp = b"%d" % now_ms
        mac, key, sign, timestamp, passphrase, version = self._ready
        if body == b"":
            headers = (key, (sign, mac(stamp + start)), (timestamp, stamp), passphrase, version)
            return made(SignedRequest, (method, raw, headers, b""))
        if not isinstance(body, bytes):
            body = compact_json(body)
        if body[0] not in beginnings:
            raise _unsignable("a body begins with '{' or '[', and there is none on GET and HEAD")
        signature = mac(stamp + start + body)
        with_type = (key, (sign, signature), (timestamp, stamp), passphrase, version, _CONTENT_TYPE)
        return made(SignedRequest, (method, raw, with_type, body))

    def _look_at(self, method: str, target: bytes | str) -> _Start:
        """Return what is known of method and target once both were found to be canonical, and remember it: a bot asks for
        few targets, again and again."""
        raw = as_bytes(target)
        try:
            canonical.check_method(method)
            canonical.read_target(raw)
        except Refused as refused:
            raise _unsignable(refused.facts.get("rule", refused.reason.value)) from refused
        start = METHODS[method] + raw, raw, _BEGINNINGS[method]
        if len(raw) <= _LONGEST_KEPT and b"pass" not in raw.lower():  # KuCoin has a call with a passphrase in its query
            known = self._known[method]
            if len(known) >= _MOST_KEPT:
                known.clear()
            known[target] = start
        return start

    def __repr__(self) -> str:
        return "KucoinSigner(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a KucoinSigner can't be pickled or copied")


def header_names(prefix: str) -> dict[str, bytes]:
    """Return the names of our headers in lower case by their short names.

    Raises `Invalid` for a prefix that is not letters, digits and hyphens, ending in a hyphen.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,30}-", prefix):
        raise Invalid("a header prefix is letters, digits and hyphens and ends in '-'", field="header_prefix")
    names = ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE", "KEY-VERSION")
    return {name: f"{prefix}{name}".lower().encode() for name in names}


def is_key_id(text: bytes) -> bool:
    """Tell whether this is made of what a key id may be made of, anywhere. A NUL, which PostgreSQL would not take in a
    query, never gets that far."""
    return (text.isalnum() and len(text) <= 128) or _KEY_ID.fullmatch(text) is not None


def as_bytes(text: bytes | str) -> bytes:
    """Return `text` as UTF-8. Half a surrogate pair becomes bytes that stand neither in an id nor in a target."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _unsignable(why: str) -> Invalid:
    return Invalid(f"this request can't be signed: {why}")
