"""What a key's owner should do about a refusal, in words. Pure.

These are the hints of the wire (`protocol.kucoin_refusals`), with the facts that a usage record still has. Where the
wire says less than it knows, because a caller has not proved the secret, the owner is told.
"""

from __future__ import annotations

from collections.abc import Mapping

from keywright.protocol.kucoin_refusals import TABLE
from keywright.protocol.refusal import Reason

UNDECIDED = "The connection ended before there was an answer. If this was an order, look it up before you send another."

TO_OWNERS: Mapping[Reason, str] = {
    Reason.KEY_ALTERED: "This key's record was altered outside Keywright: disable and delete it, make a new key, and "
    "tell your operator.",
    Reason.KEY_DISABLED: "This key was disabled when the request came. You can enable it again on its page.",
    Reason.PERMISSION_MISSING: "This call takes a permission that the key lacks. A key's permissions never change: "
    "make a new key that has it.",
    Reason.TOO_MANY_REQUESTS: "Slow down, then try again. The headers of each answer say how much is left, and when "
    "it comes back.",
}


def advice(verdict: str, *, address: str = "", base_url: str = "", prefix: str = "KC-API-") -> str:
    """Return what to do next; nothing where the request was allowed.

    `base_url` is where this key works (K14). A verdict of a newer version than this one is only named.
    """
    if verdict == "allowed":
        return ""
    if not verdict:
        return UNDECIDED
    try:
        reason = Reason(verdict)
    except ValueError:
        return verdict
    said = TO_OWNERS.get(reason) or TABLE[reason].hint({"address": address, "base_url": base_url})
    return said.replace("{0}", prefix)
