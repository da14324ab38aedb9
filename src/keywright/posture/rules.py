"""What speaks against a key, and what of it to mend first. Pure: the time and the facts are handed in.

1  a record that was altered                              now
2  it can take money out                                  now, or soon where it is bound to addresses
3  it can trade from anywhere                             soon: thieves need no withdrawal, they trade against themselves
4  a way out that nobody could disprove, and was accepted soon; what it may do beside trading: to be looked at again
5  an end that nears or is past, an age of 90 days, 30 idle days
6  what makes a theft harder to see: shared keys, addresses, checks that stopped

What was accepted about addresses is told by 3 and stands among the facts: nobody mends it by hearing of it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keywright.posture.model import Accepted, Concern, Kind, Line, Report, Subject, Weight

DAY_MS = 86_400_000
AGE_DAYS, IDLE_DAYS, SOON_DAYS = 90, 30, 14
CHECK_DAYS = 2
"""After so many days without a check a connection's evidence is old: it is asked for daily."""

TRANSFERS = frozenset({"internal_transfer", "universal_transfer", "transfer"})
ABOUT_ADDRESSES = frozenset({"no-address-filter", "unproven-address-filter"})
UNPROVEN = "unproven-"
NAMES = {
    "fix trade": "trade by FIX",
    "fix read": "read by FIX",
    "funding": "lend",
    "copy trade": "lead trading",
    "settings": "change settings",
    "other": "something not known here",
}
"""What a right is called where its own name would say nothing."""
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
            *_accepted(subject),
            *_end(subject, now),
            *_age(subject, now),
            *_use(subject, now),
            *_held(subject, now),
        )
    return tuple(sorted(found, key=lambda concern: _ORDER[concern.weight]))


def in_words(right: str) -> str:
    """Return what a right is called in a sentence, in English: `internal transfer`."""
    name = right.replace("_", " ").replace("-", " ")
    return NAMES.get(name, name)


def _altered(subject: Subject) -> Iterator[Concern]:
    if not subject.holds:
        yield Concern(
            "altered",
            Weight.NOW,
            "its record was altered outside Keywright, and it can’t be used",
            "find out who can write to the database; then remove the key and make a new one",
        )


def _exits(subject: Subject) -> Iterator[Concern]:
    allowed = {right.name for right in subject.rights if right.allowed}
    weight = Weight.SOON if subject.is_bound else Weight.NOW
    if "withdraw" in allowed:
        yield Concern(
            "can-withdraw",
            weight,
            "it can withdraw money",
            "use a key without that right, unless paying out is all it is for",
        )
    if allowed & TRANSFERS:
        yield Concern(
            "can-transfer",
            weight,
            "it can move money between accounts",
            "use a key without that right, unless moving money is all it is for",
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
            "look at the key’s page at the exchange, or have the key tried from a second address",
        )


def _accepted(subject: Subject) -> Iterator[Concern]:
    for one in subject.exceptions:
        if one.what.startswith(UNPROVEN) and one.what not in ABOUT_ADDRESSES:
            yield Concern(
                "accepted-unproven",
                Weight.SOON,
                "accepted by {by}: nobody can prove whether it may do this ({right})",
                "look at the key’s page at the exchange; better is a key of which it can be proven",
                _values(one),
            )
        elif one.what not in ABOUT_ADDRESSES:
            yield Concern(
                "accepted",
                Weight.WATCH,
                "accepted by {by}: it may do more than trade ({right})",
                "see whether its bot still needs that; if not, use a key without it",
                _values(one),
            )


def _values(one: Accepted) -> dict[str, object]:
    return {"right": in_words(one.what.removeprefix(UNPROVEN)), "by": "its owner" if one.by == "owner" else one.by}


def _end(subject: Subject, now: int) -> Iterator[Concern]:
    if subject.expires_at is None:
        return
    left = subject.expires_at - now
    if left <= 0:
        yield Concern(
            "ended",
            Weight.SOON,
            "it ended, or its right to trade did",
            "renew it at the exchange, or put a new key in its place",
        )
    elif left <= DAY_MS:
        yield Concern("ends-soon", Weight.SOON, "it ends within a day", "rotate it before its bot stands still")
    elif left <= SOON_DAYS * DAY_MS:
        yield Concern(
            "ends-soon",
            Weight.SOON,
            "it ends in {days} days",
            "rotate it before its bot stands still",
            {"days": -(-left // DAY_MS)},
        )


def _age(subject: Subject, now: int) -> Iterator[Concern]:
    days = (now - subject.made_at) // DAY_MS
    if days >= AGE_DAYS and subject.is_rotating:
        yield Concern(
            "old",
            Weight.WATCH,
            "it is {days} days old, and another is to take its place",
            "finish the rotation once its bot uses the new one",
            {"days": days},
        )
    elif days >= AGE_DAYS:
        yield Concern(
            "old",
            Weight.SOON,
            "it is {days} days old",
            "rotate it: a key should serve {most} days at most",
            {"days": days, "most": AGE_DAYS},
        )


def _use(subject: Subject, now: int) -> Iterator[Concern]:
    if subject.knows_use:
        idle = (now - (subject.last_used_at or subject.made_at)) // DAY_MS
        if idle >= IDLE_DAYS:
            yield Concern(
                "idle",
                Weight.WATCH,
                "nobody used it for {days} days",
                "disable it and delete it if nobody needs it: nobody would notice a thief",
                {"days": idle},
            )
    if len(subject.bots) > 1:
        yield Concern(
            "shared",
            Weight.WATCH,
            "{bots} bots share it",
            "give each a key of its own: then it shows which of them did what, and one can be stopped",
            {"bots": len(subject.bots)},
        )


def _held(subject: Subject, now: int) -> Iterator[Concern]:
    if subject.kind is not Kind.CONNECTION:
        return
    if subject.status == "suspended":
        yield Concern(
            "suspended",
            Weight.SOON,
            "it is suspended, and its bot stands still",
            "mend what its last check found, and have it checked again",
        )
    if subject.egress_shared:
        yield Concern(
            "egress-shared",
            Weight.WATCH,
            "its requests leave from an address that serves other connections, too",
            "whoever runs this installation can give it an address of its own",
        )
    if not subject.egress_confirmed:
        yield Concern(
            "egress-unconfirmed",
            Weight.WATCH,
            "nobody saw its address from outside within a day",
            "have it checked: the exchange’s filter is only as good as the address on it",
        )
    if subject.checked_at is not None and now - subject.checked_at > CHECK_DAYS * DAY_MS:
        yield Concern(
            "unchecked",
            Weight.WATCH,
            "what it may do was last asked {days} days ago",
            "have it checked: that is done every day while the server runs",
            {"days": (now - subject.checked_at) // DAY_MS},
        )
