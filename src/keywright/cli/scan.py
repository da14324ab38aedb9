"""`keywright scan`: exchange credentials in files, in logs, in what is about to be committed, in a whole history."""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keywright import __version__
from keywright.cli import options, terminal
from keywright.errors import Invalid, Unusable

if TYPE_CHECKING:
    from keywright.scan.files import Unreadable
    from keywright.scan.model import Finding
    from keywright.scan.run import Progress
    from keywright.scan.text import Known

FOUND = 15
"""The exit code of a scan that found something."""

PATIENCE_SECONDS = 0.5
"""How long a scan says nothing; a short one never does."""


@click.command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--git", "in_history", is_flag=True, help="Every commit of every branch of the repository at PATH.")
@click.option("--staged", is_flag=True, help="What the next commit would add: for a commit hook.")
@click.option("--logs", is_flag=True, help="Logs: opens .gz, .bz2 and .xz, too.")
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave out files and folders of this name; may be repeated."
)
@click.option(
    "--baseline", metavar="FILE", type=click.Path(path_type=Path), help="What stands in this baseline is known already."
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write what is found as a baseline, and exit with 0.",
)
@click.option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 for a code host; - for standard output.")
@click.option(
    "--known",
    is_flag=True,
    help="Also find, for certain, the keys that this machine's vault holds or its server issued.",
)
@click.option("--no-progress", is_flag=True, help="Don't say how far it is.")
@options.data_dir
@options.as_json
def command(
    *,
    paths: tuple[Path, ...],
    in_history: bool,
    staged: bool,
    logs: bool,
    exclude: tuple[str, ...],
    baseline: Path | None,
    write_baseline: Path | None,
    sarif: str | None,
    known: bool,
    no_progress: bool,
    data_dir: str | None,
    as_json: bool,
) -> int | Coroutine[Any, Any, None]:
    """Find exchange credentials in files, in logs or in a Git repository, before somebody else does.

    Knows keys, secrets and passphrases of KuCoin, Binance, Bitfinex, OKX, Bybit, Kraken and Keywright by their form and by what
    stands around them. Shows no secret. A line that says keywright:allow is passed over. Exits with 15 when something
    is found, with 1 when something could not be read.
    """
    if in_history + staged + logs > 1:
        raise Invalid("--git, --staged and --logs exclude each other")
    if as_json and sarif == "-":
        raise Invalid("--json and --sarif - exclude each other")
    wanted = _Wanted(paths or (Path(),), in_history, staged, logs, exclude, baseline, write_baseline, sarif, as_json)
    if known:
        return _with_known(wanted, data_dir=data_dir, shows_progress=not no_progress)
    return _scan(wanted, None, shows_progress=not no_progress)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for."""

    roots: tuple[Path, ...]
    in_history: bool
    staged: bool
    logs: bool
    exclude: tuple[str, ...]
    baseline: Path | None
    write_baseline: Path | None
    sarif: str | None
    as_json: bool


async def _with_known(wanted: _Wanted, *, data_dir: str | None, shows_progress: bool) -> None:
    """Scan with what the vault and the server of this machine know; this takes their packages."""
    from keywright.app.known_keys import known_keys

    known = await known_keys(options.settings_of(data_dir=data_dir))
    raise click.exceptions.Exit(_scan(wanted, known, shows_progress=shows_progress))


def _scan(wanted: _Wanted, known: Known | None, *, shows_progress: bool) -> int:
    from keywright.scan import reports
    from keywright.scan.files import Unreadable

    passed = reports.read_baseline(_read(wanted.baseline)) if wanted.baseline is not None else frozenset()
    found: list[Finding] = []
    unread: list[Unreadable] = []
    known_already = 0
    with _progress(wanted=shows_progress) as progress:
        for one in _scanned(wanted, known, progress):
            if isinstance(one, Unreadable):
                unread.append(one)
            elif one.hit.digest in passed:
                known_already += 1
            else:
                found.append(one)
    if wanted.write_baseline is not None:
        terminal.write_file(wanted.write_baseline, reports.baseline(found))
        terminal.say(f"{wanted.write_baseline} takes {len(found)} findings as known")
    if wanted.sarif is not None:
        text = reports.sarif(found, version=__version__)
        terminal.out(text.rstrip()) if wanted.sarif == "-" else terminal.write_file(Path(wanted.sarif), text)
    if wanted.as_json:
        terminal.out_json(
            {"findings": [reports.plain(one) for one in found], "unread": [one.args[0] for one in unread]}
        )
    elif wanted.sarif != "-":
        _tell(found, known=known_already)
    for one in unread:
        terminal.say(f"keywright: {one.args[0]} was not read: {one.args[1]}".translate(terminal.CONTROL))
    if found and wanted.write_baseline is None:
        return FOUND
    return 1 if unread else 0


def _scanned(wanted: _Wanted, known: Known | None, progress: Progress) -> Iterator[Finding | Unreadable]:
    from keywright.scan import history
    from keywright.scan.files import paths_under
    from keywright.scan.run import below, scan_added, scan_files

    for root in wanted.roots:
        if not root.exists():
            raise Invalid(f"there is no {root}", hint="name a file, a folder, or with --git a repository")
        if wanted.in_history or wanted.staged:
            history.commits(root)  # says what is wrong with the repository, if anything is
            added = history.staged(root) if wanted.staged else history.history(root)
            yield from scan_added(added, known=known, progress=progress)
        else:
            paths = paths_under(root, exclude=wanted.exclude)
            yield from scan_files(paths, shown=below(root), known=known, unpack=wanted.logs, progress=progress)


def _tell(found: list[Finding], *, known: int) -> None:
    from keywright.scan.reports import WHAT_TO_DO, sentence

    for one in found:
        at = f"{one.commit[:12]}:" if one.commit else ""
        terminal.out(f"{at}{one.path}:{one.hit.line}:{one.hit.column}  {sentence(one)}".translate(terminal.CONTROL))
    if known:
        terminal.say(
            f"The baseline knows {known} that {'is' if known == 1 else 'are'} found here, and passes over them."
        )
    if found:
        terminal.say(f"{len(found)} found. What to do: {WHAT_TO_DO}.")
    elif known:
        terminal.say("No others found.")
    else:
        terminal.say("No exchange credentials found.")


def _progress(*, wanted: bool) -> AbstractContextManager[Progress]:
    if not wanted or not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    return _counting()


@contextmanager
def _counting() -> Iterator[Progress]:
    """Keep a line at the terminal's foot that says how many were looked at; it is gone at the end."""
    began = last = time.monotonic()
    total = 0

    def count(more: int) -> None:
        nonlocal last, total
        total += more
        now = time.monotonic()
        if now - began > PATIENCE_SECONDS and now - last > 0.1:
            last = now
            click.echo(f"\r{total:,} looked at, {total / (now - began):,.0f} a second", nl=False, err=True)

    try:
        yield count
    finally:
        if last != began:
            click.echo("\r\033[K", nl=False, err=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None
