"""Checkpoints as files in a folder: written whole or not at all, never over another one, read with a bound.

A file gets its name by a link from a finished one: `kill -9` at any moment leaves no half of a checkpoint under the name
of one, and two processes can't both make the same number.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from keywright.audit.checkpoint import MAX_BYTES, Checkpoint, name_of
from keywright.errors import Unusable

NAME = re.compile(r"checkpoint-([0-9]{8,15})\.txt")
UNFINISHED = re.compile(r"\.checkpoint-([0-9]{8,15})\.txt\.[0-9a-f]+\.new")

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems answer that know no hard links: FAT on a memory stick, some network folders."""


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give name and content of every checkpoint in a folder, by number. Raises `Unusable` when one can't be read."""
    try:
        named = (NAME.fullmatch(path.name) for path in folder.iterdir())
        names = sorted((int(found[1]), found[0]) for found in named if found)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unusable(f"the folder {folder} can't be read: {error.strerror}") from None
    for _, name in names:
        yield name, _content(folder / name)


def text_of(folder: Path, number: int) -> bytes | None:
    """Return the content of one checkpoint; `None` when it is not in the folder."""
    path = folder / name_of(number)
    return _content(path) if os.path.lexists(path) else None


def keep(folder: Path, checkpoint: Checkpoint) -> bool:
    """Write a checkpoint into its folder, made if need be; tell whether it was this call that did.

    False when there is one of that name already: it is left as it is. Raises `Unusable` when it can't be written.
    """
    unfinished = folder / f".{checkpoint.name}.{secrets.token_hex(8)}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            write_new(unfinished, checkpoint.text)
            _name_it(unfinished, folder / checkpoint.name)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink(missing_ok=True)
        _clear(folder, before=checkpoint.statement.number)
        _sync(folder)
    except OSError as error:
        raise Unusable(
            f"no checkpoint can be written into {folder}: {error.strerror}",
            hint="is its disk there, and not full? audit_checkpoint_dir names another folder",
        ) from None
    return True


def write_new(path: Path, text: bytes) -> None:
    """Write a file of the owner's alone, down to the disk. Raises `FileExistsError` when there is one."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _name_it(unfinished: Path, path: Path) -> None:
    try:
        os.link(unfinished, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        unfinished.rename(path)


def _clear(folder: Path, *, before: int) -> None:
    """Remove what dead processes left of earlier numbers. Nobody writes these any more: there is a later one."""
    for path in folder.iterdir():
        found = UNFINISHED.fullmatch(path.name)
        if found and int(found[1]) < before:
            path.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe of that name must not wait
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MAX_BYTES + 1) or b""
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise Unusable(f"{path} is no checkpoint: it is too long")
    return content


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
