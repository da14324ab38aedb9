"""What only the gateway knows and answers itself, whatever stands behind: `user/api-key` and `my-ip`."""

from __future__ import annotations

import json

from keywright.gateway.model import Admission, KeyRecord
from keywright.protocol.message import Response

JSON = ((b"content-type", b"application/json"),)


def answer(admission: Admission) -> Response:
    """Return the answer to a route that the table marks `answered_by = gateway`."""
    if admission.key is None:
        return _success(admission.identity.address)
    return _success(_about_key(admission.key))


def _about_key(key: KeyRecord) -> dict[str, object]:
    """KuCoin's `GET /api/v1/user/api-key`, field for field; addresses are masked there, and here."""
    grant = key.grant
    about: dict[str, object] = {
        "remark": key.name,
        "apiKey": grant.key_id,
        "apiVersion": 3,
        "permission": ",".join(_permission_words(key)),
        "createdAt": key.created_at,
        "uid": key.uid,
        "isMaster": not grant.sub_account,
    }
    if grant.addresses:
        about["ipWhitelist"] = ",".join(_masked(block) for block in grant.addresses)
    if grant.sub_account:
        about["subName"] = grant.sub_account
    return about


def _permission_words(key: KeyRecord) -> list[str]:
    trade = "Futures" if key.grant.environment == "futures" else "Spot"
    words = {"read": "General", "trade": trade, "transfer": "InnerTransfer", "withdraw": "Transfer"}
    return [word for permission, word in words.items() if permission in key.grant.permissions]


def _masked(block: str) -> str:
    """Return a CIDR block with its middle hidden: `203.0.113.7/32` → `203.**.7`."""
    address, _, prefix = block.partition("/")
    whole = prefix in {"32", "128"}
    separator = ":" if ":" in address else "."
    parts = address.split(separator)
    return f"{parts[0]}{separator}**{separator}{parts[-1]}" + ("" if whole else f"/{prefix}")


def _success(data: object) -> Response:
    return Response(200, json.dumps({"code": "200000", "data": data}, separators=(",", ":")).encode(), JSON)
