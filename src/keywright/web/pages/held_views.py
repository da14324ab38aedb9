"""Keys of other exchanges, as pages show them: from the vault's nouns to plain values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keywright.vault.deadlines import ends_of
from keywright.vault.evidence import Evidence, Exchange, Probe, Right
from keywright.vault.mastery import ACCEPT_MASTER, AUTOMATIC, judge_for
from keywright.vault.model import Connection, EgressAddress, HeldKey, Reservation
from keywright.vault.preflight import BEYOND_TRADING, EXITS, Finding
from keywright.vault.venues.known import VENUES
from keywright.web.exchange_model import (
    AcceptedView,
    AddressView,
    ConnectionView,
    FindingView,
    HeldRotationView,
    MasterView,
    ReservationView,
    RightView,
    VenueView,
)

DAY_MS = 24 * 60 * 60 * 1000
FORESEEN: Mapping[Exchange, tuple[str, ...]] = {Exchange.BITFINEX: ("unproven-address-filter",)}
"""What an exchange never tells of any key: its owner may accept that before the key is refused for it."""


def acceptable(exchange: Exchange) -> tuple[str, ...]:
    """Return what can be accepted of a key of this exchange, each by the name that a finding gives it."""
    beyond = (right.value for right in BEYOND_TRADING[exchange])
    unproven = (f"unproven-{right.value}" for right in (Right.ADDRESS_FILTER, *EXITS, Right.OTHER))
    no_filter = () if exchange is Exchange.BINANCE else ("no-address-filter",)
    master = (ACCEPT_MASTER,) if exchange in AUTOMATIC else ()
    return tuple(one.replace("_", "-") for one in (*beyond, *no_filter, *unproven, *master))


def connection_view(connection: Connection, *, now: int, called: Mapping[str, str]) -> ConnectionView:
    """Return a connection; `called` says who an account is, by its id."""
    record, key = connection.record, connection.key
    made_at = min(record.probe.created_at or key.added_at, key.added_at)
    return ConnectionView(
        id=connection.id,
        name=connection.name,
        exchange=record.exchange.value,
        title=record.exchange.title,
        key_page=VENUES[record.exchange].key_page,
        masked=key.masked,
        fingerprint=key.fingerprint,
        kind=key.kind.value,
        status=record.status.value if connection.holds else "altered",
        reasons=record.reasons,
        bots=record.bots,
        rights=rights_of(record.probe),
        findings=findings_view(
            judge_for(
                record.terms.purpose,
                record.probe,
                egress_address=connection.egress.shown,
                accepted=connection.exceptions(),
                now=now,
            )
        ),
        accepted=tuple(AcceptedView(one.what, called.get(one.by, one.by), one.at) for one in record.accepted),
        address=address_view(connection.egress, now=now),
        made_at=made_at,
        held_since=key.added_at,
        age_days=max(0, now - made_at) // DAY_MS,
        checked_at=record.checked_at,
        expires_at=ends_of(connection),
        label=record.probe.label,
        sub_account=record.probe.sub_account,
        is_master=connection.is_master,
        master_id=record.terms.master_id,
        by_itself=record.terms.by_itself,
    )


def masters_of(connection: Connection, others: Iterable[Connection]) -> tuple[MasterView, ...]:
    """Return the master connections that a connection can be rotated through; none where none is above its key."""
    exchange = connection.record.exchange
    if connection.is_master or exchange not in AUTOMATIC or not connection.record.probe.sub_account:
        return ()
    fit = (one for one in others if one.is_master and one.holds and one.record.exchange is exchange)
    return tuple(MasterView(one.id, one.name) for one in fit)


def rights_of(probe: Probe) -> tuple[RightView, ...]:
    """Return what is known of each right, one line each: what is allowed or not known goes before what is not allowed."""
    by_right = {right: [one for one in probe.evidence if one.right is right] for right in Right}
    return tuple(_right(right, found) for right, found in by_right.items() if found)


def _right(right: Right, found: list[Evidence]) -> RightView:
    telling = (
        [one for one in found if one.allowed] or [one for one in found if one.allowed is None] or found
    )  # one open door is open, whatever the others are
    said = tuple(dict.fromkeys(one.said for one in telling if one.said))
    return RightView(right.value, telling[0].allowed, telling[0].grade.value, said, right in (*EXITS, Right.OTHER))


def rotation_view(connection: Connection, keys: tuple[HeldKey, HeldKey] | None) -> HeldRotationView | None:
    """Return the rotation of a connection, `None` where there is none; `keys` are the one that serves and the other."""
    rotation = connection.record.rotation
    if rotation is None or keys is None:
        return None
    serving, other = keys
    return HeldRotationView(
        is_switched=rotation.is_switched,
        serving=serving.masked,
        other=other.masked,
        began_at=rotation.began_at,
        switched_at=rotation.switched_at,
        due_at=rotation.due_at,
        step=rotation.step.value,
        remark=rotation.remark,
    )


def findings_view(findings: Iterable[Finding]) -> tuple[FindingView, ...]:
    """Return what was found, the gravest first."""
    return tuple(FindingView(one.severity.value, one.message, one.hint, one.accept) for one in findings)


def address_view(egress: EgressAddress, *, now: int) -> AddressView:
    """Return an egress address as it belongs on an exchange's list."""
    return AddressView(egress.shown, egress.is_confirmed(now=now), egress.observed_at, egress.shared_at is not None)


def reservation_view(reservation: Reservation, *, now: int) -> ReservationView:
    """Return what is kept for a key that is being made."""
    return ReservationView(address_view(reservation.egress, now=now), reservation.expires_at)


def venue_view(exchange: Exchange) -> VenueView:
    """Return an exchange with what things are called on its page."""
    venue = VENUES[exchange]
    return VenueView(
        exchange=exchange.value,
        title=exchange.title,
        key_page=venue.key_page,
        filter_name=venue.filter_name,
        boxes={right.value: box for right, box in venue.boxes.items()},
        has_passphrase=exchange.has_passphrase,
        foreseen=FORESEEN.get(exchange, ()),
        has_masters=exchange in AUTOMATIC,
    )
