"""What is known of the key of a rotation that does not serve: kept beside the key that does, and changes places with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keywright.vault.evidence import Probe
from keywright.vault.terms import Accepted


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of the other key."""

    seal: str
    """A digest of what its row shows: the rotation is under the record's MAC, and so is that row."""
    accepted: tuple[Accepted, ...] = ()
    """What speaks against it and was accepted: of this key, and no other."""
    probe: Probe | None = None
    """What it might do when it served last; `None` for a new one, which is asked about at the switch."""
    ends_at: int | None = None
    """When it ends, on its owner's word."""

    def written(self) -> dict[str, Any]:
        """Return it as plain values; `read` is the way back."""
        return {
            "seal": self.seal,
            "accepted": [[one.what, one.by, one.at] for one in self.accepted],
            "probe": None if self.probe is None else self.probe.written(),
            "ends_at": self.ends_at,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any] | None) -> Beside | None:
        """Return what `written` gave; `None` for a rotation that was begun before there was any of this."""
        if kept is None:
            return None
        probe, ends_at = kept["probe"], kept["ends_at"]
        return cls(
            str(kept["seal"]),
            tuple(Accepted(what, by, at) for what, by, at in kept["accepted"]),
            None if probe is None else Probe.read(probe),
            None if ends_at is None else int(ends_at),
        )
