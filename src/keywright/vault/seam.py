"""What the vault hands to whoever asks exchanges, and what it hands back to its surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keywright.errors import KeywrightError
from keywright.protocol.refusal import Reason
from keywright.secret import Secret
from keywright.vault.drift import Drift
from keywright.vault.evidence import Credentials, Probe, SubKey, WantedKey
from keywright.vault.model import Connection, EgressAddress
from keywright.vault.preflight import Finding
from keywright.vault.way_out import Egress


@dataclass(frozen=True, slots=True)
class Outlet:
    """An egress address and the way out that it is."""

    egress: EgressAddress
    way: Egress


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of asking an exchange again."""

    connection: Connection
    findings: tuple[Finding, ...]
    drift: Drift


@dataclass(frozen=True, slots=True)
class Handed:
    """A connection with its credentials in the clear, and the way its requests are to leave."""

    connection: Connection
    credentials: Credentials
    outlet: Outlet


class Asks(Protocol):
    """Asks exchanges, through the address that is given and no other."""

    async def probe(self, credentials: Credentials, outlet: Outlet, *, now: int) -> Probe:
        """Return what an exchange says that a key may do. Raises `KeywrightError`."""
        ...

    async def is_bound(self, credentials: Credentials, outlet: Outlet) -> bool | None:
        """Tell whether a key is refused from an address that it should not work from; `None`: nothing was proved."""
        ...

    async def address(self, outlet: Outlet, *, now: int) -> str:
        """Return the address that an exchange sees; empty where it does not tell. Raises `KeywrightError`."""
        ...

    async def sub_keys(self, master: Credentials, outlet: Outlet, sub_account: str) -> tuple[SubKey, ...]:
        """Return the keys of a sub-account, as its master account is shown them. Raises `KeywrightError`."""
        ...

    async def make_sub_key(self, master: Credentials, outlet: Outlet, wanted: WantedKey) -> Credentials:
        """Have a key made for a sub-account. Raises `KeyDenied` where none was made; after anything else one may have been."""
        ...

    async def delete_sub_key(
        self, master: Credentials, outlet: Outlet, sub_account: str, key: str, passphrase: Secret
    ) -> None:
        """Have a key of a sub-account deleted. Raises `KeywrightError`; whether it is gone has to be looked up then."""
        ...


class KeyRefused(KeywrightError):
    """A key was not taken: for what it may do, or for what nobody can prove about it. Nothing of it was kept.

    `findings` is all that was found; message, hint and exit code are the gravest one's.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        gravest = findings[0]
        super().__init__(gravest.texts.message, hint=gravest.texts.hint, **gravest.values)
        self.exit_code = gravest.exit_code
        self.findings = findings


class KeyDenied(KeywrightError):
    """An exchange does not take a key: `reasons` may be to blame, the likeliest first; none where somebody before it answered.

    `wait_ms` is how long it asks to be left alone.
    """

    def __init__(self, said: KeywrightError, *, reasons: tuple[Reason, ...], wait_ms: int = 0) -> None:
        message, hint = said.texts
        super().__init__(message, hint=hint)
        self.message, self.hint, self.values = said.message, said.hint, said.values
        self.exit_code = said.exit_code
        self.reasons = reasons
        self.wait_ms = wait_ms
