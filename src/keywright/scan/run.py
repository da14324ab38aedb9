"""Scans many files or a whole history: spreads the work, keeps the order, and says how far it is."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from keywright.scan.files import Unreadable, scan_file
from keywright.scan.history import Added
from keywright.scan.model import Finding
from keywright.scan.text import Known, find

Progress = Callable[[int], None]
"""Told how many files or commits were looked at since it was last told."""

CHUNK = 256
ALONE = 2_000
"""So many files are looked at before other processes are asked to help: starting them takes as long."""


def scan_files(
    paths: Iterable[str],
    *,
    shown: Callable[[str], str] = str,
    known: Known | None = None,
    unpack: bool = False,
    progress: Progress = lambda _: None,
) -> Iterator[Finding | Unreadable]:
    """Give what is found in files, in their order; in place of a file that can't be read, why."""
    chunks = _chunks((path, shown(path)) for path in paths)
    work = partial(_scan_chunk, known=known, unpack=unpack)
    for chunk in islice(chunks, ALONE // CHUNK + 1):
        yield from work(chunk)
        progress(len(chunk))
    following = next(chunks, None)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if following is None:
        return
    if workers == 1 or known is not None:  # what recognises our own keys stays in this process
        while following is not None:
            yield from work(following)
            progress(len(following))
            following = next(chunks, None)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for count, found in pool.imap(partial(_counted, work), _and_then(following, chunks)):
            yield from found
            progress(count)


def scan_added(
    additions: Iterable[Added], *, known: Known | None = None, progress: Progress = lambda _: None
) -> Iterator[Finding]:
    """Give what is found in what commits added, each credential in each file once: where it came first."""
    seen: set[tuple[str, str]] = set()
    commit = ""
    for added in additions:
        if added.commit != commit:
            commit = added.commit
            progress(1)
        for hit in find(added.text, path=added.path, known=known):
            if (added.path, hit.digest) not in seen:
                seen.add((added.path, hit.digest))
                yield Finding(added.path, replace(hit, line=added.numbers[hit.line - 1]), added.commit)


def below(root: Path) -> Callable[[str], str]:
    """Return how the files of a folder are shown: by their path below it."""
    start = str(root) if root.is_dir() else str(root.parent)
    return lambda path: os.path.relpath(path, start)


def _scan_chunk(chunk: list[tuple[str, str]], *, known: Known | None, unpack: bool) -> list[Finding | Unreadable]:
    found: list[Finding | Unreadable] = []
    for path, shown in chunk:
        try:
            found += scan_file(path, shown=shown, known=known, unpack=unpack)
        except Unreadable as trouble:
            found.append(trouble)
    return found


def _counted(
    work: Callable[[list[tuple[str, str]]], list[Finding | Unreadable]], chunk: list[tuple[str, str]]
) -> tuple[int, list[Finding | Unreadable]]:
    return len(chunk), work(chunk)


def _chunks(items: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _and_then(first: list[tuple[str, str]], rest: Iterator[list[tuple[str, str]]]) -> Iterator[list[tuple[str, str]]]:
    yield first
    yield from rest
