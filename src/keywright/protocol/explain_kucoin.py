"""KuCoin's wire as `explain` reads it: `read` returns the parts of the string, how each may have been written, and what
is wrong with the passphrase, which is made and tried by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator

from keywright.protocol import canonical, explain_forms, explain_payloads, explain_seen as seen
from keywright.protocol.explain_causes import cause
from keywright.protocol.explain_model import Case, Cause, Form, Forms, Given, Mistake
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused

OWN_WINDOW_MS = 5_000
"""What KuCoin itself tolerates; Keywright's gateways may tolerate more."""

_PREFIXES = (b"/api", b"/api/v1", b"/api/v2", b"/api/v3")
LAYOUTS: Forms = (
    Form(b"smpqb"),
    Form(b"mpqb", Mistake.PART_LEFT_OUT, "the timestamp"),
    Form(b"spqb", Mistake.PART_LEFT_OUT, "the method"),
    Form(b"smb", Mistake.PART_LEFT_OUT, "the path"),
    Form(b"mspqb", Mistake.ORDER_OTHER, "method, timestamp, path, body"),
    Form(b"mpqsb", Mistake.ORDER_OTHER, "method, path, timestamp, body"),
    Form(b"mpqbs", Mistake.ORDER_OTHER, "method, path, body, timestamp"),
    Form(b"spqmb", Mistake.ORDER_OTHER, "timestamp, path, method, body"),
    Form(b"smbpq", Mistake.ORDER_OTHER, "timestamp, method, body, path"),
    Form(b"skmpqb", Mistake.PART_ADDED, "the key's id"),
    Form(b"smpqbk", Mistake.PART_ADDED, "the key's id"),
    Form(b"s\nm\np\nq\nb", Mistake.PART_ADDED, "line ends between the parts"),
    Form(b"s\nm\npq\nb", Mistake.PART_ADDED, "line ends between the parts"),
    Form(b"s m pq b", Mistake.PART_ADDED, "spaces between the parts"),
    Form(b"s,m,pq,b", Mistake.PART_ADDED, "commas between the parts"),
    Form(b"smpqb\n", Mistake.PART_ADDED, "a line end after the last part (echo adds one; printf %s does not)"),
)


def read(request: Request, given: Given) -> Case:
    """Return what the search needs of a request, and what was seen."""
    names = tuple(given.header_prefix + name for name in ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE", "KEY-VERSION"))
    key_name, sign_name, stamp_name, pass_name, _ = names
    stamp, method = seen.value(request, stamp_name), request.method.encode()
    targets, why = _targets(request)
    query = b"?" + request.query if b"?" in request.target else b""
    passphrase_holds, passphrase_causes = _passphrase(request, given)
    elsewhere = [
        (name.decode("latin-1"), text) for name, text in request.headers if name != stamp_name.lower().encode()
    ]
    window = {"earliest_ms": -given.window_ms, "latest_ms": given.window_ms, "own_ms": OWN_WINDOW_MS}
    observed = (
        *seen.headers(request, names, needed=names[:4]),
        *seen.stamp_of_13_digits(stamp, given.now_ms, **window),
        *seen.target(request.method, request.target),
        *seen.body(request.method, request.body),
        *passphrase_causes,
        *seen.carried(request, given.secret, given.passphrase, apart_from=pass_name),
        *seen.host(request, "kucoin"),
    )
    return Case(
        exchange="kucoin",
        signature=seen.value(request, sign_name),
        hex_digest=False,
        any_case=False,
        hashed="sha256",
        server=tuple(KucoinDialect.string_to_sign(stamp, request.method, form, request.body) for form in targets),
        parts=(
            ("timestamp", stamp),
            ("method", method),
            ("path", request.path),
            ("query", query),
            ("body", request.body),
        ),
        forms={
            "s": explain_forms.stamps(stamp, [*elsewhere, ("a parameter", request.query)]),
            "m": explain_forms.methods(method),
            "p": explain_forms.paths(request.path, prefixes=_PREFIXES, host=seen.value(request, "host")),
            "q": explain_payloads.queries(request.query, marked=True, decoded_is_right=len(targets) > 1, why=why),
            "b": explain_payloads.bodies(request.body),
            "k": (Form(seen.value(request, key_name)),),
        },
        layouts=LAYOUTS,
        key=seen.value(request, key_name),
        stamp=stamp,
        skew_ms=seen.skew(stamp, given.now_ms),
        raw_only_because=why,
        passphrase_holds=passphrase_holds,
        observed=observed,
    )


def _targets(request: Request) -> tuple[tuple[bytes, ...], str]:
    """Return the targets that the server tries, and why the decoded one is not among them."""
    try:
        target = canonical.read_target(request.target)
    except Refused:
        return (request.target,), ""
    forms = canonical.forms(
        target, may_follow=canonical.body_may_follow(request.method, body_allowed=bool(request.body))
    )
    return forms.targets, forms.raw_only_because.partition(":")[0]


def _passphrase(request: Request, given: Given) -> tuple[bool | None, list[Cause]]:
    """Return whether the passphrase is what the server wants, and what is wrong with it and its version."""
    secret, passphrase = given.secret, given.passphrase
    version_name = f"{given.header_prefix}KEY-VERSION"
    received, version = seen.value(request, f"{given.header_prefix}PASSPHRASE"), seen.value(request, version_name)
    causes: list[Cause] = []
    if version not in {b"", b"1", b"2", b"3"}:
        causes.append(cause(Mistake.KEY_VERSION_UNKNOWN, version_name))
    if passphrase is None or not received:
        return None, causes
    hashed = _mac(secret, passphrase)
    if version in {b"", b"1"}:
        if received == passphrase:
            return True, [*causes, cause(Mistake.KEY_VERSION_1, certain=False)]
        if received == hashed:
            about = f"{version_name} is not sent" if not version else f"{version_name} says 1"
            return False, [*causes, cause(Mistake.KEY_VERSION_MISSING, about)]
    elif received == hashed:
        return True, causes
    made = next((form for form in _made(secret, passphrase, given.secrets) if form.value == received), None)
    if made is None or made.mistake is None:
        return False, [*causes, cause(Mistake.PASSPHRASE_OTHER)]
    return False, [*causes, cause(made.mistake, made.about)]


def _made(secret: bytes, passphrase: bytes, secrets: Forms) -> Iterator[Form]:
    """Yield what clients send in the passphrase's place."""
    hashed = _mac(secret, passphrase)
    yield Form(passphrase, Mistake.PASSPHRASE_IN_CLEAR)
    yield Form(passphrase.strip(), Mistake.PASSPHRASE_IN_CLEAR)
    yield Form(_mac(secret, hashed), Mistake.PASSPHRASE_TWICE)
    yield Form(hmac.digest(secret, passphrase, "sha256").hex().encode(), Mistake.PASSPHRASE_ENCODING, "hex")
    yield Form(hashed.replace(b"+", b"-").replace(b"/", b"_"), Mistake.PASSPHRASE_ENCODING, "URL-safe base64")
    yield Form(base64.b64encode(passphrase), Mistake.PASSPHRASE_NOT_HASHED, "base64")
    yield Form(passphrase.hex().encode(), Mistake.PASSPHRASE_NOT_HASHED, "hex")
    plain = hashlib.sha256(passphrase)
    yield Form(plain.hexdigest().encode(), Mistake.PASSPHRASE_NOT_HASHED, "a plain SHA-256")
    yield Form(base64.b64encode(plain.digest()), Mistake.PASSPHRASE_NOT_HASHED, "a plain SHA-256")
    yield Form(_mac(passphrase, secret), Mistake.PASSPHRASE_ARGUMENTS_SWAPPED)
    for name in explain_forms.HASHES:
        value = hmac.digest(secret, passphrase, name)
        yield Form(base64.b64encode(value), Mistake.PASSPHRASE_OTHER_HASH, f"HMAC-{name.upper()}")
        yield Form(value.hex().encode(), Mistake.PASSPHRASE_OTHER_HASH, f"HMAC-{name.upper()}, as hex")
    bare = passphrase.strip()
    for text in (bare, bare + b"\n", bare + b"\r\n", bare + b" ", b" " + bare):
        yield Form(_mac(secret, text), Mistake.PASSPHRASE_WHITE_SPACE)
    for form in secrets[1:]:
        yield Form(_mac(form.value, passphrase), Mistake.PASSPHRASE_OTHER_SECRET, _how(form))


def _how(form: Form) -> str:
    """Return in words how a secret was changed before it was used."""
    words = {
        Mistake.SECRET_WHITE_SPACE: f"with white space around it: {form.about}",
        Mistake.SECRET_QUOTED: "in its quotation marks",
        Mistake.SECRET_IS_PASSPHRASE: "replaced by the passphrase",
        Mistake.SECRET_IS_KEY: "replaced by the key's id",
        Mistake.SECRET_EMPTY: f"missing: {form.about}",
    }
    return words.get(form.mistake, form.about) if form.mistake else ""


def _mac(secret: bytes, message: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret, message, "sha256"))
