"""What forms about keys of other exchanges bring: the key, what uses it, and what its owner accepts by name."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from keywright.errors import KeywrightError
from keywright.secret import Secret
from keywright.vault import pasted
from keywright.vault.evidence import Exchange
from keywright.vault.model import Pasted
from keywright.vault.seam import KeyRefused
from keywright.web.exchange_model import FindingView
from keywright.web.pages.held_views import acceptable, findings_view, venue_view
from keywright.web.visit import Visit

BOTS = re.compile(r"[,;\n]")
PEM = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)", re.DOTALL)


def given_key(visit: Visit, exchange: Exchange) -> Pasted:
    """Return the key that was posted. Raises `Invalid` for what has not the shape of one, before anybody is asked."""
    passphrase = visit.secret("passphrase") if visit.text("passphrase") else None
    given = Pasted(visit.text("key"), _unfolded(visit.text("secret")), passphrase, frozenset(accepted(visit, exchange)))
    pasted.credentials(exchange, key=given.key, secret=given.secret, passphrase=given.passphrase)
    return given


def accepted(visit: Visit, exchange: Exchange) -> tuple[str, ...]:
    """Return what was ticked to be accepted, of what can be."""
    return tuple(one for one in acceptable(exchange) if one in visit.posted.get("accept", []))


def offered(visit: Visit, exchange: Exchange, findings: Iterable[FindingView]) -> tuple[str, ...]:
    """Return what is to be offered to be accepted: what was found, what was ticked before, what is known of the exchange."""
    wanted = {*(one.accept for one in findings), *accepted(visit, exchange), *venue_view(exchange).foreseen}
    return tuple(one for one in acceptable(exchange) if one in wanted)


def bots_of(text: str) -> tuple[str, ...]:
    """Return the bots that were named, separated by commas."""
    return tuple(one.strip() for one in BOTS.split(text) if one.strip())


def refused_for(problem: KeywrightError | None) -> tuple[FindingView, ...]:
    """Return what was found about a key that was refused for what it may do."""
    return findings_view(problem.findings) if isinstance(problem, KeyRefused) else ()


def _unfolded(text: str) -> Secret:
    """Return a secret as it was copied: a browser takes the line ends out of what is pasted into one line."""
    found = PEM.search(text)
    if found is None or "\n" in text.strip():
        return Secret(text)
    body = re.sub(r"\s", "", found[2])
    return Secret("\n".join((found[1], *textwrap.wrap(body, 64), found[3], "")))
