"""`differential`: tells apart what an exchange merges into one refusal, by questions that move nothing.

    1  does it answer at all, and what time is it there        network, exchange, clock
    2  what does it say to the key, from its own address       its own words; well, if it says what the key may do
    3  what does it say to the key with another secret         another answer: the key is known, so it is the right or the secret
    4  what does it say from a second address                  let in: it is the address
    5  is the key known in another environment                 known: it is the environment

In 3 and 5 the request is signed with a secret thrown together for it: nothing that anybody could use goes to where the key
does not belong.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import NamedTuple

from keywright.protocol.refusal import Reason
from keywright.secret import Secret
from keywright.vault import factors
from keywright.vault.client import Denied, VenueClient, is_bound
from keywright.vault.clocks import ClockOff, is_worrying
from keywright.vault.diagnosis import Diagnosis, certain, explain, named
from keywright.vault.evidence import Credentials, KeyKind, Probe, Right
from keywright.vault.factors import Factor
from keywright.vault.venues.venue import NotUnderstood
from keywright.vault.wire import Unreachable
from keywright.vault.wire_reply import Reply
from keywright.vault.words import Words


class Found(NamedTuple):
    """A diagnosis, and what the key may do where the exchange told."""

    diagnosis: Diagnosis
    probe: Probe | None = None


async def differential(
    client: VenueClient,
    credentials: Credentials,
    *,
    address: str = "",
    refused: Reply | None = None,
    wanted: Right | None = None,
    second: VenueClient | None = None,
) -> Found:
    """Return what is to blame, as certainly as questions can make it.

    `client` leaves from the connection's own address, which the exchange sees as `address`. `refused` is the answer that
    somebody wonders about and `wanted` the right it needed, where they are known; `second` leaves from another address.
    """
    exchange = client.exchange
    if refused is not None:
        told = explain(exchange, refused, address=address)
        if told.is_certain and told.factor is not Factor.PERMISSION:
            return Found(told)
    # 1, 2
    try:
        probe = await client.probe(credentials)
    except ClockOff as off:
        return Found(_of(client, Factor.CLOCK, Words(*off.texts), **off.values))
    except Unreachable as unreachable:
        return Found(_of(client, Factor.NETWORK, Words(*unreachable.texts), **unreachable.values))
    except NotUnderstood:
        return Found(_of(client, Factor.UNKNOWN, factors.NOT_KNOWN))
    except Denied as denied:
        return Found(await why_denied(client, credentials, denied.reply, address=address, second=second))
    return Found(_well(client, probe, refused, wanted, address), probe)


async def why_denied(
    client: VenueClient,
    credentials: Credentials,
    reply: Reply,
    *,
    address: str = "",
    second: VenueClient | None = None,
) -> Diagnosis:
    """Return what is to blame where the exchange refused to say what a key may do: steps 3 to 5, where its words leave a choice."""
    told = explain(client.exchange, reply, address=address)
    if told.factors == (Factor.PERMISSION,):
        box = client.venue.boxes[Right.READ]
        return certain(told, Factor.PERMISSION, factors.NO_RIGHT_BOX, box=box)
    return told if told.is_certain else named(await _told_apart(client, credentials, told, second), address)


def _well(client: VenueClient, probe: Probe, refused: Reply | None, wanted: Right | None, address: str) -> Diagnosis:
    """Return what is to blame for a refusal when the key itself is taken: what the key may not do."""
    proved = [f"{client.exchange.title} told what this key may do: key, secret, clock and address are right"]
    offset = client.time.offset
    if offset is not None and is_worrying(offset, client.venue.budget):
        where = "ahead of" if offset.skew_ms > 0 else "behind"
        proved.append(
            f"this machine's clock is {abs(offset.skew_ms) / 1000:.1f} seconds {where} {client.exchange.title}'s; here that "
            "is corrected, and a program that signs by itself may be refused for it"
        )
    if wanted is not None and wanted not in client.venue.boxes:
        right = wanted.value.replace("_", " ")
        return replace(_of(client, Factor.ACCOUNT, factors.NO_BOX, right=right), proved=tuple(proved))
    if wanted is not None and not probe.may(wanted):
        box = client.venue.boxes[wanted]
        return replace(_of(client, Factor.PERMISSION, factors.NO_RIGHT_BOX, box=box), proved=tuple(proved))
    if refused is None:
        return replace(_of(client, Factor.NOTHING, factors.ALL_WELL), proved=tuple(proved))
    told = explain(client.exchange, refused, address=address)
    if Factor.PERMISSION in told.factors:
        return replace(certain(told, Factor.PERMISSION, factors.NO_RIGHT), proved=tuple(proved))
    return replace(certain(told, Factor.NOTHING, factors.ALL_WELL), proved=tuple(proved))


async def _told_apart(
    client: VenueClient, credentials: Credentials, told: Diagnosis, second: VenueClient | None
) -> Diagnosis:
    proved: list[str] = []
    # 3
    can_tell = {Factor.PERMISSION, Factor.SECRET} & set(told.factors) and Factor.ADDRESS in told.factors
    other = await _asked(client, _thrown_together(credentials)) if can_tell else None
    if other is not None:
        answers = client.reasons(other)
        if Reason.SIGNATURE_MISMATCH in answers[:1] and Factor.PERMISSION in told.factors:
            proved.append("with another secret the answer is another: the key is known, and taken from this address")
            return replace(certain(told, Factor.PERMISSION, factors.NO_RIGHT), proved=tuple(proved))
        proved.append("with another secret the answer is the same")
        # Bitfinex is known to say that of a wrong signature, too: there the secret stays a suspect.
        told = _without(told, Factor.PERMISSION)
        if Factor.SECRET not in told.factors:
            told = replace(told, words=factors.KEY_OR_ADDRESS)
    # 4
    if second is not None and Factor.ADDRESS in told.factors:
        if await is_bound(second, credentials) is False:
            proved.append("from a second address it is let in")
            return replace(certain(told, Factor.ADDRESS, factors.FOREIGN), proved=tuple(proved))
        proved.append("from a second address it is refused as well")
    # 5
    if Factor.ENVIRONMENT in told.factors:
        for name, origin in client.ways.environments(client.exchange).items():
            async with VenueClient(client.exchange, client.egress, client.ways, origin=origin) as there:
                said = await _asked(there, _thrown_together(credentials))
                known = Reason.SIGNATURE_MISMATCH, Reason.PASSPHRASE_MISMATCH
                if said is not None and set(there.reasons(said)[:1]) & set(known):
                    proved.append(f"{name} knows the key")
                    elsewhere = certain(told, Factor.ENVIRONMENT, factors.OTHER_ENVIRONMENT, other=name)
                    return replace(elsewhere, proved=tuple(proved))
            proved.append(f"{name} does not know the key")
    return replace(told, proved=tuple(proved))


async def _asked(client: VenueClient, credentials: Credentials) -> Reply | None:
    """Return the answer to the question for permissions; `None` where none came, or none from the exchange."""
    call = client.venue.permissions
    try:
        reply = await client.send(credentials, call.method, call.target, call.body)
    except (Unreachable, ClockOff, Denied, NotUnderstood):
        return None
    return None if reply.is_page else reply


def _thrown_together(credentials: Credentials) -> Credentials:
    """Return the same key with a secret and passphrase that are nobody's."""
    return Credentials(
        credentials.exchange,
        credentials.key,
        Secret(secrets.token_hex(32)),
        Secret(secrets.token_hex(8)) if credentials.passphrase is not None else None,
        KeyKind.HMAC,
    )


def _without(told: Diagnosis, *gone: Factor) -> Diagnosis:
    return replace(told, factors=tuple(one for one in told.factors if one not in gone))


def _of(client: VenueClient, factor: Factor, words: Words, **values: object) -> Diagnosis:
    shared = {"exchange": client.exchange.title, "page": client.venue.key_page}
    return Diagnosis((factor,), words, shared | values, exchange=client.exchange.title)
