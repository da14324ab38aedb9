"""Writes files that the `age` tool opens with a password (age-encryption.org/v1, one scrypt recipient). Pure but for chance.

Written here, on OpenSSL, because the binding to the Rust library holds Python's lock for a second or more while it
stretches the password, which would stop the gateways too, and takes half a gigabyte. Its decryption checks ours in tests.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keywright.secret import Secret

VERSION = b"age-encryption.org/v1"
LOG_N = 17
"""scrypt's cost as a power of two: 128 MiB and half a second. age itself writes 18; zxcvbn has judged the password."""

MOST_PLAIN = 64 * 1024
"""One chunk of the payload: nothing longer is written here."""


def encrypt(plain: Secret, password: Secret) -> bytes:
    """Return the plain bytes as a file that opens with this password."""
    content = plain.reveal()
    if len(content) > MOST_PLAIN:
        raise ValueError("more than one chunk")
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    # The nonces are fixed because each key encrypts once: the specification's own choice.
    wrapped = ChaCha20Poly1305(_stretched(password, salt)).encrypt(bytes(12), file_key, None)
    head = VERSION + b"\n-> scrypt %b %d\n%b\n---" % (_base64(salt), LOG_N, _base64(wrapped))
    mac = hmac.digest(_derived(file_key, b"", b"header"), head, "sha256")
    only_chunk = bytes(11) + b"\x01"  # chunk 0, and the last
    sealed = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).encrypt(only_chunk, content, None)
    return head + b" " + _base64(mac) + b"\n" + nonce + sealed


def _stretched(password: Secret, salt: bytes) -> bytes:
    n = 1 << LOG_N
    return hashlib.scrypt(
        password.reveal(), salt=VERSION + b"/scrypt" + salt, n=n, r=8, p=1, dklen=32, maxmem=(n + 64) * 8 * 130
    )


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=salt, info=info).derive(key)


def _base64(value: bytes) -> bytes:
    return b64encode(value).rstrip(b"=")
