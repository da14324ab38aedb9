"""What a bot complained of, explained from its words and from what its key was last found to do: nobody is asked. Pure."""

from __future__ import annotations

from dataclasses import replace

from keywright.vault import factors
from keywright.vault.diagnosis import Diagnosis, certain, recognise
from keywright.vault.evidence import Exchange, Probe, Right
from keywright.vault.factors import Factor
from keywright.vault.venues.known import VENUES
from keywright.vault.words import Words

MISSING_PERHAPS = {Factor.PERMISSION, Factor.UNKNOWN, Factor.REQUEST}


def explained(text: str, *, probe: Probe, address: str, wanted: Right | None = None) -> Diagnosis | None:
    """Return what is to blame; `None` where the key may do that, and no words say more.

    `text` is what the exchange answered or the bot logged, perhaps nothing; `wanted` what the bot tried.
    """
    exchange = probe.exchange
    told = recognise(text, exchange=exchange, address=address) if text.strip() else None
    is_right = wanted is not None and (told is None or bool(MISSING_PERHAPS & set(told.factors)))
    if wanted is not None and is_right and not probe.may(wanted):
        boxes = VENUES[exchange].boxes
        if wanted in boxes:
            return _of(exchange, Factor.PERMISSION, factors.NO_RIGHT_BOX, box=boxes[wanted])
        if told is None:
            return _of(exchange, Factor.ACCOUNT, factors.NO_BOX, right=wanted.value.replace("_", " "))
    if told is not None:
        return _without_what_it_may(told, probe, wanted)
    return _of(exchange, Factor.UNKNOWN, factors.NOT_KNOWN) if text.strip() else None


def _without_what_it_may(told: Diagnosis, probe: Probe, wanted: Right | None) -> Diagnosis:
    """Return it without a missing right as a cause, where that right is there."""
    if wanted is None or not probe.may(wanted) or told.factors == (Factor.PERMISSION,):
        return told
    rest = tuple(one for one in told.factors if one is not Factor.PERMISSION)
    return certain(told, rest[0], told.words) if len(rest) == 1 else replace(told, factors=rest)


def _of(exchange: Exchange, factor: Factor, words: Words, **values: object) -> Diagnosis:
    venue = VENUES[exchange]
    shared = {"exchange": exchange.title, "page": venue.key_page, "filter": venue.filter_name}
    return Diagnosis((factor,), words, shared | values, exchange=exchange.title)
