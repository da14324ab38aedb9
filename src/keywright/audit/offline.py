"""Checks an export against checkpoints: without a database, a keyring or a server, a line at a time.

What it proves: the lines up to the newest checkpoint are, byte for byte and with none left out, those that the holder of
the signing key signed. What nobody can prove without the audit key: that this holder was honest when they signed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from keywright.audit.chain import MAX_LINE, Place, link_of
from keywright.audit.checkpoint import Checkpoint, Comparison
from keywright.audit.events import Kind
from keywright.errors import Unusable

HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Proved:
    """What an export and checkpoints prove of each other."""

    first: int
    last: int
    covered: int
    """The last event that a checkpoint vouches for."""
    checkpoints: int
    """How many said the same as the events here."""
    database_id: str


def verify_export(lines: BinaryIO, checkpoints: Iterable[Checkpoint]) -> Proved:
    """Return what the export proves. `checkpoints` come in order, as `checkpoint.in_order` gives them.

    Raises `Unusable` at the first line or checkpoint that does not hold, and when no checkpoint covers anything.
    """
    comparison, first, place = Comparison(checkpoints), 0, None
    number = 0
    while raw := lines.readline(MAX_LINE + 2):
        number += 1
        line = raw.removesuffix(b"\n")
        if len(line) > MAX_LINE:
            raise Unusable(f"line {number} is longer than any event: this is no export of Keywright's")
        event = _event(line, number)
        seq, previous = event["seq"], event["previous"]
        if place is None:
            first = seq
            if first == 1 and int(previous, 16):
                raise Unusable("event 1 names an event before it: it was altered")
            comparison.begin(previous, after=first - 1)
        elif seq != place.count + 1:
            raise Unusable(f"line {number}: event {place.count + 1} is missing, event {seq} stands in its place")
        elif previous != place.link.hex():
            raise Unusable(
                f"line {number}: event {seq} does not follow from the one before: one of the two was altered"
            )
        place = Place(seq, bytes.fromhex(event["mac"]), link_of(line))
        comparison.see(place)
        if event["kind"] == Kind.CHECKPOINT_MADE:
            comparison.hear(*_noted(event, number), seq=seq)
    if place is None:
        raise Unusable("there is no event in this export", hint="`keywright audit export` writes one")
    comparison.end(place.count, of="this export")
    newest = comparison.newest
    if newest is None or newest.statement.events < first - 1 or not comparison.held:
        raise Unusable(
            f"no checkpoint speaks of events {first} to {place.count}: nothing is proved",
            hint="make one with `keywright audit checkpoint`, and export again",
        )
    return Proved(first, place.count, newest.statement.events, comparison.held, newest.statement.database_id)


def _event(line: bytes, number: int) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise Unusable(f"line {number} is no JSON: the export was cut off or altered") from None
    good = isinstance(event, dict) and type(event.get("seq")) is int and 0 < event["seq"] < 2**63
    if not good or not all(HEX.fullmatch(str(event.get(name))) for name in ("mac", "previous")):
        raise Unusable(f"line {number} is no event: the export was altered, or is of another kind")
    return {"kind": None, **event}


def _noted(event: dict[str, Any], number: int) -> tuple[int, str]:
    try:
        return int(event["version"]), str(event["detail"]["digest"])
    except (TypeError, ValueError, KeyError):
        raise Unusable(f"line {number} tells of a checkpoint, and can't be read: it was altered") from None
