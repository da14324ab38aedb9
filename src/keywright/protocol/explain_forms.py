"""The ways in which real clients write the parts of what they sign, wrong: stamps, methods, paths, secrets, MACs.

Each function returns `Form`s, the right one first, then what a mistake makes of it. Queries and bodies are
`explain_payloads`' subject.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from keywright.protocol.canonical import METHODS
from keywright.protocol.explain_model import Form, Forms, Mistake

UNITS = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}
"""By the digits of a present-day stamp."""
_STAMP = re.compile(rb"(?<![0-9A-Za-z])[0-9]{10,19}(?![0-9A-Za-z])")
HASHES = ("sha1", "sha224", "sha256", "sha384", "sha512", "md5")


def distinct(forms: Iterable[Form]) -> Forms:
    """Return the forms without those that write the same as an earlier one."""
    seen: dict[bytes, Form] = {}
    for form in forms:
        seen.setdefault(form.value, form)
    return tuple(seen.values())


def stamps(stamp: bytes, elsewhere: Iterable[tuple[str, bytes]]) -> Forms:
    """Return a stamp and what it is in other units; `elsewhere` are other fields of the request, which may hold another."""
    forms = [Form(stamp)]
    if stamp.isdigit() and len(stamp) in UNITS:
        own = 10 ** (len(stamp) - 10)
        for digits, unit in UNITS.items():
            scaled = str(int(stamp) * 10 ** (digits - 10) // own).encode()
            forms.append(Form(scaled, Mistake.STAMP_SIGNED_IN_OTHER_UNIT, unit))
        seconds, rest = divmod(int(stamp), own)
        fraction = f"{seconds}.{rest:0{len(stamp) - 10}d}" if own > 1 else f"{seconds}.0"
        pointed = (fraction, fraction.rstrip("0"), f"{seconds}.0", f"{stamp.decode()}.0")
        forms += [Form(text.encode(), Mistake.STAMP_SIGNED_IN_OTHER_UNIT, "a number with a point") for text in pointed]
    for name, value in elsewhere:
        forms += [Form(found, Mistake.STAMP_OF_OTHER_HEADER, name) for found in _STAMP.findall(value[:512])]
    return distinct(forms)


def methods(method: bytes) -> Forms:
    """Return a method, in the cases it is written in, and the other methods."""
    forms = [Form(method), Form(method.upper(), Mistake.METHOD_OTHER, "in upper case")]
    forms += [Form(method.lower(), Mistake.METHOD_LOWER_CASE), Form(method.capitalize(), Mistake.METHOD_LOWER_CASE)]
    forms += [Form(name.encode(), Mistake.METHOD_OTHER, name) for name in sorted(METHODS)]
    return distinct(forms)


def paths(path: bytes, *, prefixes: Iterable[bytes], host: bytes) -> Forms:
    """Return a path with and without the `prefixes` that clients forget or put twice, with its host, in other spellings."""
    forms = [Form(path)]
    for prefix in prefixes:
        if path.startswith(prefix + b"/"):
            forms.append(Form(path[len(prefix) :], Mistake.PATH_WITHOUT_PREFIX, prefix.decode()))
        forms.append(Form(prefix + path, Mistake.PATH_SENT_WITHOUT_PREFIX, prefix.decode()))
        before, found, after = path.partition(prefix + b"/")
        if before and found:
            forms.append(Form(found + after, Mistake.PATH_SENT_BELOW_OTHER, "something"))
    if host:
        names = {host, host.partition(b":")[0]}
        forms += [
            Form(scheme + name + path, Mistake.PATH_WITH_HOST)
            for name in sorted(names)
            for scheme in (b"https://", b"http://", b"")
        ]
    forms += [Form(path + b"/", Mistake.PATH_SLASH), Form(path.rstrip(b"/"), Mistake.PATH_SLASH)]
    forms += [Form(path.lstrip(b"/"), Mistake.PATH_SLASH), Form(re.sub(rb"//+", b"/", path), Mistake.PATH_SLASH)]
    forms.append(Form(unquote_to_bytes(path), Mistake.PATH_ENCODING))
    return distinct(forms)


def secrets(secret: bytes, *, passphrase: bytes | None, key: bytes) -> Forms:
    """Return a secret, and what clients make of it before they use it."""
    forms = [Form(secret), *_surrounded(secret), *_decoded(secret)]
    if passphrase is not None:
        forms.append(Form(passphrase, Mistake.SECRET_IS_PASSPHRASE))
    if key:
        forms.append(Form(key, Mistake.SECRET_IS_KEY))
    forms += [
        Form(secret.lower(), Mistake.SECRET_CHANGED, "in lower case"),
        Form(secret.upper(), Mistake.SECRET_CHANGED, "in upper case"),
    ]
    forms.append(Form(secret.replace(b"-", b""), Mistake.SECRET_CHANGED, "without its hyphens"))
    forms.append(Form(base64.b64encode(secret), Mistake.SECRET_CHANGED, "as base64 of itself"))
    forms.append(Form(secret.hex().encode(), Mistake.SECRET_CHANGED, "as its own hex"))
    forms.append(Form(repr(secret).encode(), Mistake.SECRET_CHANGED, "as Python shows bytes (b'…')"))
    forms.append(Form(b"", Mistake.SECRET_EMPTY, "an empty one"))
    forms += [
        Form(word, Mistake.SECRET_EMPTY, f"the word {word.decode()}") for word in (b"None", b"null", b"undefined")
    ]
    return distinct(forms)


def _surrounded(secret: bytes) -> Iterator[Form]:
    bare = secret.strip()
    yield Form(bare, Mistake.SECRET_WHITE_SPACE, "the one that you gave has some, the client's had none")
    for end, name in (
        (b"\n", "a line end after it"),
        (b"\r\n", "a line end, CR LF, after it"),
        (b"\r", "a CR after it"),
    ):
        yield Form(bare + end, Mistake.SECRET_WHITE_SPACE, name)
    yield Form(bare + b" ", Mistake.SECRET_WHITE_SPACE, "a space after it")
    yield Form(b" " + bare, Mistake.SECRET_WHITE_SPACE, "a space before it")
    yield Form(bare + b"\t", Mistake.SECRET_WHITE_SPACE, "a tab after it")
    yield Form(b"\xef\xbb\xbf" + bare, Mistake.SECRET_WHITE_SPACE, "a byte order mark before it")
    yield Form(b'"%b"' % bare, Mistake.SECRET_QUOTED)
    yield Form(b"'%b'" % bare, Mistake.SECRET_QUOTED)


def _decoded(secret: bytes) -> Iterator[Form]:
    padded = secret + b"=" * (-len(secret) % 4)
    for alphabet in (None, b"-_"):
        try:
            yield Form(base64.b64decode(padded, alphabet), Mistake.SECRET_DECODED, "decoded from base64")
        except binascii.Error:
            continue
    bare = secret.replace(b"-", b"")
    if len(bare) % 2 == 0 and re.fullmatch(rb"[0-9A-Fa-f]+", bare):
        yield Form(binascii.unhexlify(bare), Mistake.SECRET_DECODED, "decoded from hex")


def hashes(right: str) -> Forms:
    """Return the ways to make a MAC, by the names that `mac` knows."""
    forms = [Form(right.encode())]
    forms += [Form(name.encode(), Mistake.HASH_OTHER, f"HMAC-{name.upper()}") for name in HASHES]
    forms.append(Form(f"{right}(secret+text)".encode(), Mistake.HASH_WITHOUT_HMAC, "secret, then string"))
    forms.append(Form(f"{right}(text+secret)".encode(), Mistake.HASH_WITHOUT_HMAC, "string, then secret"))
    forms.append(Form(f"{right}(text)".encode(), Mistake.HASH_WITHOUT_HMAC, "the string alone, without the secret"))
    forms.append(Form(f"{right}<>".encode(), Mistake.HMAC_ARGUMENTS_SWAPPED))
    return distinct(forms)


def mac(how: bytes, secret: bytes, message: bytes) -> bytes:
    """Return the bytes that one of `hashes` makes."""
    name, mark, rest = how.decode().partition("(")
    if mark:
        parts = {"secret+text)": secret + message, "text+secret)": message + secret, "text)": message}
        return hashlib.new(name, parts[rest], usedforsecurity=False).digest()
    if name.endswith("<>"):
        return hmac.digest(message, secret, name[:-2])
    return hmac.digest(secret, message, name)
