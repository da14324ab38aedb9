"""Files of settings: `keywright.toml`, believed only where nobody else could have written it; and where they lie."""

from __future__ import annotations

import os
import pwd
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keywright.errors import Invalid, Unusable


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a file of settings says; nothing where there is none.

    Raises `Unusable` for one that others can change, `Invalid` for one that can't be read.
    """
    try:
        status = path.stat()
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o002:
            raise Unusable(
                f"others can change {path.absolute()}, which says where requests go",
                hint="make it yours alone, or start in another folder",
            )
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path} can't be read: {error}") from None


DESTINATIONS = frozenset({"kucoin_url", "binance_url", "bitfinex_url"})
"""The settings that say where held keys are sent. Commands run in the folders of bots, which others wrote: those have no say."""


def require_own_destinations(here: tuple[str, Mapping[str, Any]], kept: tuple[str, Mapping[str, Any]]) -> None:
    """Do nothing unless the working folder's file, and not the kept one, says where held keys are sent. Raises `Invalid`."""
    (path, content), (own, _) = here, kept
    named = sorted(DESTINATIONS & content.keys())
    if named and not (Path(own).exists() and Path(path).samefile(own)):
        raise Invalid(
            f"{path} in the working folder sets {named[0]}, and would have keys of yours sent there",
            hint=f"if you mean that, set it in {own} or as KEYWRIGHT_{named[0].upper()}",
            field=named[0],
        )


def check_private(path: Path) -> None:
    """Do nothing if only its owner can read a file that holds a password. Raises `Unusable` otherwise."""
    if path.stat().st_mode & 0o077:
        raise Unusable(f"others can read {path}, and a password stands in it", hint="chmod 600, or database_url_file")


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return where configuration lives when no data folder is named (XDG base directories)."""
    return base_folder(environ, "XDG_CONFIG_HOME", ".config") / "keywright"


def base_folder(environ: Mapping[str, str], name: str, default: str) -> Path:
    """Return a base folder of the XDG specification: a relative one counts as not set, and a missing HOME is looked up."""
    named = environ.get(name, "")
    if Path(named).is_absolute():
        return Path(named)
    return Path(environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir) / default
