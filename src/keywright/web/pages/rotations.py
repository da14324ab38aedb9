"""What pages tell of a key and its successor."""

from __future__ import annotations

from collections.abc import Sequence

from keywright.gateway import records
from keywright.issuing.model import ApiKey, Owner
from keywright.storage.transaction import Tx
from keywright.web.model import RotationView


async def rotation_of(tx: Tx, owner: Owner, key: ApiKey, among: Sequence[ApiKey], *, now: int) -> RotationView | None:
    """Return the rotation that the key takes part in, or `None`; `among` are its owner's keys."""
    pairs = {one.grant.predecessor_id: one for one in among if one.grant.predecessor_id}
    there = {one.id: one for one in among}
    old = key if key.id in pairs else there.get(key.grant.predecessor_id)
    if old is None or old.id not in pairs or old.grant.overlap_until is None:
        return None
    new = pairs[old.id]
    return RotationView(
        old_id=old.id,
        new_id=new.id,
        until=old.grant.overlap_until,
        old_status=old.status_at(now).value,
        new_status=new.status_at(now).value,
        first_used_at=await records.first_use(tx, owner, new.id),
        still_from=tuple(await records.places(tx, owner, old.id, since=new.created_at)),
    )
