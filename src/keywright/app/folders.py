"""Which files an installation has, and whether they are as private as they must be."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keywright.errors import Unusable
from keywright.setting_files import base_folder, config_folder
from keywright.settings import Settings


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are. The wrapping key lies in another folder than what it opens."""

    data: Path
    config: Path
    stem: str = "keywright"
    """What the database's file is called: `keywright`, or `vault` for the personal vault."""

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.data / f"{self.stem}.db"

    @property
    def wrapping_key(self) -> Path:
        """The key that opens its keyring; of a vault, the one that opens its wrapping key, where a key file does."""
        return self.config / ("wrapping.key" if self.stem == "keywright" else f"{self.stem}.key")

    @property
    def backups(self) -> Path:
        """Copies of the database from before an upgrade."""
        return self.data / "backups"

    @property
    def outbox(self) -> Path:
        """Messages, as files, where no mail server is set up."""
        return self.data / "outbox"

    @property
    def server_note(self) -> Path:
        """Where a running server says how it can be reached."""
        return self.data / "server.json"

    @property
    def server_lock(self) -> Path:
        """Held by the one server of this folder while it runs."""
        return self.data / "server.lock"


def folders_of(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Folders:
    """Return the folders that the settings name; creates nothing."""
    environ = os.environ if environ is None else environ
    if settings.data_dir:
        data = Path(settings.data_dir).expanduser().absolute()
        return Folders(data, data / "config")
    home = base_folder(environ, "XDG_DATA_HOME", ".local/share")
    return Folders(home / "keywright", config_folder(environ))


def check(folders: Folders) -> None:
    """Do nothing if the folders can be used as they are, or made.

    Raises `Unusable` for one that can't be written, and for files or folders that others can change or read.
    """
    for folder in (folders.data, folders.config):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not there.is_dir():
            raise Unusable(f"{there} is not a folder", hint="choose another with --data-dir")
        if not os.access(there, os.W_OK | os.X_OK):
            raise Unusable(
                f"the folder {there} can't be written", hint="choose another with --data-dir, or change its owner"
            )
        if there == folder and there.stat().st_uid != os.geteuid():
            raise Unusable(f"the folder {there} belongs to another user", hint="choose another with --data-dir")
        if there == folder and there.stat().st_mode & 0o022:
            mode = stat.S_IMODE(there.stat().st_mode)
            raise Unusable(
                f"others can change the folder {there} (mode {mode:04o})", hint=f"chmod go-w {shlex.quote(str(there))}"
            )
    for path in (folders.database, Path(f"{folders.database}-wal"), Path(f"{folders.database}-shm")):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise Unusable(f"{path} is not a plain file")
        if path.exists() and path.stat().st_mode & 0o077:
            mode = stat.S_IMODE(path.stat().st_mode)
            raise Unusable(
                f"others can read the database {path} (mode {mode:04o})", hint=f"chmod 600 {shlex.quote(str(path))}"
            )


def make(folders: Folders) -> None:
    """Make the folders, their owner's alone."""
    for folder in (folders.data, folders.config):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unusable(f"the folder {folder} can't be made: {error.strerror}") from None


@contextlib.contextmanager
def hold(lock: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock file while the block runs; the system lets go of it when the process dies.

    Raises `Unusable` when someone else holds it and `wait` is false.
    """
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        elif not _lock(descriptor):
            raise already_running(lock)
        yield
    finally:
        os.close(descriptor)


def copy_before_upgrade(folders: Folders, revision: str | None, now: int) -> Path:
    """Return where the copy of an embedded database goes before it is upgraded."""
    return folders.backups / f"{folders.stem}-{revision}-{now}.db"


def already_running(lock: Path) -> Unusable:
    """Return what to say when another server holds the folder."""
    return Unusable(
        f"a server is running on {lock.parent} already", hint="stop it first, or give this one its own --data-dir"
    )


def is_held(lock: Path) -> bool:
    """Tell whether some process holds the lock file exclusively."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> bool:
    """Take the lock, trying for a fifth of a second: who only looks whether it is held holds it for an instant."""
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False
