"""Which requests can be signed without ambiguity on Bitfinex's wire, which joins path, nonce and body with nothing between.

Rule 1: what is not canonical is refused, never normalised. Two readers of an accepted request agree on it.
Rule 2: equal payloads mean equal (path, nonce, body). The tests show it for every form of a hostile alphabet.
A body begins with `{` or `[`, which no path holds. So only the digits at a path's end and the nonce's can be cut in two
ways, and of two cuts the earlier always fails: after a path's lone `0` (`tBTCF0:USTF0`) its nonce would begin with `0`,
after any other digit its nonce would have more than 16 digits, because there the later one must have all 16.
"""

from __future__ import annotations

import re

from keywright.protocol import canonical
from keywright.protocol.refusal import Reason, Refused

LARGEST_NONCE = 2**53 - 1
"""Bitfinex's own bound. A key that has used it takes no further request, ever."""
HIGHEST_TAKEN = 2**52
"""What a receiver takes, unless told otherwise. A clock counting microseconds stays below until 2112; a key that went
above would be lost to every client that counts by the clock, and soon to all."""

FULL = 16
"""Digits of a nonce in microseconds, from 2001 to 2286, and of the largest."""

KEY_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""What a key id may be made of, anywhere. Bitfinex's own were 43 letters and digits; today's length is not documented."""

SIGNED = b"/v2/auth/"
"""How the path of every signed call begins. It is signed with `/api` before it."""

_PATH = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-:/"
_DIGITS = b"0123456789"
_NONCE = re.compile(rb"[1-9][0-9]{0,15}")


def check_target(method: str, target: bytes) -> None:
    """Do nothing if method and target have one reading only.

    A signed call is a POST and has no query: neither is in the MAC. Others, which nobody signs, may be a GET with one.
    Raises `Refused` with METHOD_NOT_ALLOWED or TARGET_NOT_CANONICAL.
    """
    path, mark, query = target.partition(b"?")
    signed = path.startswith(SIGNED)
    allowed = ["POST"] if signed else ["GET", "POST"]
    if method not in allowed:
        raise Refused(Reason.METHOD_NOT_ALLOWED, allowed=allowed)
    if signed and mark:
        raise _not_canonical("a signed call has no query, not even '?': no signature covers it. Use the body")
    _check_path(path)
    if query:
        canonical.read_target(b"/?" + query)


def check_signed(method: str, target: bytes) -> None:
    """Do nothing if method and target are those of a signed call. Raises as `check_target` does."""
    check_target(method, target)
    if not target.startswith(SIGNED):
        raise _not_canonical("the path of a signed call begins with '/v2/auth/'")
    if method != "POST":
        raise Refused(Reason.METHOD_NOT_ALLOWED, allowed=["POST"])


def read_nonce(value: bytes) -> int:
    """Return the nonce that a header holds: 1 to 2^53 - 1, in digits, without a leading zero.

    Raises `Refused(NONCE_MALFORMED)`.
    """
    if not _NONCE.fullmatch(value) or (nonce := int(value)) > LARGEST_NONCE:
        looks = "nanoseconds" if len(value) == 19 and value.isdigit() else ""
        raise Refused(Reason.NONCE_MALFORMED, unit=looks)
    return nonce


def check_seam(path: bytes, nonce: bytes) -> None:
    """Do nothing if nobody could take a digit at the end of `path` for the beginning of `nonce`, or the other way round.

    Raises `Refused(NONCE_MALFORMED, rule=…)`.
    """
    last = path[len(path.rstrip(_DIGITS)) :]
    if last not in {b"", b"0"} and len(nonce) != FULL:
        rule = "after a path that ends in a digit (other than a lone 0) a nonce has 16 digits: microseconds since 1970"
        raise Refused(Reason.NONCE_MALFORMED, rule=rule)


def payload(path: bytes, nonce: bytes, body: bytes) -> bytes:
    """Return the bytes whose MAC signs a request."""
    return b"/api%b%b%b" % (path, nonce, body)


def nonce_above(nonce: int, *, last_nonce: int, highest: int = HIGHEST_TAKEN) -> None:
    """Do nothing if `nonce` is above the highest that its key has used, 0 for a key never used.

    To be asked once the signature holds: the refusal tells `last_nonce`. Who keeps that number keeps it for good and
    never lets it fall. Raises `Refused(NONCE_NOT_INCREASING, nonce=…, last_nonce=…)`, or
    `Refused(NONCE_MALFORMED, highest=…)` for one that would use up what is left for this key.
    """
    if nonce > highest:
        raise Refused(Reason.NONCE_MALFORMED, nonce=nonce, highest=highest)
    if nonce <= last_nonce:
        raise Refused(Reason.NONCE_NOT_INCREASING, nonce=nonce, last_nonce=last_nonce)


def _check_path(path: bytes) -> None:
    if not path.startswith(b"/"):
        raise _not_canonical("the target must begin with '/': no scheme, no host")
    if odd := path.translate(None, _PATH):
        name = f"'{chr(odd[0])}'" if 0x20 < odd[0] < 0x7F else f"the byte 0x{odd[0]:02X}"
        raise _not_canonical(f"the path holds {name}: only A-Z a-z 0-9 . _ ~ - : and / stand in a path")
    if b"//" in path:
        raise _not_canonical("the path holds '//'")
    if b"/./" in (ended := path + b"/") or b"/../" in ended:
        raise _not_canonical("the path holds a '.' or '..' segment")


def _not_canonical(rule: str) -> Refused:
    return Refused(Reason.TARGET_NOT_CANONICAL, rule=rule)
