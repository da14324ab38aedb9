"""The wrapping key's file: one line of base64 under a line that says what it is; mode 0600, its owner's alone.

Never beside the data it opens, never in a backup of the data, never replaced: whoever loses it loses every secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import stat
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keywright.errors import Unusable
from keywright.secret import Secret

FIRST_LINE = (
    "# Keywright wrapping key 1. It opens every secret in the database: never back it up together with the data."
)


def create_wrapping_key(path: Path) -> Secret:
    """Write a fresh wrapping key to `path` (0600, flushed to disk) and return it.

    Raises `Unusable` when the file exists or can't be written; an existing key is never overwritten.
    """
    key = Secret(AESGCM.generate_key(bit_length=256))
    text = f"{FIRST_LINE}\n{base64.b64encode(key.reveal()).decode()}\n"
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)  # of one that was killed here: nothing was ever sealed with it
        try:
            _write(unfinished, text)
            os.link(unfinished, path)  # the whole file or none; unlike a rename, never over another
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(path.parent)  # the name, too, must survive a power cut
    except OSError as error:
        raise Unusable(f"the wrapping key can't be written to {path}: {error.strerror}") from None
    return key


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_wrapping_key(path: Path) -> Secret:
    """Return the wrapping key in `path`.

    Raises `Unusable` when it can be read by others, belongs to someone else, is no plain file, or holds no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unusable(f"the wrapping key {path} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unusable(f"the wrapping key {path} is not a plain file")
        if status.st_uid != os.geteuid():
            raise Unusable(
                f"the wrapping key {path} belongs to another user",
                hint=f"chown {os.geteuid()} {shlex.quote(str(path))}",
            )
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise Unusable(
                f"the wrapping key {path} can be reached by others (mode {mode:04o})",
                hint=f"chmod 600 {shlex.quote(str(path))}",
            )
        text = file.read(1024)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    try:
        (line,) = lines
        key = base64.b64decode(line, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:  # AES-256
        raise Unusable(f"{path} does not hold a wrapping key", hint="restore it from its backup; never edit it")
    return Secret(key)
