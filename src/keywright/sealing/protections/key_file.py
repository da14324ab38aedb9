"""A key file: whoever can read it opens the vault, which is never locked where it lies. For machines of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keywright.sealing.protections.wrapped import Surroundings
from keywright.sealing.wrapping import create_wrapping_key, read_wrapping_key
from keywright.secret import Secret


@dataclass(frozen=True, slots=True)
class ByKeyFile:
    """Protect by the key in this file; by the configuration folder's `vault.key` where none is named."""

    path: Path | None = None
    kind = "key-file"

    def make(self, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:  # noqa: ARG002
        """Return where it lies, and the key: one that is there already serves, else a fresh one is written."""
        path = self.path.expanduser().absolute() if self.path else surroundings.key_file
        outer = read_wrapping_key(path) if path.exists() else create_wrapping_key(path)
        return ({"path": str(path)} if self.path else {}), outer


def find(parameters: Mapping[str, Any], surroundings: Surroundings) -> Secret:
    """Return the key in the file. Raises `Unusable` where it can't be read, or others could."""
    named = parameters.get("path")
    return read_wrapping_key(Path(str(named)) if named else surroundings.key_file)
