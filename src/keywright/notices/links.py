"""The link "this was not me": signed, for one notice of one account, for seven days. Pure.

Whoever holds it can switch keys off and nothing else. It stands in a URL, where proxies and mail servers see it: that is
why it may do no more.
"""

from __future__ import annotations

import base64
import hmac
import re

from keywright.secret import Secret

LABEL = "freeze-link/v1"
"""The label under which the keyring derives the key of the links."""

LASTS_MS = 7 * 24 * 60 * 60 * 1000
PATH = "/notices/freeze"
FORM = re.compile(r"(?P<notice>ntc_[0-9a-f]{24})\.(?P<until>[0-9]{1,15})\.(?P<mac>[A-Za-z0-9_-]{43})", re.ASCII)


def token_of(key: Secret, *, notice_id: str, account_id: str, until: int) -> str:
    """Return what the link carries."""
    return f"{notice_id}.{until}.{_mac(key, notice_id, account_id, until)}"


def notice_in(token: str) -> str | None:
    """Return which notice a token speaks of, whether or not it is good; `None` when it is none."""
    found = FORM.fullmatch(token)
    return found["notice"] if found else None


def holds(key: Secret, token: str, *, account_id: str, now: int) -> bool:
    """Tell whether the token is one of ours, of a notice of this account, and in time."""
    found = FORM.fullmatch(token)
    if found is None:
        return False
    until = int(found["until"])
    good = hmac.compare_digest(_mac(key, found["notice"], account_id, until), found["mac"])
    return good and now < until


def _mac(key: Secret, notice_id: str, account_id: str, until: int) -> str:
    said = f"freeze\0{notice_id}\0{account_id}\0{until}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key.reveal(), said, "sha256")).rstrip(b"=").decode()
