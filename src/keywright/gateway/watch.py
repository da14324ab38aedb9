"""What about a key's use its owner should hear of at once (K13). Pure: times and what was known before are handed in.

An address that was not seen for 30 days; ten refusals within a minute; the first use after 30 idle days; two addresses or
two programs within ten minutes. Refusals that are our own fault, or the service's behind us, are none of the owner's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keywright.protocol.refusal import Reason

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

UNSEEN_MS = 30 * DAY_MS
"""An address that was not seen for so long is new."""

IDLE_MS = 30 * DAY_MS
"""A key that was not used for so long is at rest."""

TOGETHER_MS = 10 * MINUTE_MS
"""What happens within so long happens at once."""

BURST, BURST_MS = 10, MINUTE_MS
"""So many refusals within so long are told."""

NEW_ADDRESS, DORMANT, TWO_PLACES = "watch.new_address", "watch.dormant", "watch.two_places"
REFUSED, UNSIGNED, OFF = "watch.refused", "watch.unsigned", "watch.off"

QUIET_MS: Mapping[str, int] = {UNSIGNED: DAY_MS, OFF: DAY_MS}
"""After one notice, how long the next of its kind about the same key waits; an hour where nothing is said here. A day for
what strangers can cause who know no more than a key's id, and for a bot that nobody stopped when its key was switched off.
"""

SAME_PLACES_MS = 7 * DAY_MS
"""Two addresses that were told are not told again as a pair for so long: some people run two bots with one key."""

NOT_THEIRS = frozenset({Reason.NOT_SURE, Reason.UPSTREAM_UNREACHABLE})
SWITCHED_OFF = frozenset({Reason.KEY_DISABLED, Reason.KEY_EXPIRED, Reason.KEY_FROZEN})


def quiet_ms(kind: str) -> int:
    """Return how long a kind of notice about a key waits after the last."""
    return QUIET_MS.get(kind, HOUR_MS)


def is_new_address(last_at: int | None, *, at: int) -> bool:
    """Tell whether an address counts as new, that was last seen then or never."""
    return last_at is None or at - last_at > UNSEEN_MS


def days_at_rest(last_at: int, *, at: int) -> int:
    """Return for how many days a key was not used, or 0 where that is nothing to tell. `last_at`: its last use or making."""
    return (at - last_at) // DAY_MS if at - last_at >= IDLE_MS else 0


def counts(verdict: str) -> bool:
    """Tell whether a verdict is a refusal that its owner should hear of."""
    return bool(verdict) and verdict != "allowed" and verdict not in NOT_THEIRS


def burst(refusals: Iterable[tuple[int, str]]) -> tuple[str, int, str] | None:
    """Return of refusals (time, reason) what kind of burst is among them, of how many, and the last reason; or `None`."""
    ordered = sorted(refusals)
    most: Sequence[tuple[int, str]] = ()
    first = 0
    for last, (at, _) in enumerate(ordered):
        while ordered[first][0] <= at - BURST_MS:
            first += 1
        if last - first + 1 > len(most):
            most = ordered[first : last + 1]
    if len(most) < BURST:
        return None
    reasons = {reason for _, reason in most}
    kind = UNSIGNED if reasons == {Reason.SIGNATURE_MISMATCH} else OFF if reasons <= SWITCHED_OFF else REFUSED
    return kind, len(most), most[-1][1]


def at_once(seen: Mapping[tuple[str, str], int], *, at: int) -> tuple[str, ...]:
    """Return the places a key was used from at once: two addresses or more, else two programs or more, else none.

    `seen` holds when each ("address" or "program", its name) was seen last.
    """
    for sort in ("address", "program"):
        names = sorted(name for (one, name), last in seen.items() if one == sort and at - last < TOGETHER_MS)
        if len(names) > 1:
            return tuple(names)
    return ()
