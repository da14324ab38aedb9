"""What templates are given: plain values, made by `pages`. No row, no service, no session object reaches a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_TEXTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame around every page shows."""

    csrf: str
    """The token that every form carries as `csrf`."""
    origin: str
    """The official origin, for instance `https://keys.example.org` (K3)."""
    path: str
    """Of the page that is shown, to mark the place in menus."""
    now: int
    came_by: str = ""
    """Host that the browser came by, where it is another official one than that of `origin`: loopback has several."""
    email: str = ""
    """Of who is signed in, with second factor or without; empty for nobody."""
    is_complete: bool = False
    """Whether the second factor was proved: only then are there menus."""
    is_operator: bool = False
    is_elsewhere: bool = False
    """Whether they sign in at the exchange: then no password, code or passkey is asked for here."""
    sub_account: str = ""
    """Whose keys the page is about; empty: the account's own. Every form carries it as `sub`."""
    keys_at: str = "/api-management"
    """Where the list of those keys stands."""
    waiting: int = 0
    """Withdrawals that wait to be confirmed."""
    is_sandbox: bool = False
    asks_captcha: bool = False
    notice: str = ""
    """Code of what was just done, after a redirect: see `notices.html`. Unknown ones show nothing."""
    has_passkeys: bool = False
    """Whether a passkey may serve wherever a code is asked for."""
    unread: int = 0
    """Notices that were not read; where there are very many, fewer."""
    session_ends_at: int | None = None
    """When this session ends if nothing is done (ms)."""
    onward: str = ""
    """The page that was wanted before there was a session: the forms of signing in carry it on."""
    here: str = ""
    """The address to come back to after a choice of language; empty where there is none."""
    phrase: str = ""
    """The account's own phrase, between password and code in a browser that is known (K3)."""
    has_hidden_phrase: bool = False
    """Whether there is one that this browser is not shown, because it is not known."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it comes back: what was typed, never a secret, and what is wrong with it by field name."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Sentences by field; under the empty name what is wrong with the whole."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to do about the error of the same name."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key in the list and on its page."""

    id: str
    masked: str
    """`66f0…a1b2`: enough to tell it from the others."""
    name: str
    memo: str
    status: str
    """`active`, `pending`, `disabled`, `expired` or `deleted`."""
    permissions: tuple[str, ...]
    """`read`, `trade`, `transfer`, `withdraw`, in this order."""
    environment: str
    """`spot` or `futures`."""
    addresses: tuple[str, ...]
    """As people write them: a single address without its prefix length."""
    created_at: int
    age_days: int
    expires_at: int | None
    last_used_at: int | None
    last_used_from: str
    holds: bool = True
    """False when its record was altered behind Keywright's back: it can only be disabled and deleted."""
    idle_days: int = 0
    """Since its last use; of a key that was never used since it was made."""
    requests: int = 0
    """In the last 24 hours."""
    refused: int = 0
    """Of those."""
    is_pending: bool = False
    """Whether its secret never reached anybody, or nobody has said so yet."""
    predecessor_id: str = ""
    """The key that this one replaces; empty where there is none any more."""
    successor_id: str = ""
    """The key that replaces this one; empty where there is none."""
    overlap_until: int | None = None
    """When its successor takes its place."""
    is_replaced: bool = False
    """Whether that was."""

    @property
    def is_old(self) -> bool:
        """Tell whether the key is past the 90 days after which keys should be replaced."""
        return self.age_days >= OLD_DAYS

    @property
    def is_idle(self) -> bool:
        """Tell whether nobody would miss it (K20): who still has it could only do harm with it."""
        return self.idle_days >= IDLE_DAYS

    @property
    def can_be_deleted(self) -> bool:
        """Tell whether it is off already."""
        return not self.is_pending and self.status in {"disabled", "expired"}


@dataclass(frozen=True, slots=True)
class RotationView:
    """A key and its successor."""

    old_id: str
    new_id: str
    until: int
    """When only the successor works."""
    old_status: str
    new_status: str
    first_used_at: int | None
    """When a request with the successor was first allowed."""
    still_from: tuple[tuple[str, int], ...]
    """From where the old key was still used since there is a successor, and when last."""


OLD_DAYS = 90
IDLE_DAYS = 30


@dataclass(frozen=True, slots=True)
class RecordView:
    """One request in a key's usage."""

    id: int
    at: int
    address: str
    method: str
    path: str
    verdict: str
    """`allowed`, a reason, or nothing where the connection ended first: `words.verdict` says it."""
    hint: str
    """What to do about a refusal."""
    status: int
    latency_ms: float


@dataclass(frozen=True, slots=True)
class FirstUse:
    """How the first request of a new key went."""

    state: str
    """`waiting` for one, `refused` so far, `used`, or nobody looks any more (`over`)."""
    at: int = 0
    address: str = ""
    verdict: str = ""
    """Why it was refused."""
    hint: str = ""

    @property
    def shown(self) -> str:
        """What a page says it shows, so that only something else is sent to it."""
        return self.verdict or self.state


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of the chart, and one line of the table that says the same."""

    at: int
    until: int
    allowed: int
    refused: int


@dataclass(frozen=True, slots=True)
class UsageView:
    """A key's usage as one filter shows it."""

    since: int
    """Where the span begins; 0: as far back as there is anything."""
    requests: int
    refused: int
    addresses: int
    bars: tuple[Bar, ...]
    records: tuple[RecordView, ...]
    newer: int = 0
    """The record whose newer ones are a page away; 0: none."""
    older: int = 0
    newest: int = 0
    """What following goes on from."""
    verdicts: tuple[tuple[str, int], ...] = ()
    """Reasons that one could ask for, each with how often it was."""
    methods: tuple[str, ...] = ()
    query: str = ""
    """The filter as a query string, to be carried along by links."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a new key may be for, and what the form is filled in with then."""

    code: str
    title: str
    about: str
    name: str = ""
    """What the key could be called."""
    permissions: tuple[str, ...] = ("read",)
    environment: str = "spot"
    advice: str = ""
    """What to know about addresses."""
    is_risky: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence about what a key will be."""

    kind: str
    """`can` and `cannot` do, what of it is a `risk`, `where` it works, `until` when."""
    text: str


@dataclass(frozen=True, slots=True)
class SubAccountView:
    """One of the account's sub-accounts."""

    id: str
    uid: int
    name: str
    memo: str
    created_at: int
    is_frozen: bool
    keys: int


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """One of the account's passkeys."""

    id: str
    name: str
    created_at: int
    last_used_at: int | None
    holds: bool = True
    """False when its record was altered behind Keywright's back: it can only be removed."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as an operator sees it."""

    id: str
    uid: int
    email: str
    created_at: int
    frozen_at: int | None
    has_second_factor: bool
    keys: int
    is_operator: bool


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One thing that the account was told."""

    id: str
    title: str
    text: str
    facts: tuple[tuple[str, str], ...]
    """Names and values; the key's first, where it is about one."""
    at: int
    is_unread: bool = False
    outcome: str = ""
    """What became of the message about it: `waiting`, `sent`, `file`, `failed`; empty for none."""
    key_id: str = ""
