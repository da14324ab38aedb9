"""What templates are given about keys of other exchanges: plain values, like those of `model`."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.web.model import OLD_DAYS


@dataclass(frozen=True, slots=True)
class AddressView:
    """The address that a connection's requests leave from."""

    shown: str
    """As it belongs on the exchange's list; empty where nobody knows it yet."""
    is_confirmed: bool
    """Whether it was seen from outside within a day."""
    seen_at: int | None
    is_shared: bool
    """Whether an operator lets other connections leave from it, too."""


@dataclass(frozen=True, slots=True)
class RightView:
    """What is known of one right of a key."""

    name: str
    """`read`, `withdraw`, … `address_filter`: `held.right` says it."""
    allowed: bool | None
    grade: str
    """`proven`, `declared` or `unprovable`."""
    said: tuple[str, ...]
    """The exchange's own words for it."""
    is_exit: bool
    """Whether money could leave by it."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One thing that was found about a key."""

    severity: str
    """`refused`, `accepted` or `warning`."""
    message: str
    hint: str
    accept: str
    """What its owner would accept; empty where nobody can."""


@dataclass(frozen=True, slots=True)
class AcceptedView:
    """Something that speaks against a key, and who took it all the same."""

    what: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class HeldRotationView:
    """A rotation that is under way."""

    is_switched: bool
    """Whether the new key serves."""
    serving: str
    """The mask of the key that serves now."""
    other: str
    """That of the new one until it serves, of the one before from then on."""
    began_at: int
    switched_at: int | None
    due_at: int | None
    """When the one before should be ended."""
    step: str
    """`making`, `made`, `added`, `switched`, `ending` or `undoing`."""
    remark: str
    """The mark of a new key that the exchange makes itself; empty where its owner made it."""


@dataclass(frozen=True, slots=True)
class MasterView:
    """A master connection that another can be rotated through."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A key of another exchange in the list and on its page."""

    id: str
    name: str
    exchange: str
    """`kucoin`, `binance` or `bitfinex`."""
    title: str
    """The exchange's own spelling of its name."""
    key_page: str
    """Where its keys are made, edited and deleted."""
    masked: str
    fingerprint: str
    kind: str
    """How it signs: `hmac`, `ed25519`, `rsa`."""
    status: str
    """`active`, `suspended` or `altered`."""
    reasons: tuple[str, ...]
    """What it is suspended for, or what an exchange said last: `held.reason` says each."""
    bots: tuple[str, ...]
    rights: tuple[RightView, ...]
    findings: tuple[FindingView, ...]
    accepted: tuple[AcceptedView, ...]
    address: AddressView
    made_at: int
    """When the key was made at the exchange, or else when it came here."""
    held_since: int
    age_days: int
    checked_at: int
    expires_at: int | None
    label: str
    """What its owner called it at the exchange."""
    sub_account: str
    """The exchange's name of its sub-account."""
    is_master: bool
    """Whether its key rotates others and does nothing else."""
    master_id: str
    """The master connection it is rotated through; empty where its owner makes the new key."""
    by_itself: bool
    """Whether the server rotates it, unasked."""

    @property
    def is_old(self) -> bool:
        """Tell whether the key is past the 90 days after which keys should be replaced."""
        return self.age_days >= OLD_DAYS

    @property
    def allowed(self) -> tuple[RightView, ...]:
        """What the key may do."""
        return tuple(one for one in self.rights if one.allowed and one.name != "address_filter")

    @property
    def exits(self) -> tuple[RightView, ...]:
        """The ways out for money that are open, or not known to be shut."""
        return tuple(one for one in self.rights if one.is_exit and one.allowed is not False)

    @property
    def is_open(self) -> bool:
        """Tell whether money can leave by it, as far as anybody knows."""
        return any(one.allowed for one in self.exits)

    @property
    def bound(self) -> RightView | None:
        """What is known of the key's list of addresses."""
        return next((one for one in self.rights if one.name == "address_filter"), None)


@dataclass(frozen=True, slots=True)
class ExplainedView:
    """Why a bot was refused, and what to do; nothing where nothing speaks against the key."""

    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class VenueView:
    """An exchange where a key is to be made."""

    exchange: str
    title: str
    key_page: str
    filter_name: str
    """What the list of addresses is called on its page."""
    boxes: dict[str, str]
    """What the box of each right is called on its page."""
    has_passphrase: bool
    foreseen: tuple[str, ...] = ()
    """What has to be accepted of every key of this exchange, because it never tells."""
    has_masters: bool = False
    """Whether a key of a main account can rotate those of its sub-accounts there."""


@dataclass(frozen=True, slots=True)
class ReservationView:
    """An address that is kept for a key that is being made."""

    address: AddressView
    until: int
