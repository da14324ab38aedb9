"""Compiles the optional part of the protocol when Keywright is built, for a wheel or an editable install.

Rule: it never stops an installation. Without a C compiler, Python's headers or OpenSSL's, or with `KEYWRIGHT_PURE=1`, what
is built is pure Python, and does the same. `keywright.is_native()` tells which it was.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "src/keywright/protocol/_native.c"
MADE = "src/keywright/protocol/_native.abi3.so"
FLAGS = ["-O3", "-fPIC", "-fvisibility=hidden", "-fstack-protector-strong", "-Wall", "-Wextra"]
TAG = "cp311-abi3"


class CompileNative(BuildHookInterface[Any]):
    """Adds the compiled part to what is built, where it can be made."""

    PLUGIN_NAME = "custom"
    _made: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Leave the compiled part beside its source for an editable install, and name it in `build_data` for a wheel; or
        leave none, and say why."""
        root = Path(self.root)
        editable = version == "editable"
        made = root / MADE if editable else Path(self.directory, f".{Path(MADE).name}.{os.getpid()}")
        made.parent.mkdir(parents=True, exist_ok=True)
        made.unlink(missing_ok=True)  # of another day
        why = "KEYWRIGHT_PURE is set" if os.environ.get("KEYWRIGHT_PURE", "0") != "0" else compiled(root / SOURCE, made)
        if why:
            self.app.display_warning(f"the protocol is not compiled, Python does its work: {why}")
        elif not editable:
            self._made = made
            build_data["force_include"][str(made)] = MADE.removeprefix("src/")
            build_data["pure_python"] = False
            build_data["tag"] = f"{TAG}-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing but the wheel."""
        if self._made is not None:
            self._made.unlink()


def compiled(source: Path, made: Path) -> str:
    """Compile `source`; return nothing, or in a few words why that could not be done."""
    program = shlex.split(os.environ.get("LDSHARED") or sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if os.environ.get("CC"):
        program = [*shlex.split(os.environ["CC"]), *program[1:]]
    elif shutil.which(program[0]) is None:  # what built this Python need not be here
        program[0] = "cc"
    under_way = made.with_name(f"{made.name}.{os.getpid()}")  # so that no process ever loads half of it
    include = sysconfig.get_path("include")
    command = [
        *program,
        *FLAGS,
        f"-I{include}",
        *_openssl("--cflags"),
        str(source),
        "-o",
        str(under_way),
        *_openssl("--libs"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode == 0:
            under_way.replace(made)
            return ""
        errors = [line.strip() for line in done.stderr.splitlines() if "error" in line] or ["the compiler failed"]
        return errors[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no C compiler that works ({error})"
    finally:
        under_way.unlink(missing_ok=True)


def _openssl(what: str) -> list[str]:
    """Return where OpenSSL's headers and library are, as pkg-config tells it; else what is usual."""
    usual = ["-lcrypto"] if what == "--libs" else []
    try:
        told = subprocess.run(
            ["pkg-config", what, "libcrypto"], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return usual
    return shlex.split(told.stdout) if told.returncode == 0 else usual


def _platform() -> str:
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
