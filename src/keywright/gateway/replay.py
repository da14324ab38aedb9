"""Time and one-time use, the pure part: is a stated time near ours, and by what is a request recognised again."""

from __future__ import annotations

import hashlib

from keywright.protocol.refusal import Reason, Refused

WIDEST_WINDOW_MS = 30_000
"""The widest window an operator may set. Requests are remembered for it even while a narrower one is in force: it may be
widened at the next start."""


def skew_within(timestamp_ms: int, *, now: int, window_ms: int) -> int:
    """Return how far the stated time is ahead of ours, in ms (negative: behind).

    Raises `Refused` (timestamp_out_of_window, with `skew_ms`) when it is further than `window_ms`; exactly that far is near.
    """
    skew = timestamp_ms - now
    if abs(skew) > window_ms:
        raise Refused(Reason.TIMESTAMP_OUT_OF_WINDOW, skew_ms=skew, window_ms=window_ms, timestamp_ms=timestamp_ms)
    return skew


def fingerprint(key_id: str, signature: bytes) -> bytes:
    """Return by what a request is recognised when it comes again: 32 bytes from its key and its MAC.

    The MAC covers time, method, target and body, so a second request with it is the same request. Only canonical
    base64 reaches this, so one MAC has one spelling.
    """
    return hashlib.sha256(key_id.encode() + b"\0" + signature).digest()


def forget_at(timestamp_ms: int) -> int:
    """Return until when a request must be remembered: from then on its time is out of any window anyway."""
    return timestamp_ms + WIDEST_WINDOW_MS + 1
