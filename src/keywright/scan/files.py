"""Brings the bytes of files: walks folders, leaves out what is no text, reads in blocks that end where lines end.

Links are not followed and devices not opened; what can't be read is told to whoever asks, never passed over in silence.
"""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import lzma
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from keywright.scan.model import Finding
from keywright.scan.text import Known, find

BLOCK_BYTES = 8 << 20
"""How much of a file is looked at in one go; memory does not grow with a log."""

BEHIND_BYTES = 4096
"""How much of a block is looked at again with the next, so that a pair is not torn apart."""

LOOK_BYTES = 8192
"""Where a zero byte tells that a file is no text."""

_PACKED: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}


class Unreadable(Exception):
    """A file could not be read; `args` has its path and why."""


def paths_under(root: Path, *, exclude: Sequence[str] = ()) -> Iterator[str]:
    """Give the plain files under a folder, or the one file, in the order of their names. `.git` is left to `history`."""
    if not root.is_dir():
        yield str(root)
        return
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield folder  # opening it will say why
            continue
        folders = []
        for entry in entries:
            if any(fnmatch.fnmatch(entry.name, one) or fnmatch.fnmatch(entry.path, one) for one in exclude):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield entry.path
        waiting += reversed(folders)


def scan_file(path: str, *, shown: str, known: Known | None = None, unpack: bool = False) -> list[Finding]:
    """Return what is found in one file, under the path that is to be shown. Raises `Unreadable`.

    With `unpack`, compressed logs (gz, bz2, xz) are opened.
    """
    findings: list[Finding] = []
    seen: set[tuple[int, int]] = set()
    try:
        with _opened(path, unpack=unpack) as file:
            for first_line, block in _blocks(file):
                for hit in find(block, path=shown, known=known):
                    place = hit.line + first_line, hit.column
                    if place not in seen:
                        seen.add(place)
                        findings.append(Finding(shown, replace(hit, line=place[0])))
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise Unreadable(shown, getattr(error, "strerror", None) or str(error) or type(error).__name__) from None
    return findings


@contextmanager
def _opened(path: str, *, unpack: bool) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no plain file")
        opener = _PACKED.get(Path(path).suffix.lower()) if unpack else None
        if opener is None:
            yield file
            return
        with opener(file) as inside:  # closing it leaves the file itself open
            yield cast("BinaryIO", inside)


def _blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give a file's text in blocks of whole lines, each with how many lines stand before it."""
    rest, line = b"", 0
    first = _read(file, BLOCK_BYTES)
    if first[:2] in {b"\xff\xfe", b"\xfe\xff"}:  # as PowerShell writes them: short files, read whole
        yield 0, (first + _read(file, BLOCK_BYTES)).decode("utf-16", "replace").encode()
        return
    if b"\0" in first[:LOOK_BYTES]:
        return
    while first:
        block = rest + first
        following = _read(file, BLOCK_BYTES)
        end = block.rfind(b"\n") + 1 if following else len(block)
        if not end:  # one line of megabytes
            end = len(block)
        yield line, block[:end]
        again = block.rfind(b"\n", 0, max(0, end - BEHIND_BYTES)) + 1 if following else end
        again = again or end
        line += block.count(b"\n", 0, again)
        rest, first = block[again:], following


def _read(file: BinaryIO, size: int) -> bytes:
    parts, wanted = [], size
    while wanted and (part := file.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)
