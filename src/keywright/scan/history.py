"""Brings the bytes that a Git repository ever held, or is about to hold: what its commits added, file by file.

Git itself reads the repository, and its output is read as it comes: memory does not grow with the history. A repository is
somebody else's word: programs that its settings name (pagers, filters for showing, monitors of files) are switched off.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keywright.errors import Unusable

_QUIET = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "diff.noprefix=false",
    "-c",
    "diff.mnemonicPrefix=false",
)
_SHOWN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-U0")
_COMMIT = b"\0commit "
_HUNK = re.compile(rb"(@@+) (?:-\S+ )+\+(\d+)(?:,\d+)? @@")
_ESCAPED = re.compile(rb'\\([abfnrtv"\\]|[0-7]{3})')
_ESCAPES = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b'"': 34, b"\\": 92}

MOST_BYTES = 8 << 20
"""Of one file in one commit, looked at in one go."""


@dataclass(slots=True)
class Added:
    """What one commit added to one file."""

    commit: str
    path: str
    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Of each line, its number in the file then."""

    @property
    def text(self) -> bytes:
        """The lines, in one piece."""
        return b"\n".join(self.lines)


def commits(repository: Path) -> int:
    """Return how many commits there are, on every branch. Raises `Unusable` where Git can't tell."""
    return int(_git(repository, "rev-list", "--all", "--count").stdout.strip() or b"0")


def history(repository: Path) -> Iterator[Added]:
    """Give what every commit of every branch added, the oldest first. Raises `Unusable`."""
    arguments = (
        "log",
        "--all",
        "--reverse",
        "-p",
        "--diff-merges=dense-combined",
        *_SHOWN,
        "--format=%x00commit %H%n%B",
    )
    yield from _streamed(repository, arguments)


def staged(repository: Path) -> Iterator[Added]:
    """Give what the next commit would add. Raises `Unusable`."""
    yield from _streamed(repository, ("diff", "--cached", *_SHOWN))


def read_patch(lines: Iterable[bytes]) -> Iterator[Added]:
    """Give what a patch adds, as `git log -p` and `git diff` write it; a commit's message counts as a file of its own."""
    commit, added, parents, number, size = "", None, 0, 0, 0
    in_message = False
    for line in lines:
        if line.startswith(_COMMIT):
            if added is not None:
                yield added
            commit = line[len(_COMMIT) :].strip().decode()
            added, in_message, number = Added(commit, "(message)"), True, 0
        elif line.startswith((b"diff --git ", b"diff --cc ", b"diff --combined ")):
            if added is not None:
                yield added
            added, in_message, parents, size = None, False, 0, 0
        elif in_message and added is not None:
            number += 1
            added.lines.append(line.rstrip(b"\r\n"))
            added.numbers.append(number)
        elif not parents and line.startswith(b"+++ "):
            added = Added(commit, _path(line[4:].rstrip(b"\r\n")))
        elif (hunk := _HUNK.match(line)) is not None and not (parents and _is_content(line, parents)):
            parents, number = len(hunk[1]) - 1, int(hunk[2])
        elif parents and added is not None and _is_content(line, parents):
            marks = line[:parents]
            if b"-" not in marks:
                if b"+" in marks:
                    added.lines.append(line[parents:].rstrip(b"\r\n"))
                    added.numbers.append(number)
                    size += len(line)
                    if size > MOST_BYTES:
                        yield added
                        added, size = Added(commit, added.path), 0
                number += 1
    if added is not None:
        yield added


def _is_content(line: bytes, parents: int) -> bool:
    return len(line) > parents and not line[:parents].strip(b" +-")


def _path(name: bytes) -> str:
    name = name.removesuffix(b"\t")  # which ends a name that has spaces
    if name.startswith(b'"') and name.endswith(b'"'):
        name = _ESCAPED.sub(lambda found: bytes([_ESCAPES.get(found[1]) or int(found[1], 8)]), name[1:-1])
    return name.removeprefix(b"b/").decode("utf-8", "surrogateescape")


def _streamed(repository: Path, arguments: Sequence[str]) -> Iterator[Added]:
    with subprocess.Popen(  # noqa: S603  fixed words; the folder is given as one
        ["git", *_QUIET, "-C", str(repository), *arguments],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=_environment(),
    ) as git:
        if git.stdout is None or git.stderr is None:
            raise AssertionError
        yield from read_patch(git.stdout)
        said = git.stderr.read()
        if git.wait():
            raise _trouble(repository, said)


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *_QUIET, "-C", str(repository), *arguments],  # noqa: S607
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
    except FileNotFoundError:
        raise Unusable("git is not installed", hint="install it, or scan a folder without --git and --staged") from None
    if done.returncode:
        raise _trouble(repository, done.stderr)
    return done


def _environment() -> dict[str, str]:
    return {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}


def _trouble(repository: Path, said: bytes) -> Unusable:
    words = said.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
    return Unusable(f"Git can't read {repository}: {words}", hint="is it a repository, and yours?")
