"""Backups in age's own format (age-encryption.org/v1), by the Rust library behind pyrage: the `age` tool opens them, too.

Whatever is wrong with a file or with what is to open it is one error: age's file is whole or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from keywright.errors import Invalid, Unopenable, Unusable
from keywright.secret import Secret

START = b"age-encryption.org/v1\n"


def seal_for_passphrase(content: Secret, passphrase: Secret) -> bytes:
    """Return the content as a file that opens with this passphrase (scrypt, at what age holds to be a second's work)."""
    sealed: bytes = _pyrage().passphrase.encrypt(content.reveal(), passphrase.reveal_text())
    return sealed


def seal_for_recipients(content: Secret, recipients: Sequence[str]) -> bytes:
    """Return the content as a file that each of these opens: `age1…`, or a public key of SSH. Raises `Invalid`."""
    pyrage = _pyrage()
    try:
        sealed: bytes = pyrage.encrypt(content.reveal(), [_recipient(pyrage, text.strip()) for text in recipients])
    except pyrage.EncryptError as error:
        raise Invalid(f"age can't seal for these recipients: {error}", field="recipient") from None
    return sealed


def open_with_passphrase(sealed: bytes, passphrase: Secret) -> Secret:
    """Return the content of a file. Raises `Unopenable`, whether the passphrase is wrong or the file."""
    pyrage = _pyrage()
    try:
        return Secret(pyrage.passphrase.decrypt(sealed, passphrase.reveal_text()))
    except (pyrage.DecryptError, UnicodeDecodeError, ValueError):
        raise _unopenable() from None


def open_with_identities(sealed: bytes, identities: str) -> Secret:
    """Return the content of a file, by the identities that age-keygen or ssh-keygen wrote. Raises `Invalid`, `Unopenable`."""
    pyrage = _pyrage()
    try:
        return Secret(pyrage.decrypt(sealed, _identities(pyrage, identities)))
    except (pyrage.DecryptError, ValueError):
        raise _unopenable() from None


def takes_passphrase(sealed: bytes) -> bool:
    """Tell whether a file says of itself that a passphrase opens it."""
    return sealed.removeprefix(START).startswith(b"-> scrypt ")


def _unopenable() -> Unopenable:
    return Unopenable(
        "this backup does not open: the passphrase or identity is another one, or the file was altered or cut short",
        hint="nothing was changed; try another copy of it",
    )


def _recipient(pyrage: ModuleType, text: str) -> Any:
    for kind in (pyrage.x25519, pyrage.ssh):
        try:
            return kind.Recipient.from_str(text)
        except (pyrage.RecipientError, ValueError):
            continue
    raise Invalid(
        "that is no recipient of age",
        hint="`age-keygen` makes an identity and tells its recipient, age1…",
        field="recipient",
    )


def _identities(pyrage: ModuleType, text: str) -> list[Any]:
    """Return what is in a file of identities."""
    try:
        if "PRIVATE KEY-----" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except (pyrage.IdentityError, ValueError):
        found = []
    if not found:
        raise Invalid("there is no identity of age in that file", hint="it is the file that `age-keygen` wrote")
    return found


def _pyrage() -> ModuleType:
    try:
        import pyrage  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise Unusable("the package pyrage is not installed", hint="pip install 'keywright[vault]'") from None
    module: ModuleType = pyrage
    return module
