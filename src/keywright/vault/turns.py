"""What a connection's record says once its keys have changed places: all that is about a key goes with the key. Pure."""

from __future__ import annotations

from dataclasses import replace

from keywright.vault.beside import Beside
from keywright.vault.evidence import Probe
from keywright.vault.model import HeldKey, Record, Status
from keywright.vault.rotation import require
from keywright.vault.seals import seal_of


def switched(record: Record, new: HeldKey, before: HeldKey, probe: Probe, *, now: int) -> Record:
    """Return the record once the new key serves, of which `probe` was said just now. Raises `Conflict`."""
    rotation = require(record.rotation)
    beside = Beside(seal_of(before), record.accepted, record.probe, record.terms.ends_at)
    return replace(
        record,
        held_key_id=new.id,
        accepted=rotation.accepted(record.accepted),
        probe=probe,
        checked_at=now,
        reasons=_reasons(record),
        terms=replace(record.terms, ends_at=None),
        rotation=rotation.switched(before.id, beside=beside, now=now),
    )


def gone_back(record: Record, serving: HeldKey) -> Record:
    """Return the record once the key before serves again, or goes on serving; the rotation in it is as it was."""
    rotation = require(record.rotation)
    if not rotation.is_switched:
        return record
    record = replace(record, held_key_id=serving.id, reasons=_reasons(record))
    beside = rotation.beside
    if beside is None or beside.probe is None:
        return record
    terms = replace(record.terms, ends_at=beside.ends_at)
    return replace(record, accepted=beside.accepted, probe=beside.probe, terms=terms)


def _reasons(record: Record) -> tuple[str, ...]:
    """Return what stays of the reasons: that the exchange denied a key once is held against that key alone."""
    return () if record.status is Status.ACTIVE else record.reasons
