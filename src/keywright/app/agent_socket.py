"""The agent's socket: a folder of mode 0700 first, in it a socket of mode 0600 that never had another, and at each end a look
at who is on the other (SO_PEERCRED): only this user, whatever the folder lets through.
"""

from __future__ import annotations

import os
import shlex
import socket
import stat
import struct
from pathlib import Path

from keywright.errors import Unusable

SOCKET = "agent.sock"
LONGEST = 107
"""Bytes that a socket's path may have (sun_path)."""


def make_folder(folder: Path) -> None:
    """Make the folder of the socket, mode 0700 from its first moment; raises `Unusable` where it is not ours alone."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unusable(
            f"the folder {folder} can't be made: {error.strerror}", hint="is XDG_RUNTIME_DIR right?"
        ) from None
    require_private(folder)


def require_private(folder: Path) -> None:
    """Do nothing if nobody else can reach the folder or put another in its place. Raises `Unusable`."""
    status, above = folder.lstat(), folder.parent.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise Unusable(f"{folder} is not a folder", hint="remove it; the agent's socket lies there")
    if status.st_uid != os.geteuid():
        raise Unusable(f"the folder {folder} belongs to another user", hint="set XDG_RUNTIME_DIR to one of your own")
    if status.st_mode & 0o077:
        raise Unusable(f"others can reach the folder {folder}", hint=f"chmod 700 {shlex.quote(str(folder))}")
    is_shared = above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX
    if above.st_uid not in {0, os.geteuid()} or is_shared:
        raise Unusable(f"others can change the folder {folder.parent}", hint="set XDG_RUNTIME_DIR to one of your own")


def listen(folder: Path) -> socket.socket:
    """Return a socket that listens in the folder. The caller holds the agent's lock, so what lies there is stale.

    Raises `Unusable` when something else than a socket of ours lies at its place.
    """
    path = folder / SOCKET
    if len(os.fsencode(path)) > LONGEST:
        raise Unusable(f"the path {path} is too long for a socket", hint="set XDG_RUNTIME_DIR to a shorter one")
    if os.path.lexists(path):
        status = path.lstat()
        if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
            raise Unusable(
                f"{path} is in the way: it is no socket of this user's", hint="look what it is, and remove it"
            )
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before it has a name: Linux makes the name with this mode, less the umask
        listener.bind(str(path))
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise Unusable(f"the agent can't listen at {path}: {error.strerror}") from None
    return listener


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return which file lies there, so that another in its place shows; `None` where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def connect(folder: Path, *, timeout: float) -> socket.socket | None:
    """Return a connection to the agent; `None` where none runs.

    Raises `Unusable` when who listens there is not this user: nothing is sent to them.
    """
    path = folder / SOCKET
    if not os.path.lexists(path):
        return None
    require_private(folder)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):  # left by one that was killed
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise Unusable(
            f"the agent at {path} can't be reached: {error}", hint="look what it is, and remove it"
        ) from None
    if not is_ours(connection):
        connection.close()
        raise Unusable(f"another user listens at {path}", hint="tell the administrator of this machine")
    return connection


def is_ours(connection: socket.socket) -> bool:
    """Tell whether the process at the other end was this user's when it connected or listened."""
    if not hasattr(socket, "SO_PEERCRED"):
        raise Unusable("the agent needs Linux", hint="protect the vault by a key file, or the keyring of the desktop")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return bool(uid == os.geteuid())
