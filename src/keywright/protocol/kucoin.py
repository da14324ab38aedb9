"""KuCoin's wire: `KucoinDialect` signs requests, reads what one claims, checks the claim, and says a refusal.

The string to sign is timestamp, method, target and body with nothing between them; which requests that leaves
unambiguous is `canonical`'s subject. The verbs stand in files of their own: `kucoin_signing`, `kucoin_checking`,
`kucoin_refusals` (ours, said), `kucoin_answers` (theirs, understood) and `kucoin_orders`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keywright.protocol import canonical, kucoin_answers, kucoin_orders, kucoin_refusals
from keywright.protocol.canonical import METHODS
from keywright.protocol.kucoin_checking import Claim, KucoinVerifier, Pepper
from keywright.protocol.kucoin_signing import PREFIX, KucoinSigner, header_names, is_key_id
from keywright.protocol.message import Answer, Header, Request, SignedRequest
from keywright.protocol.native import made, native
from keywright.protocol.order import Intent
from keywright.protocol.prepared import mac_key
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

__all__ = ["Claim", "KucoinDialect", "KucoinSigner", "KucoinVerifier", "Pepper"]

LONGEST_VALUE = 512
"""Bytes of a header value that are looked at. An honest passphrase of version 1, 32 characters, has at most 128."""

MOST_TARGETS, LONGEST_TARGET = 1_024, 256
"""Targets of a method that are remembered as canonical, and bytes of the longest. Strangers send targets too: what they
fill is emptied, and then each is read again."""

_VERSIONS = {b"1": 1, b"2": 2, b"3": 3}
_SHORT = ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE", "KEY-VERSION")
# Digits of a present-day stamp in another unit than milliseconds: the most common mistake, worth its own words.
_OTHER_UNITS = {10: "seconds", 16: "microseconds", 19: "nanoseconds"}


@dataclass(frozen=True, slots=True)
class KucoinDialect:
    """One exchange's way of saying things on KuCoin's wire.

    Raises `Invalid` for a header prefix that is not letters, digits and hyphens, ending in a hyphen.
    """

    header_prefix: str = PREFIX
    accept_version_1: bool = False
    """Whether the passphrase may come in clear, as python-kucoin sends it. The operator's choice, off unless made."""
    _names: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    _find: Callable[[tuple[Header, ...]], tuple[bytes, ...] | None] | None = field(
        init=False, repr=False, compare=False
    )
    _known: dict[str, dict[bytes, canonical.Target]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple(header_names(self.header_prefix)[short] for short in _SHORT)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_find", native.Headers(names).find if native else None)
        object.__setattr__(self, "_known", {method: {} for method in METHODS})

    # ── the sender's side

    def sign(
        self,
        method: str,
        target: bytes | str,
        body: bytes | dict[str, Any] | list[Any],
        *,
        key: str,
        secret: Secret,
        passphrase: Secret,
        now_ms: int,
        version: int = 3,
    ) -> SignedRequest:
        """Return the request signed as it must be sent, as a `KucoinSigner` does that was made for this one request.

        Raises `Invalid` as that does.
        """
        signer = KucoinSigner(key, secret, passphrase, version=version, header_prefix=self.header_prefix)
        return signer.sign(method, target, body, now_ms=now_ms)

    @staticmethod
    def string_to_sign(timestamp: bytes, method: str, target: bytes, body: bytes) -> bytes:
        """Return the bytes whose MAC signs a request."""
        return b"%b%b%b%b" % (timestamp, method.encode(), target, body)

    @staticmethod
    def passphrase_header(secret: Secret, passphrase: Secret) -> bytes:
        """Return the passphrase as versions 2 and 3 send it: base64(HMAC-SHA256(secret, passphrase))."""
        return mac_key(secret).base64(passphrase.reveal())

    # ── the receiver's side

    def check_target(self, method: str, target: bytes) -> canonical.Target:
        """Return the target's parts if method and target have one reading only: what `read` begins with.

        Raises `Refused` with METHOD_NOT_ALLOWED or TARGET_NOT_CANONICAL.
        """
        try:
            return self._known[method][target]
        except KeyError:
            canonical.check_method(method)
        found = canonical.read_target(target)
        # KuCoin has a call with a passphrase in its query.
        if len(target) <= LONGEST_TARGET and b"pass" not in (found.decoded or target).lower():
            known = self._known[method]
            if len(known) >= MOST_TARGETS:
                known.clear()
            known[target] = found
        return found

    @staticmethod
    def check_body(request: Request, *, body_allowed: bool) -> None:
        """Do nothing if the body may be there and has one reading only: all of `read` that a public route needs besides.

        Raises `Refused` with BODY_NOT_ALLOWED or BODY_MALFORMED.
        """
        may_follow = canonical.body_may_follow(request.method, body_allowed=body_allowed)
        canonical.check_beginning_of_body(request.body, may_follow=may_follow)
        canonical.check_body(request.body)

    def read(self, request: Request, *, body_allowed: bool, target: canonical.Target | None = None) -> Claim:
        """Return what the request claims. `body_allowed` says whether its route takes a body on DELETE; `target`, from
        `check_target` of this same request, spares reading it twice.

        Raises `Refused`, for the first of these that does not hold; the dearest look comes last:
        1 METHOD_NOT_ALLOWED · 2 TARGET_NOT_CANONICAL · 3 BODY_NOT_ALLOWED, or BODY_MALFORMED by its first byte ·
        4 HEADER_REPEATED, HEADER_MISSING · 5 KEY_VERSION_UNKNOWN, KEY_VERSION_OFF · 6 TIMESTAMP_MALFORMED ·
        7 BODY_MALFORMED by its content.
        """
        method, raw, body = request.method, request.target, request.body
        # 1, 2, 3  can it have been signed without ambiguity
        if target is None:
            try:
                target = self._known[method][raw]
            except KeyError:
                target = self.check_target(method, raw)
        if body:
            may_follow = canonical.body_may_follow(method, body_allowed=body_allowed)
            canonical.check_beginning_of_body(body, may_follow=may_follow)
        # 4, 5, 6  what it says of itself, each thing once
        find = self._find
        key_id, signature, stamp, proof, version = (find and find(request.headers)) or self._values(request)
        try:
            stated = _VERSIONS[version]
        except KeyError:
            raise Refused(Reason.KEY_VERSION_UNKNOWN) from None
        if stated == 1 and not self.accept_version_1:
            raise Refused(Reason.KEY_VERSION_OFF)
        if len(stamp) != 13 or not stamp.isdigit():  # of bytes: ASCII digits only
            unit = _OTHER_UNITS.get(len(stamp), "") if len(stamp) < LONGEST_VALUE and stamp.isdigit() else ""
            raise Refused(Reason.TIMESTAMP_MALFORMED, unit=unit)
        # Cut to nothing rather than short: no MAC and no passphrase is empty.
        if len(signature) + len(proof) > LONGEST_VALUE:
            signature = signature if len(signature) <= LONGEST_VALUE else b""
            proof = proof if len(proof) <= LONGEST_VALUE else b""
        # 7  can its body be read in one way only
        if body:
            canonical.check_body(body)
        start = stamp + METHODS[method]
        candidates: tuple[bytes, ...] = (start + raw + body if body else start + raw,)
        raw_only_because = ""
        if target.decoded is not None:
            may_follow = canonical.body_may_follow(method, body_allowed=body_allowed)
            forms = canonical.forms(target, may_follow=may_follow)
            candidates = tuple(start + form + body for form in forms.targets)
            raw_only_because = forms.raw_only_because
        plain = (key_id.isalnum() and len(key_id) <= 128) or is_key_id(key_id)
        name = key_id.decode() if plain else ""
        return made(Claim, (name, int(stamp), stated, signature, proof, candidates, raw_only_because))

    def check(self, claim: Claim, *, secret: Secret, passphrase_digest: bytes, pepper: Secret) -> None:
        """Do nothing if the signature holds, and then the passphrase.

        Who checks many claims of one key keeps a `KucoinVerifier`; a caller who has no such key holds the claim against
        one whose secret nobody knows, and answers KEY_UNKNOWN. Raises `Refused` with SIGNATURE_MISMATCH or
        PASSPHRASE_MISMATCH.
        """
        KucoinVerifier(secret, passphrase_digest=passphrase_digest, pepper=Pepper(pepper)).check(claim)

    @staticmethod
    def passphrase_digest(pepper: Secret, header_value: bytes) -> bytes:
        """Return the 32 bytes kept in the passphrase's place; `header_value` as versions 2 and 3 send it."""
        return mac_key(pepper).digest(header_value)

    def _values(self, request: Request) -> tuple[bytes, ...]:
        """Return the values of our headers, each sent once, in the order of `_SHORT`."""
        headers, (key, sign, timestamp, passphrase, version) = request.headers, self._names
        values = dict(headers)
        if len(values) != len(headers):
            self._refuse_repeated(request)
        try:
            # Before version 2 there was no header for it.
            return values[key], values[sign], values[timestamp], values[passphrase], values.get(version, b"1")
        except KeyError:
            raise self._missing(values) from None

    def _refuse_repeated(self, request: Request) -> None:
        """Do nothing if what was repeated is no header of ours. Even equal ones: two readers might take one each."""
        for short, name in zip(_SHORT, self._names, strict=True):
            if len(request.header(name)) > 1:
                raise Refused(Reason.HEADER_REPEATED, header=self.header_prefix + short)

    def _missing(self, values: Mapping[bytes, bytes]) -> Refused:
        short = next(short for short, name in zip(_SHORT, self._names, strict=True) if name not in values)
        return Refused(Reason.HEADER_MISSING, header=self.header_prefix + short)

    # ── what is said

    def refuse(self, refused: Refused) -> Answer:
        """Return the refusal as KuCoin would say it, with a hint for the person who has to do something about it."""
        return kucoin_refusals.answer(refused, prefix=self.header_prefix)

    def understand(self, status: int, body: bytes) -> tuple[Reason, ...]:
        """Return what an answer of KuCoin's refuses for, likeliest first; nothing for one that is no refusal."""
        return kucoin_answers.understand(status, body)

    def read_order(self, request: Request) -> tuple[Intent, ...]:
        """Return what an authentic request would do; one `unknown` where it can't be told."""
        return kucoin_orders.read_order(request)
