"""What speaks against a key, and what of it to mend first. Pure: the time and the facts are handed in.

1  a record that was altered                              now
2  it can take money out                                  now, or soon where it is bound to addresses
3  it can trade from anywhere                             soon: thieves need no withdrawal, they trade against themselves
4  what nobody could prove, and was accepted              soon
5  an end that nears, an age of 90 days, 30 idle days     soon or watch
6  what makes a theft harder to see: shared keys, addresses
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keywright.posture.model import Concern, Kind, Line, Report, Subject, Weight

DAY_MS = 86_400_000
AGE_DAYS, IDLE_DAYS, SOON_DAYS = 90, 30, 14
CHECK_DAYS = 2
"""After so many days without a check a connection's evidence is old: it is asked for daily."""

EXITS = frozenset({"withdraw", "internal_transfer", "universal_transfer", "transfer"})
_ORDER = {Weight.NOW: 0, Weight.SOON: 1, Weight.WATCH: 2, None: 3}


def report(subjects: Iterable[Subject], *, now: int) -> Report:
    """Return every key with what speaks against it: what to mend first on top, then by age."""
    lines = [Line(subject, judge(subject, now=now)) for subject in subjects]
    return Report(
        now, tuple(sorted(lines, key=lambda line: (_ORDER[line.weight], line.subject.made_at, line.subject.id)))
    )


def judge(subject: Subject, *, now: int) -> tuple[Concern, ...]:
    """Return what speaks against a key, the gravest first. Against one that is off, only that it was altered."""
    found = [*_altered(subject)]
    if subject.is_on:
        found += (
            *_exits(subject),
            *_unbound(subject),
            *_unproven(subject),
            *_time(subject, now),
            *_seeing(subject, now),
        )
    return tuple(sorted(found, key=lambda concern: _ORDER[concern.weight]))


def _altered(subject: Subject) -> Iterator[Concern]:
    if not subject.holds:
        yield Concern(
            "altered",
            Weight.NOW,
            "its record was altered outside Keywright, and it can’t be used",
            "find out who can write to the database; then remove the key and make a new one",
        )


def _exits(subject: Subject) -> Iterator[Concern]:
    for right in subject.rights:
        if right.name in EXITS and right.allowed:
            yield Concern(
                "way-out",
                Weight.SOON if subject.is_bound else Weight.NOW,
                "money can leave with it ({right})",
                "make a key without that right, unless paying out is all it is for",
                {"right": right.name},
            )


def _unbound(subject: Subject) -> Iterator[Concern]:
    moves = any(right.allowed and right.name != "read" for right in subject.rights)
    if subject.is_bound is False and moves:
        yield Concern(
            "any-address",
            Weight.SOON,
            "it can be used from any address",
            "bind it to the address its bot runs at: a stolen key is worth nothing elsewhere",
        )
    elif subject.is_bound is None and moves:
        yield Concern(
            "address-unproven",
            Weight.WATCH,
            "nobody can prove that it is bound to addresses",
            "look at the key’s page at the exchange, and have it checked from a second address",
        )


def _unproven(subject: Subject) -> Iterator[Concern]:
    for one in subject.exceptions:
        yield Concern(
            "exception",
            Weight.SOON,
            "“{what}” was accepted by {by}",
            "see whether it is still wanted; else make a key without it",
            {"what": one.what, "by": one.by},
        )


def _time(subject: Subject, now: int) -> Iterator[Concern]:
    if subject.expires_at is not None and subject.expires_at - now <= SOON_DAYS * DAY_MS:
        days = max(0, -(-(subject.expires_at - now) // DAY_MS))
        yield Concern(
            "ends-soon", Weight.SOON, "it ends in {days} days", "rotate it before its bot stands still", {"days": days}
        )
    age = (now - subject.made_at) // DAY_MS
    if age >= AGE_DAYS:
        yield Concern("old", Weight.SOON, "it is {days} days old", "rotate it: 90 days are enough", {"days": age})
    if subject.knows_use:
        idle = (now - (subject.last_used_at or subject.made_at)) // DAY_MS
        if idle >= IDLE_DAYS:
            yield Concern(
                "idle",
                Weight.WATCH,
                "nobody used it for {days} days",
                "disable or delete what nobody needs",
                {"days": idle},
            )


def _seeing(subject: Subject, now: int) -> Iterator[Concern]:
    if subject.status == "suspended":
        yield Concern(
            "suspended",
            Weight.SOON,
            "it is suspended, and its bot stands still",
            "mend what its last check found, and check it again",
        )
    if len(subject.bots) > 1:
        yield Concern(
            "shared",
            Weight.WATCH,
            "{bots} bots share it",
            "give each a key of its own: then it shows which of them did what, and one can be stopped",
            {"bots": len(subject.bots)},
        )
    if subject.kind is not Kind.CONNECTION:
        return
    if subject.egress_shared:
        yield Concern(
            "egress-shared",
            Weight.WATCH,
            "its egress address serves other connections, too",
            "add an address to the pool, and reserve it for this one",
        )
    if not subject.egress_confirmed:
        yield Concern(
            "egress-unconfirmed",
            Weight.WATCH,
            "nobody saw its egress address from outside within a day",
            "check the connection: the exchange’s filter is only as good as the address on it",
        )
    if subject.checked_at is not None and now - subject.checked_at > CHECK_DAYS * DAY_MS:
        days = (now - subject.checked_at) // DAY_MS
        yield Concern(
            "unchecked",
            Weight.WATCH,
            "what it may do was last asked {days} days ago",
            "check it, or let the server run",
            {"days": days},
        )
