"""Whether a key may be taken, from what was found out about it: `judge`. Pure.

    1  may it take money out: withdraw, transfer               refused, whatever anybody accepts
    2  may it do something nobody here knows                   refused, whatever anybody accepts
    3  may it do more than trade: margin, earn, settings …     refused until that is accepted by name
    4  is it bound to addresses, and to ours                   Binance's must be; elsewhere refused until accepted by name
    5  is something not provable                               refused until accepted by name
    6  will it end soon, or can't it trade at all              a warning

Refusing withdrawals alone stops few thefts: most were made with keys that could only trade, from the thief's own address.
That is why step 4 weighs as much as step 1 (docs/vault-venues.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.listed import is_same, may_be
from keywright.vault.venues.known import VENUES
from keywright.vault.words import Words

EXITS = (Right.WITHDRAW, Right.INTERNAL_TRANSFER, Right.UNIVERSAL_TRANSFER)
"""Ways for money to leave. Nobody can accept them."""

BEYOND_TRADING = {
    Exchange.KUCOIN: (Right.MARGIN, Right.PORTFOLIO_MARGIN, Right.EARN, Right.COPY_TRADE),
    Exchange.BINANCE: (Right.MARGIN, Right.FUTURES, Right.OPTIONS, Right.PORTFOLIO_MARGIN, Right.FIX_TRADE),
    Exchange.BITFINEX: (Right.FUNDING, Right.SETTINGS, Right.PAYMENTS),
}
"""What a key may hold once its owner says that it should: it can lose or lock up more than a spot order."""

TRADES = (
    Right.TRADE,
    Right.FUTURES,
    Right.MARGIN,
    Right.OPTIONS,
    Right.PORTFOLIO_MARGIN,
    Right.FIX_TRADE,
    Right.FUNDING,
)
"""Any of these is what a bot may be there for."""

SOON_MS = 30 * 24 * 3600 * 1000
"""From when on the end of a key is told: the first step of the one schedule for deadlines."""

OUT, UNBOUND, UNPROVABLE = 10, 11, 12


class Code(StrEnum):
    """What was found. Stable strings."""

    EXIT = "exit"
    UNKNOWN_RIGHT = "unknown_right"
    BEYOND_TRADING = "beyond_trading"
    NO_ADDRESS_FILTER = "no_address_filter"
    OTHER_ADDRESS = "other_address"
    NOT_PROVABLE = "not_provable"
    MORE_ADDRESSES = "more_addresses"
    ENDS_SOON = "ends_soon"
    ENDED = "ended"
    NO_TRADE = "no_trade"
    NO_MASTER = "no_master"
    MAKES_KEYS = "makes_keys"


class Severity(StrEnum):
    """How much it weighs."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    """Its owner accepted it by name; refused otherwise."""
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found about a key: in words, what to do about it, and whether it can be accepted."""

    code: Code
    severity: Severity
    texts: Words
    values: dict[str, object]
    right: Right
    exit_code: int = 0
    """What the command ends with where this refuses the key: 10 a way out, 11 not bound to addresses, 12 not provable."""
    accept: str = ""
    """What its owner names to accept it (`margin`, `unproven-address-filter`); empty where nobody can."""

    @property
    def message(self) -> str:
        """What was found, in English."""
        return self.texts.message.format_map(self.values)

    @property
    def hint(self) -> str:
        """What to do, in English."""
        return self.texts.hint.format_map(self.values)

    @property
    def refuses(self) -> bool:
        """Whether the key can't be taken because of this."""
        return self.severity is Severity.REFUSED


def judge(probe: Probe, *, egress_address: str, accepted: Collection[str] = (), now: int) -> tuple[Finding, ...]:
    """Return all that was found, the gravest first. The key may be taken when none of it `refuses`.

    `egress_address` is the address the exchange will see, empty where it is not known; `accepted` holds what its owner
    accepts, each by the `accept` of a finding.
    """
    found = [*_exits(probe), *_unknown(probe), *_beyond(probe), *_addresses(probe, egress_address)]
    found += [*_unproven(probe, egress_address), *_ends(probe, now), *_idle(probe, now)]
    return tuple(sorted((weighed(one, accepted) for one in found), key=gravity))


def gravity(finding: Finding) -> tuple[int, int]:
    """Return what findings are sorted by, the gravest first."""
    return [*Severity].index(finding.severity), finding.exit_code


def exit_code(findings: Collection[Finding]) -> int:
    """Return what a command ends with: that of the gravest refusal, 0 where nothing refuses the key."""
    return min((one.exit_code for one in findings if one.refuses), default=0)


def weighed(finding: Finding, accepted: Collection[str]) -> Finding:
    """Return a finding as it weighs once its owner accepted these."""
    if not finding.refuses or not finding.accept or finding.accept not in accepted:
        return finding
    return Finding(finding.code, Severity.ACCEPTED, finding.texts, finding.values, finding.right, accept=finding.accept)


def values_of(probe: Probe, right: Right, said: str = "") -> dict[str, object]:
    """Return what the words of a finding name."""
    venue = VENUES[probe.exchange]
    there = {"exchange": probe.exchange.title, "page": venue.key_page, "filter": venue.filter_name}
    return {**there, "box": venue.boxes.get(right, said), "said": said}


def _held(probe: Probe, rights: Collection[Right]) -> Iterator[Evidence]:
    return (one for one in probe.evidence if one.right in rights and one.allowed is True)


def _exits(probe: Probe) -> Iterator[Finding]:
    for one in _held(probe, EXITS):
        texts = (
            Words(
                "this key can withdraw money ({said})",
                "untick “{box}” on the key's page at {exchange} ({page}) and try again. Better: delete it and make a new "
                "one, since this one's secret has been out with that right",
            )
            if one.right is Right.WITHDRAW
            else Words(
                "this key can move money between accounts ({said})",
                "untick “{box}” on the key's page at {exchange} ({page}) and try again: money that was moved to another "
                "account can leave from there",
            )
        )
        yield Finding(Code.EXIT, Severity.REFUSED, texts, values_of(probe, one.right, one.said), one.right, OUT)


def _unknown(probe: Probe) -> Iterator[Finding]:
    for one in _held(probe, (Right.OTHER,)):
        texts = Words(
            "this key has a right that is not known here ({said})",
            "untick “{said}” on the key's page at {exchange} ({page}). If it is new there, it may be a way for money to "
            "leave; a newer version of Keywright may know it",
        )
        yield Finding(
            Code.UNKNOWN_RIGHT, Severity.REFUSED, texts, values_of(probe, one.right, one.said), one.right, OUT
        )


def _beyond(probe: Probe) -> Iterator[Finding]:
    for one in _held(probe, BEYOND_TRADING[probe.exchange]):
        texts = Words(
            "this key can do more than trade ({said})",
            "untick “{box}” on the key's page at {exchange} ({page}), or accept it by name if the bot needs it",
        )
        values = values_of(probe, one.right, one.said)
        yield Finding(Code.BEYOND_TRADING, Severity.REFUSED, texts, values, one.right, OUT, accept=_named(one.right))


def _addresses(probe: Probe, egress_address: str) -> Iterator[Finding]:
    right, evidence = Right.ADDRESS_FILTER, probe.of(Right.ADDRESS_FILTER)
    values = values_of(probe, right) | {"address": egress_address}
    if evidence.allowed is False:
        # Binance ends a key's right to trade after 30 days without one, and its filter is the one thing that survives a
        # stolen secret: nobody can accept a key without. At KuCoin a key without is deleted when it idles for 30 days.
        texts = (
            Words(
                "this key works from any address",
                "switch on “{filter}” on the key's page at {exchange} ({page}) and enter {address}, nothing else",
            )
            if egress_address
            else Words(
                "this key works from any address",
                "switch on “{filter}” on the key's page at {exchange} ({page}) and enter this connection's address",
            )
        )
        accept = "" if probe.exchange is Exchange.BINANCE else "no-address-filter"
        yield Finding(Code.NO_ADDRESS_FILTER, Severity.REFUSED, texts, values, right, UNBOUND, accept=accept)
    seen = probe.seen_address
    if seen and egress_address and not is_same(seen, egress_address):
        texts = Words(
            "{exchange} saw the request come from {seen}, not from {address}",
            "requests of this connection don't leave from the address that was reserved: ask whoever runs this server, "
            "and change nothing at {exchange}",
        )
        yield Finding(Code.OTHER_ADDRESS, Severity.REFUSED, texts, values | {"seen": seen}, right, UNBOUND)
    if not probe.addresses or not egress_address:
        return
    listed = ", ".join(probe.addresses)
    if not any(may_be(egress_address, shown) for shown in probe.addresses):
        texts = Words(
            "this key is bound to other addresses ({listed}), not to {address}",
            "enter {address} under “{filter}” on the key's page at {exchange} ({page}), nothing else",
        )
        yield Finding(Code.OTHER_ADDRESS, Severity.REFUSED, texts, values | {"listed": listed}, right, UNBOUND)
    elif len(probe.addresses) > 1:
        texts = Words(
            "this key also works from other addresses ({listed})",
            "take all but {address} off “{filter}” on the key's page at {exchange} ({page}), if nothing else needs them",
        )
        yield Finding(Code.MORE_ADDRESSES, Severity.WARNING, texts, values | {"listed": listed}, right)


def _unproven(probe: Probe, egress_address: str) -> Iterator[Finding]:
    for right in (*EXITS, Right.OTHER, Right.ADDRESS_FILTER):
        unknown = [one for one in probe.evidence if one.right is right and one.allowed is None]
        if right is Right.WITHDRAW and not any(one.right is right for one in probe.evidence):
            unknown = [Evidence(right, None, Grade.UNPROVABLE)]
        for one in unknown:
            texts = (
                Words(
                    "{exchange} does not tell whether this key is bound to addresses",
                    "enter {address} under “{filter}” on the key's page at {exchange} ({page}), nothing else; then accept "
                    "that it is on your word, or have it tried from a second address",
                )
                if right is Right.ADDRESS_FILTER and egress_address
                else Words(
                    "{exchange} does not tell whether this key is bound to addresses",
                    "enter this connection's address under “{filter}” on the key's page at {exchange} ({page}); then accept "
                    "that it is on your word, or have it tried from a second address",
                )
                if right is Right.ADDRESS_FILTER
                else Words(
                    "{exchange} does not tell all that this key can do ({said})",
                    "look on the key's page at {exchange} ({page}) that it can't withdraw or transfer; then accept that it "
                    "is on your word",
                )
            )
            yield Finding(
                Code.NOT_PROVABLE,
                Severity.REFUSED,
                texts,
                values_of(probe, right, one.said or right.value) | {"address": egress_address},
                right,
                UNPROVABLE,
                accept=f"unproven-{_named(right)}",
            )


def _ends(probe: Probe, now: int) -> Iterator[Finding]:
    if not probe.expires_at or probe.expires_at > now + SOON_MS:
        return
    day = datetime.fromtimestamp(probe.expires_at / 1000, UTC).date().isoformat()
    values = values_of(probe, Right.TRADE) | {"day": day}
    if probe.expires_at <= now:
        texts = Words(
            "this key's right to trade ended on {day}",
            "tick “{box}” again on the key's page at {exchange} ({page}); with an address filter it does not end",
        )
        yield Finding(Code.ENDED, Severity.WARNING, texts, values, Right.TRADE)
        return
    texts = Words(
        "this key's right to trade ends on {day}",
        "renew it on the key's page at {exchange} ({page}), or make a new key in time",
    )
    yield Finding(Code.ENDS_SOON, Severity.WARNING, texts, values, Right.TRADE)


def _idle(probe: Probe, now: int) -> Iterator[Finding]:
    ended = probe.expires_at is not None and probe.expires_at <= now
    if ended or any(one.allowed is not False for one in probe.evidence if one.right in TRADES):
        return
    texts = Words(
        "this key can't trade",
        "tick “{box}” on the key's page at {exchange} ({page}) if its bot should trade. A bot that only looks on needs nothing more",
    )
    yield Finding(Code.NO_TRADE, Severity.WARNING, texts, values_of(probe, Right.TRADE), Right.TRADE)


def _named(right: Right) -> str:
    return right.value.replace("_", "-")
