"""Whether a key may be taken for what its connection is for: as any key, or as a master's, which makes keys itself. Pure.

A master key is for nothing but rotation, so it may read and nothing else, works from this connection's address alone, and is
taken only once its owner accepted by name what it is. At KuCoin each key of a main account that reads can make keys of its
sub-accounts, trading ones too (docs/vault-venues.md): the list of addresses is all that holds it. So of a bot's key of a main
account its owner is warned; it is taken, for most people have no sub-accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from keywright.vault.evidence import Exchange, Probe, Right
from keywright.vault.preflight import (
    BEYOND_TRADING,
    EXITS,
    OUT,
    Code,
    Finding,
    Severity,
    gravity,
    judge,
    values_of,
    weighed,
)
from keywright.vault.terms import Purpose
from keywright.vault.words import Words

AUTOMATIC = frozenset({Exchange.KUCOIN})
"""Exchanges that document how a master key lists, makes and deletes its sub-accounts' keys; the list is what finds a key again
that was made when the answer was lost."""

ACCEPT_MASTER = "sub-account-keys"
"""What the owner of a master key accepts by name: that it makes and deletes keys of sub-accounts."""


def judge_for(
    purpose: Purpose, probe: Probe, *, egress_address: str, accepted: Collection[str] = (), now: int
) -> tuple[Finding, ...]:
    """Return all that was found about a key that is to serve this purpose, the gravest first."""
    if purpose is Purpose.BOTS:
        of_a_bot = judge(probe, egress_address=egress_address, accepted=accepted, now=now)
        return tuple(sorted([*of_a_bot, *_of_a_main_account(probe)], key=gravity))
    # What can be accepted of a bot's key can't of a master's: another box, or no list of addresses.
    found = [
        replace(one, accept="")
        for one in judge(probe, egress_address=egress_address, now=now)
        if one.code not in (Code.BEYOND_TRADING, Code.NO_TRADE)
    ]
    return tuple(sorted([*found, *(weighed(one, accepted) for one in _of_a_master(probe))], key=gravity))


def _of_a_main_account(probe: Probe) -> Iterator[Finding]:
    if probe.exchange not in AUTOMATIC or probe.sub_account or not probe.may(Right.READ):
        return
    texts = Words(
        "this is a key of your main account, and by {exchange}'s rules such a key can make and delete keys of your "
        "sub-accounts, keys that trade too",
        "no box takes that away. Leave this connection's address alone under “{filter}” ({page}). Better: give the bot a "
        "sub-account and make its key there, for that one can't",
    )
    yield Finding(Code.MAKES_KEYS, Severity.WARNING, texts, values_of(probe, Right.READ), Right.READ)


def _of_a_master(probe: Probe) -> Iterator[Finding]:
    values = values_of(probe, Right.READ)
    if probe.exchange not in AUTOMATIC:
        texts = Words(
            "{exchange} has no call by which a master key could rotate others that is documented well enough",
            "rotate each key of {exchange} by hand: `keywright vault rotate` says how",
        )
        yield Finding(Code.NO_MASTER, Severity.REFUSED, texts, values, Right.READ, OUT)
        return
    if probe.sub_account:
        texts = Words(
            "this key belongs to the sub-account {sub}, and can't make keys of others",
            "make a key of the main account at {exchange} ({page})",
        )
        yield Finding(Code.NO_MASTER, Severity.REFUSED, texts, values | {"sub": probe.sub_account}, Right.READ, OUT)
    beyond = {Right.TRADE, Right.FUTURES, *BEYOND_TRADING[probe.exchange]} - {*EXITS, Right.OTHER}
    for one in probe.evidence:
        if one.right in beyond and one.allowed:
            texts = Words(
                "this key can do more than a master key needs ({said})",
                "untick “{box}” on the key's page at {exchange} ({page}): a master key makes and deletes keys, and needs no "
                "box but “{read}”",
            )
            said = values_of(probe, one.right, one.said) | {"read": values["box"]}
            yield Finding(Code.BEYOND_TRADING, Severity.REFUSED, texts, said, one.right, OUT)
    texts = Words(
        "this key can make and delete keys of every sub-account, keys that trade too",
        "accept that by name: the connection then serves to rotate keys and nothing else, and no program is handed it",
    )
    yield Finding(Code.MAKES_KEYS, Severity.REFUSED, texts, values, Right.READ, OUT, accept=ACCEPT_MASTER)
