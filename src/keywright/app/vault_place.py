"""Where a personal vault's things are, and whether they are as private as they must be. Creates nothing.

The vault lies in the data folder, what is remembered of it in the state folder (so that an older copy of the file shows),
its agent's socket in the runtime folder. With `--data-dir DIR` the first is DIR, the second DIR/state.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keywright.app import folders as files
from keywright.app.folders import Folders, folders_of
from keywright.errors import Busy, Unusable
from keywright.setting_files import base_folder
from keywright.settings import Settings

STEM = "vault"
NETWORKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "afs"})
"""File systems of other machines: locks and the order of writes can't be relied on there, and others keep copies."""

MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where things are."""

    folders: Folders
    state: Path
    runtime: Path
    """Folder of the agent's socket."""

    @property
    def note(self) -> Path:
        """What this machine remembers of the vault."""
        return self.state / "vault.json"

    @property
    def attempts(self) -> Path:
        """Held while a passphrase is tried: one at a time."""
        return self.state / "attempts.lock"

    @property
    def name(self) -> str:
        """The vault's file, for people."""
        return str(self.folders.database)

    def has_vault(self) -> bool:
        """Tell whether anything lies where the vault's file would."""
        return os.path.lexists(self.folders.database)


def vault_place_of(settings: Settings, *, environ: Mapping[str, str] | None = None) -> VaultPlace:
    """Return where the settings' vault is."""
    environ = os.environ if environ is None else environ
    base = folders_of(settings, environ=environ)
    folders = Folders(base.data, base.config, STEM)
    state = (
        base.data / "state"
        if settings.data_dir
        else base_folder(environ, "XDG_STATE_HOME", ".local/state") / "keywright"
    )
    return VaultPlace(folders, state, _runtime(environ, state))


def _runtime(environ: Mapping[str, str], state: Path) -> Path:
    """Return the folder for sockets: the session's, else the state folder's own (cron and `su` have no session)."""
    named = Path(environ.get("XDG_RUNTIME_DIR", ""))
    usual = Path(f"/run/user/{os.geteuid()}")
    if named.is_absolute():
        return named / "keywright"
    return usual / "keywright" if usual.is_dir() else state / "run"


@contextlib.contextmanager
def using(place: VaultPlace) -> Iterator[None]:
    """Keep the vault's file from being replaced while the block runs; waits while one is being put in its place."""
    with _locked(place, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def require_unused(place: VaultPlace) -> Iterator[None]:
    """Keep everybody out of the vault's file while the block runs. Raises `Busy` while a command has it open."""
    try:
        with _locked(place, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
    except BlockingIOError:
        raise Busy("a command has the vault open", hint="let it end, and try again") from None


@contextlib.contextmanager
def _locked(place: VaultPlace, how: int) -> Iterator[None]:
    lock = place.folders.data / "vault-open.lock"
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def make_state(place: VaultPlace) -> None:
    """Make the state folder, its owner's alone."""
    try:
        place.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unusable(f"the folder {place.state} can't be made: {error.strerror}") from None
    _require_ours(place.state)


def require_vault(place: VaultPlace) -> None:
    """Do nothing if there is a vault that only its owner can reach. Raises `Unusable` saying what to mend."""
    files.check(place.folders)
    if not place.has_vault():
        raise Unusable(
            f"there is no vault in {place.folders.data}", hint="`keywright vault init` makes one; is --data-dir right?"
        )
    require_own_file(place.folders.database)
    require_private_folders(place)


def require_private_folders(place: VaultPlace) -> None:
    """Do nothing if the vault's folders are this user's alone, on a disk of this machine. Raises `Unusable`.

    Others may look into the configuration folder, whose settings may well be shared; `folders.check` keeps them from
    changing it, and a key file in it is looked at by itself.
    """
    for folder in (place.folders.data, place.state):
        if folder.exists():
            _require_ours(folder)
    kind = file_system_of(place.folders.data, MOUNTS.read_text("utf-8") if MOUNTS.exists() else "")
    if kind in NETWORKS:
        raise Unusable(
            f"{place.folders.data} is on a network ({kind}), where a vault can't be kept safely",
            hint="keep it on a disk of this machine: --data-dir, or XDG_DATA_HOME",
        )


def require_own_file(path: Path) -> None:
    """Do nothing if this is a plain file of this user's alone, under one name. Raises `Unusable`."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise Unusable(f"{path} is not a plain file")
    if status.st_uid != os.geteuid():
        raise Unusable(f"{path} belongs to another user", hint=f"chown {os.geteuid()} {shlex.quote(str(path))}")
    if status.st_nlink != 1:
        raise Unusable(f"{path} has a second name (a hard link), by which others may reach it", hint="remove the other")
    if status.st_mode & 0o077:
        raise Unusable(
            f"others can reach {path} (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def _require_ours(folder: Path) -> None:
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise Unusable(f"{folder} is not a folder")
    if status.st_uid != os.geteuid():
        raise Unusable(f"the folder {folder} belongs to another user", hint="choose another with --data-dir")
    if status.st_mode & 0o077:
        raise Unusable(
            f"others can reach the folder {folder} (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 700 {shlex.quote(str(folder))}",
        )


def file_system_of(path: Path, mounts: str) -> str:
    """Return the kind of file system that `path` lies on, by what the kernel says is mounted; empty if it does not say."""
    resolved, found = path.resolve(), ("", "")
    for line in mounts.splitlines():
        head, _, tail = line.partition(" - ")
        columns = head.split()
        if len(columns) < 5 or not tail:
            continue
        point = columns[4].replace("\\040", " ")
        if resolved.is_relative_to(point) and len(point) >= len(found[0]):
            found = point, tail.split()[0]
    return found[1]
