"""Where the settings say that the database is: a URL of its own, or one in a file that nobody else can read."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from keywright.errors import Invalid, Unusable
from keywright.settings import Settings
from keywright.storage.address import Address, parse_address

MOST_BYTES = 4_096


def address_of(settings: Settings) -> Address | None:
    """Return the PostgreSQL database that the settings name; `None`: the embedded one.

    Raises `Unusable` for a file that others can read or change, `Invalid` for one that holds no URL.
    """
    if not settings.database_url_file:
        return settings.database_url
    path = Path(settings.database_url_file).expanduser()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read(MOST_BYTES)
    except OSError as error:
        raise Unusable(f"database_url_file, {path}, can't be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
        raise Unusable(f"database_url_file, {path}, is not a plain file of this user's")
    if status.st_mode & 0o077:
        raise Unusable(
            f"others can read database_url_file, {path} (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )
    try:
        return parse_address(text.decode("utf-8"))
    except ValueError as error:  # never quotes what it could not take
        problem = "is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Invalid(f"database_url_file, {path}: {problem}", field="database_url_file") from None
