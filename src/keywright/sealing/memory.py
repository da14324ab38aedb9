"""One page of memory for a key that stays a while: never written to swap or a core file, not there in a child, wiped at the end.

As far as that goes: whoever is handed the key gets a copy, and Python wipes none of its own.
"""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress

from keywright.secret import Secret


class LockedPage:
    """Holds one secret of up to a page."""

    def __init__(self, secret: Secret) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._length = len(secret.reveal())
        for advice in ("MADV_DONTDUMP", "MADV_DONTFORK"):
            if hasattr(mmap, advice):
                self._page.madvise(getattr(mmap, advice))
        self.is_locked = _lock(self._page)
        self._page[: self._length] = secret.reveal()

    def read(self) -> Secret:
        """Return a copy."""
        return Secret(self._page[: self._length])

    def wipe(self) -> None:
        """Overwrite and give back the page; reading it is an error from then on."""
        with suppress(ValueError):  # wiped before
            self._page[:] = bytes(len(self._page))
            self._page.close()


def _lock(page: mmap.mmap) -> bool:
    """Keep a page out of swap; tell whether the system let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.c_char.from_buffer(page)
    try:
        return bool(libc.mlock(ctypes.c_void_p(ctypes.addressof(held)), ctypes.c_size_t(len(page))) == 0)
    finally:
        del held  # else the page could never be closed


def be_undumpable() -> bool:
    """Let nobody of the same user read this process's memory or trace it (Linux); tell whether that is so now."""
    set_dumpable = 4  # PR_SET_DUMPABLE
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    return prctl is not None and bool(prctl(set_dumpable, 0, 0, 0, 0) == 0)
