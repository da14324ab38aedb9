"""KuCoin's wire: `KucoinDialect` signs requests, reads what one claims, checks the claim, and says a refusal.

The string to sign is timestamp, method, target and body with nothing between them; which requests that leaves
unambiguous is `canonical`'s subject, how each refusal is said is `kucoin_refusals`'.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from keywright.errors import Invalid
from keywright.protocol import canonical, kucoin_refusals
from keywright.protocol.message import Answer, Request, SignedRequest
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

LONGEST_VALUE = 512
"""Bytes of a header value that are looked at. An honest passphrase of version 1, 32 characters, has at most 128."""

_TIMESTAMP = re.compile(rb"[0-9]{13}")
# What a key id may be made of, anywhere. A NUL, which PostgreSQL would not take in a query, never gets that far.
_KEY_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_VERSIONS = {b"1": 1, b"2": 2, b"3": 3}
# Digits of a present-day stamp in another unit than milliseconds: the most common mistake, worth its own words.
_OTHER_UNITS = {10: "seconds", 16: "microseconds", 19: "nanoseconds"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a well-formed request says of itself. Nothing of it is proved before `check`."""

    key_id: str
    """Empty where what was sent can't be the id of any key: no such key exists."""
    timestamp_ms: int
    version: int
    signature: bytes
    """The header's value; after `check` the one spelling of the MAC, so that it may name the request."""
    passphrase: bytes = field(repr=False)
    candidates: tuple[bytes, ...] = field(repr=False)
    """What may have been signed, one or two strings. Not shown: targets and bodies may carry a passphrase."""
    raw_only_because: str = ""
    """Why the decoded target is no candidate, where that needs saying."""


@dataclass(frozen=True, slots=True)
class KucoinDialect:
    """One exchange's way of saying things on KuCoin's wire.

    Raises `Invalid` for a header prefix that is not letters, digits and hyphens, ending in a hyphen.
    """

    header_prefix: str = "KC-API-"
    accept_version_1: bool = False
    """Whether the passphrase may come in clear, as python-kucoin sends it. The operator's choice, off unless made."""
    _names: Mapping[bytes, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,30}-", self.header_prefix):
            raise Invalid("a header prefix is letters, digits and hyphens and ends in '-'", field="header_prefix")
        names = ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE", "KEY-VERSION")
        object.__setattr__(self, "_names", {f"{self.header_prefix}{name}".lower().encode(): name for name in names})

    # ── the sender's side

    def sign(
        self,
        method: str,
        target: bytes | str,
        body: bytes,
        *,
        key: str,
        secret: Secret,
        passphrase: Secret,
        now_ms: int,
        version: int = 3,
    ) -> SignedRequest:
        """Return the request signed as it must be sent.

        `target` is percent-encoded already and is signed in that form. Raises `Invalid` for a request that `read` would
        refuse (the content of a JSON body is not looked at), for a time that has not 13 digits and for other versions.
        """
        stamp = str(now_ms).encode()
        if not _TIMESTAMP.fullmatch(stamp):
            raise Invalid("a timestamp is milliseconds since 1970, 13 digits", field="now_ms")
        if version not in _VERSIONS.values():
            raise Invalid("the versions of a key are 1, 2 and 3", field="version")
        if not _KEY_ID.fullmatch(key_id := _bytes(key)):
            raise Invalid("this can't be the id of a key", field="key")
        raw = _bytes(target)
        try:
            self.check_target(method, raw)
            may_follow = canonical.body_may_follow(method, body_allowed=True)
            canonical.check_beginning_of_body(body, may_follow=may_follow)
        except Refused as refused:
            reason = refused.facts.get("rule", refused.reason.value)
            raise Invalid(f"this request can't be signed: {reason}") from refused
        values = {
            "KEY": key_id,
            "SIGN": _mac(secret, self.string_to_sign(stamp, method, raw, body)),
            "TIMESTAMP": stamp,
            "PASSPHRASE": passphrase.reveal() if version == 1 else self.passphrase_header(secret, passphrase),
            "KEY-VERSION": str(version).encode(),
        }
        headers = [(name, values[short]) for name, short in self._names.items()]
        if body:
            headers.append((b"content-type", b"application/json"))  # KuCoin answers 415 without it
        return SignedRequest(method, raw, tuple(headers), body)

    @staticmethod
    def string_to_sign(timestamp: bytes, method: str, target: bytes, body: bytes) -> bytes:
        """Return the bytes whose MAC signs a request."""
        return b"%b%b%b%b" % (timestamp, method.encode(), target, body)

    @staticmethod
    def passphrase_header(secret: Secret, passphrase: Secret) -> bytes:
        """Return the passphrase as versions 2 and 3 send it: base64(HMAC-SHA256(secret, passphrase))."""
        return _mac(secret, passphrase.reveal())

    # ── the receiver's side

    @staticmethod
    def check_target(method: str, target: bytes) -> None:
        """Do nothing if method and target have one reading only: what `read` begins with.

        Raises `Refused` with METHOD_NOT_ALLOWED or TARGET_NOT_CANONICAL.
        """
        canonical.check_method(method)
        canonical.read_target(target)

    @staticmethod
    def check_body(request: Request, *, body_allowed: bool) -> None:
        """Do nothing if the body may be there and has one reading only: all of `read` that a public route needs besides.

        Raises `Refused` with BODY_NOT_ALLOWED or BODY_MALFORMED.
        """
        may_follow = canonical.body_may_follow(request.method, body_allowed=body_allowed)
        canonical.check_beginning_of_body(request.body, may_follow=may_follow)
        canonical.check_body(request.body)

    def read(self, request: Request, *, body_allowed: bool) -> Claim:
        """Return what the request claims. `body_allowed` says whether its route takes a body on DELETE.

        Raises `Refused`, for the first of these that does not hold; the dearest look comes last:
        1 METHOD_NOT_ALLOWED · 2 TARGET_NOT_CANONICAL · 3 BODY_NOT_ALLOWED, or BODY_MALFORMED by its first byte ·
        4 HEADER_REPEATED, HEADER_MISSING · 5 KEY_VERSION_UNKNOWN, KEY_VERSION_OFF · 6 TIMESTAMP_MALFORMED ·
        7 BODY_MALFORMED by its content.
        """
        method, body = request.method, request.body
        # 1, 2, 3  can it have been signed without ambiguity
        canonical.check_method(method)
        target = canonical.read_target(request.target)
        may_follow = canonical.body_may_follow(method, body_allowed=body_allowed)
        canonical.check_beginning_of_body(body, may_follow=may_follow)
        # 4, 5, 6  what it says of itself
        values = self._values(request)
        version = self._version(values)
        stamp = values["TIMESTAMP"]
        if not _TIMESTAMP.fullmatch(stamp):
            raise Refused(Reason.TIMESTAMP_MALFORMED, unit=_OTHER_UNITS.get(len(stamp), "") if stamp.isdigit() else "")
        # 7  can its body be read in one way only
        canonical.check_body(body)
        forms = canonical.forms(target, may_follow=may_follow)
        return Claim(
            key_id=values["KEY"].decode() if _KEY_ID.fullmatch(values["KEY"]) else "",
            timestamp_ms=int(stamp),
            version=version,
            signature=values["SIGN"],
            passphrase=values["PASSPHRASE"],
            candidates=tuple(self.string_to_sign(stamp, method, form, body) for form in forms.targets),
            raw_only_because=forms.raw_only_because,
        )

    def check(self, claim: Claim, *, secret: Secret, passphrase_digest: bytes, pepper: Secret) -> None:
        """Do nothing if the signature holds, and then the passphrase.

        The work is the same whatever comes out, so a caller who has no such key runs it with a secret and a digest that
        nobody knows and answers KEY_UNKNOWN. Raises `Refused` with SIGNATURE_MISMATCH or PASSPHRASE_MISMATCH.
        """
        matched = False
        for candidate in claim.candidates:
            # The header itself is compared, not what it decodes to: four spellings decode to the same MAC, and a second
            # spelling would pass for a second request.
            matched |= hmac.compare_digest(_mac(secret, candidate), claim.signature)
        # With an empty secret anyone could have signed; a client that was given no keys does.
        matched &= bool(secret)
        received = claim.passphrase if claim.version != 1 else _mac(secret, claim.passphrase)
        known = hmac.compare_digest(self.passphrase_digest(pepper, received), passphrase_digest)
        known &= bool(claim.passphrase)
        if not matched:
            raise Refused(Reason.SIGNATURE_MISMATCH, rule=claim.raw_only_because)
        if not known:
            raise Refused(Reason.PASSPHRASE_MISMATCH)

    @staticmethod
    def passphrase_digest(pepper: Secret, header_value: bytes) -> bytes:
        """Return the 32 bytes kept in the passphrase's place; `header_value` as versions 2 and 3 send it."""
        return hmac.digest(pepper.reveal(), header_value, "sha256")

    def refuse(self, refused: Refused) -> Answer:
        """Return the refusal as KuCoin would say it, with a hint for the person who has to do something about it."""
        return kucoin_refusals.answer(refused, prefix=self.header_prefix)

    def _values(self, request: Request) -> dict[str, bytes]:
        """Return the values of our headers, each sent once. An underscore in place of a hyphen is another name."""
        values: dict[str, bytes] = {}
        for name, value in request.headers:
            short = self._names.get(name)
            if short is None:
                continue
            if short in values:  # even if equal: two readers might take one each
                raise Refused(Reason.HEADER_REPEATED, header=self.header_prefix + short)
            # Cut to nothing rather than short: no id, MAC, stamp or passphrase is empty.
            values[short] = value if len(value) <= LONGEST_VALUE else b""
        for short in ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE"):
            if short not in values:
                raise Refused(Reason.HEADER_MISSING, header=self.header_prefix + short)
        return values

    def _version(self, values: Mapping[str, bytes]) -> int:
        version = _VERSIONS.get(values.get("KEY-VERSION", b"1"))  # before version 2 there was no such header
        if version is None:
            raise Refused(Reason.KEY_VERSION_UNKNOWN)
        if version == 1 and not self.accept_version_1:
            raise Refused(Reason.KEY_VERSION_OFF)
        return version


def _bytes(text: bytes | str) -> bytes:
    """Return `text` as UTF-8. Half a surrogate pair becomes bytes that stand neither in an id nor in a target."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _mac(secret: Secret, message: bytes) -> bytes:
    return b64encode(hmac.digest(secret.reveal(), message, "sha256"))
