"""The wrapping keys that an agent holds, and when it drops them: asked to, unused for too long, or the machine slept.

Pure but for the page of memory that each key lies in: the machine's time is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from keywright.clock import MachineTime
from keywright.sealing.memory import LockedPage
from keywright.secret import Secret

SLEPT_MS = 1_000
"""More sleep than that was a suspend; less is how far two readings of a clock lie apart."""


@dataclass(slots=True)
class _Held:
    page: LockedPage
    idle_ms: int
    used_at: int
    slept_ms: int


class HeldKeys:
    """Keys by vault."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, vault: str, key: Secret, *, idle_ms: int, now: MachineTime) -> None:
        """Hold a vault's key until it was not asked for during `idle_ms`; it takes the place of one held before."""
        self.drop(vault)
        self._held[vault] = _Held(LockedPage(key), idle_ms, now.ran_ms, now.slept_ms)

    def give(self, vault: str, *, now: MachineTime) -> Secret | None:
        """Return a copy of a vault's key, which counts as use; `None` where none is held any more."""
        self.expire(now)
        held = self._held.get(vault)
        if held is None:
            return None
        held.used_at = now.ran_ms
        return held.page.read()

    def left_ms(self, vault: str, *, now: MachineTime) -> int | None:
        """Return how long a vault's key stays if nobody asks for it; `None` where none is held. Looking is no use."""
        self.expire(now)
        held = self._held.get(vault)
        return None if held is None else held.used_at + held.idle_ms - now.ran_ms

    def drop(self, vault: str | None = None) -> int:
        """Wipe one vault's key, or all; return how many there were."""
        names = [name for name in self._held if vault in {None, name}]
        for name in names:
            self._held.pop(name).page.wipe()
        return len(names)

    def expire(self, now: MachineTime) -> int:
        """Wipe what was unused for too long, or lay there while the machine slept; return how many."""
        return sum(
            self.drop(name)
            for name, held in list(self._held.items())
            if now.ran_ms - held.used_at >= held.idle_ms or now.slept_ms - held.slept_ms > SLEPT_MS
        )
