"""Nouns of the vault: connections, the keys they hold, and the addresses that their requests leave from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from keywright.secret import Secret
from keywright.vault.evidence import Exchange, KeyKind, Probe
from keywright.vault.rotation import Rotation
from keywright.vault.terms import Accepted, Purpose, Terms

PERSONAL = ""
"""The account of everything in a personal vault: whoever can open it is its owner."""


class Status(StrEnum):
    """A connection's state as its record says it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Its key is there and is used for nothing: a check found what must not be."""
    REMOVED = "removed"


class EgressKind(StrEnum):
    """How a request leaves."""

    LOCAL = "local"
    """From an address of this machine."""
    SOCKS5 = "socks5"
    SOCKS5H = "socks5h"
    """A proxy that looks names up itself."""
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class EgressAddress:
    """An address of the pool that requests leave from."""

    id: str
    kind: EgressKind
    place: str
    """The local address, or a proxy's host and port."""
    created_at: int
    shared_at: int | None = None
    """Since when an operator lets it serve several connections."""
    trial_at: int | None = None
    """Since when keys are only tried from it: they must not work from there."""
    removed_at: int | None = None
    observed: str = ""
    """The address that an exchange saw through it; empty: nobody has asked yet."""
    observed_at: int | None = None
    version: int = 1
    has_user: bool = False
    """Whether the proxy is told a user and a password."""
    holds: bool = True
    """Whether the record is the one we made and the newest the audit log knows."""

    def is_confirmed(self, *, now: int) -> bool:
        """Tell whether the observed address was seen from outside within a day."""
        return self.holds and self.observed_at is not None and 0 <= now - self.observed_at <= CONFIRMED_MS

    @property
    def shown(self) -> str:
        """The address to put on an exchange's list; empty where nobody knows it yet."""
        if self.observed or self.kind is not EgressKind.LOCAL or self.place == ANY_ADDRESS:
            return self.observed
        return self.place


CONFIRMED_MS = 24 * 60 * 60 * 1000
ANY_ADDRESS = "0.0.0.0"  # noqa: S104  not listened at: requests leave from whatever address the system chooses
"""The place of the egress of a machine that has one way out: the system chooses the address, of IPv4."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """An egress address kept for someone who is about to make a key at an exchange."""

    id: str
    account_id: str
    exchange: Exchange
    egress: EgressAddress
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key of an exchange as it may be shown; its secret can't be seen."""

    id: str
    connection_id: str
    kind: KeyKind
    masked: str
    """Its first and last characters."""
    digest: bytes | None = field(repr=False)
    """A keyed hash: the same key has the same one, and it tells nothing about the key. `None` once it is wiped."""
    added_at: int
    wiped_at: int | None = None

    @property
    def fingerprint(self) -> str:
        """The hash as people compare it; empty once the key is wiped."""
        return self.digest.hex()[:16] if self.digest else ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What only storage has of a held key, never plain."""

    key: bytes = field(repr=False)
    secret: bytes = field(repr=False)
    passphrase: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is decided by, covered by one MAC and a version that only rises."""

    id: str
    account_id: str
    name: str
    exchange: Exchange
    egress_id: str
    held_key_id: str
    status: Status
    reasons: tuple[str, ...]
    """The codes of what it was suspended for."""
    bots: tuple[str, ...]
    accepted: tuple[Accepted, ...]
    probe: Probe
    checked_at: int
    created_at: int
    version: int
    rotation: Rotation | None = None
    """Of one that is under way."""
    terms: Terms = field(default_factory=Terms)


ASKED = "asked"
"""Among the reasons of a connection that its owner suspended."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as its owner sees it."""

    record: Record
    key: HeldKey
    egress: EgressAddress
    holds: bool = True
    """Whether the record's MAC is right, the audit log knows no newer version, and the egress address is ours too."""

    @property
    def id(self) -> str:
        """`con_…`."""
        return self.record.id

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.record.name

    @property
    def is_shared(self) -> bool:
        """Tell whether more than one bot uses it: what one of them does can't be told from what another does."""
        return len(self.record.bots) > 1

    @property
    def is_master(self) -> bool:
        """Tell whether its key serves for rotating others and nothing else."""
        return self.record.terms.purpose is Purpose.MASTER

    @property
    def is_stopped_by_owner(self) -> bool:
        """Tell whether it is suspended because its owner asked for that."""
        return self.record.status is Status.SUSPENDED and ASKED in self.record.reasons

    def exceptions(self) -> frozenset[str]:
        """Return what was accepted, each as its finding calls it."""
        return frozenset(one.what for one in self.record.accepted)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A key as someone gave it. Unchecked until `pasted` has seen it."""

    key: str = field(repr=False)
    secret: Secret
    passphrase: Secret | None = None
    accept: frozenset[str] = frozenset()
    """What is to be accepted though it speaks against the key, each as its finding calls it; on the record."""


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What someone wants held. Unchecked until `rules` has seen it."""

    name: str
    exchange: str
    pasted: Pasted
    bots: tuple[str, ...] = ()
    purpose: Purpose = Purpose.BOTS
