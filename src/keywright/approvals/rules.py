"""What can be confirmed, how it is digested, and the MAC of its row. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from keywright.approvals.model import DAY_MS, MINUTE_MS, WITHDRAWAL, Approval, Withdrawal
from keywright.errors import Invalid
from keywright.identity.destinations import Destination, amount, destination

LABEL = "approval/v1"
"""The label under which the keyring derives the key of the rows' MACs."""

REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,200}")
FIELDS = ("amount", "currency", "chain", "address", "memo", "fee", "key", "from", "remark")
"""What a detail may hold; the first four must be there."""


def withdrawal_of(kind: str, detail: Mapping[str, object]) -> Withdrawal:
    """Return what is to be confirmed, in its one spelling. Raises `Invalid` naming what can't be taken."""
    if kind != WITHDRAWAL:
        raise Invalid("only withdrawals can be confirmed", field="kind")
    said = dict.fromkeys(FIELDS, "")
    for name, value in detail.items():
        if name not in said:
            raise Invalid("a withdrawal has no {name}", field=name, name=name)
        if not isinstance(value, str) or not LINE.fullmatch(value):
            raise Invalid("{name} is one line of text", field=name, name=name)
        said[name] = value
    return Withdrawal(
        amount=amount(said["amount"]),
        to=destination(said["currency"], said["chain"], said["address"], said["memo"]),
        fee=amount(said["fee"], field="fee") if said["fee"].strip("0.") else "",
        key_id=said["key"],
        asked_from=said["from"],
        remark=said["remark"],
    )


def detail_of(withdrawal: Withdrawal) -> dict[str, str]:
    """Return the withdrawal as `withdrawal_of` reads it: what is kept and told."""
    to = withdrawal.to
    values = (withdrawal.amount, to.currency, to.chain, to.address, to.memo, withdrawal.fee)
    more = (withdrawal.key_id, withdrawal.asked_from, withdrawal.remark)
    return {name: value for name, value in zip(FIELDS, (*values, *more), strict=True) if value}


def digest_of(account_id: str, sub_account: str, withdrawal: Withdrawal) -> bytes:
    """Return the SHA-256 that a confirmation is bound to: over amount, currency, chain, address, memo, account, sub-account.

    Of the bytes "keywright withdrawal v2", a zero byte, and the seven as a JSON array of strings without spaces, ASCII.
    """
    to = withdrawal.to
    covered = [withdrawal.amount, to.currency, to.chain, to.address, to.memo, account_id, sub_account]
    return hashlib.sha256(b"keywright withdrawal v2\0" + json.dumps(covered, separators=(",", ":")).encode()).digest()


def check_asking(reference: str, expires_in: int) -> None:
    """Raise `Invalid` unless this can name and time an approval."""
    if not REFERENCE.fullmatch(reference):
        raise Invalid("a reference has 1 to 128 letters, digits, dots, dashes, colons", field="reference")
    if not MINUTE_MS <= expires_in <= DAY_MS:
        raise Invalid("an approval waits from one minute to one day", field="expires_in")


def mac_of(key: bytes, approval: Approval, *, version: int) -> bytes:
    """Return the MAC over all of the row, and its version in the audit log: an older copy of it holds no more."""
    covered = [
        *(approval.id, approval.account_id, approval.sub_account, approval.asked_by, approval.reference),
        *(detail_of(approval.withdrawal), approval.digest.hex(), approval.state.value, approval.factor),
        *(approval.created_at, approval.expires_at, approval.decided_at, approval.consumed_at, version),
    ]
    return hmac.digest(key, b"approval\0" + json.dumps(covered, sort_keys=True).encode(), "sha256")


def read_back(detail: str) -> Withdrawal:
    """Return what a row's detail says, as it was kept; text that is none of ours says nothing that could hold."""
    try:
        values = json.loads(detail)
        said = {name: str(values.get(name, "")) for name in FIELDS}
    except (ValueError, AttributeError):
        said = dict.fromkeys(FIELDS, "")
    to = Destination(said["currency"], said["chain"], said["address"], said["memo"])
    return Withdrawal(said["amount"], to, said["fee"], said["key"], said["from"], said["remark"])
