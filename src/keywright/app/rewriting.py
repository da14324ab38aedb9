"""A person's file is read, and another content put in its place: all of it or nothing, with whoever may read it unchanged."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from keywright.app.installation import sync_folder
from keywright.errors import Unusable

ACCESS = "system.posix_acl_access"
"""Where Linux keeps a file's list of access. Without it the group's bits of its mode would mean something else."""


def read_plain(path: Path, *, most: int) -> bytes:
    """Return a file's content, at most one byte more than `most`. Raises `Unusable` for what is no plain file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unusable(f"{path} is no plain file")
            return file.read(most + 1)
    except OSError as error:
        if error.errno == errno.ELOOP:
            hint = f"it leads to {path.resolve()}: name that"
            raise Unusable(f"{path} is a link, and links are not followed", hint=hint) from None
        raise Unusable(f"{path} can't be read: {error.strerror}", hint="name the file that holds the key") from None


def require_replaceable(path: Path) -> None:
    """Do nothing if `put` can put something in a file's place, without a change to who may read it. Raises `Unusable`."""
    status, is_root = path.stat(), os.geteuid() == 0
    if status.st_nlink > 1:
        raise Unusable(
            f"{path} has another name, a hard link, which would keep the key", hint="remove the other name first"
        )
    if not is_root and status.st_uid != os.geteuid():
        raise Unusable(f"{path} belongs to somebody else", hint="run this as its owner")
    if not is_root and status.st_gid not in {os.getegid(), *os.getgroups()}:
        raise Unusable(f"{path} belongs to a group that you are not in", hint="run this as root, or change its group")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
        Path(name).unlink()
    except OSError as error:
        raise Unusable(
            f"nothing can be written beside {path}: {error.strerror}",
            hint="a new file takes the old one's place: its folder must be yours to write to",
        ) from None


def put(path: Path, content: bytes) -> None:
    """Put another content in a file's place: all of it or nothing, with its mode, owner, group and list of access."""
    status = path.stat()
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchown(descriptor, status.st_uid if os.geteuid() == 0 else -1, status.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
                if (access := _list_of_access(path)) is not None:
                    os.setxattr(descriptor, ACCESS, access)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise Unusable(f"{path} can't be written: {error.strerror}") from None


def put_new(path: Path, text: str) -> None:
    """Put a file of our own in its place, readable by nobody else: all of it or nothing."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    sync_folder(path.parent)


def _list_of_access(path: Path) -> bytes | None:
    if not hasattr(os, "getxattr"):
        return None
    with suppress(OSError):  # it has none, or its file system knows none
        return os.getxattr(path, ACCESS)
    return None
