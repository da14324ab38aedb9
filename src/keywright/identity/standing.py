"""What an account has of what API Management asks for: the query behind the checklist, and behind every new key."""

from __future__ import annotations

from keywright.errors import Conflict, KeywrightError, NotProven
from keywright.identity import prerequisites
from keywright.identity.identities import Identities
from keywright.identity.model import Account, FactorProof, IdentityState, TradingProof
from keywright.identity.policies import Policies
from keywright.identity.prerequisites import SANDBOX_DEMO, Prerequisite, Step
from keywright.storage.transaction import Tx


class Standing:
    """Tells how far each account has come."""

    def __init__(self, *, policies: Policies, identities: Identities) -> None:
        self._policies = policies
        self._identities = identities

    async def steps(self, tx: Tx, account: Account, *, factor: str = "") -> tuple[Step, ...]:
        """Return what is asked of the account, each with whether it has it: what the checklist shows (K2)."""
        identity = await self._identities.of(tx, account.id)
        state = identity.state if identity is not None else None
        present = {
            Prerequisite.SECOND_FACTOR: account.has_factor,
            Prerequisite.TRADING_PASSWORD: account.has_trading_password,
            Prerequisite.IDENTITY: state is IdentityState.APPROVED,
            Prerequisite.WHITELIST: account.whitelist_on_at is not None,
        }
        waiting = {Prerequisite.IDENTITY} if state is IdentityState.SUBMITTED else set()
        has = frozenset(name for name, is_there in present.items() if is_there)
        profile = (await self._policies.shown(tx)).profile
        return prerequisites.steps(profile, has, waiting=frozenset(waiting), factor=factor)

    async def require(
        self, tx: Tx, account: Account, *, proof: FactorProof, trading: TradingProof | None, now: int
    ) -> None:
        """Do nothing if the account has all that is asked for before a key (K2), and gave its trading password where the
        profile wants it (K5). Whose proof it is, and whether it is fresh, is the caller's to check.

        Raises `Conflict` that names the first prerequisite that is missing, `NotProven` for a trading password that was
        not given, and `Unusable` for an altered policy. Never asked where something is switched off.
        """
        if proof.factor == SANDBOX_DEMO:  # the one exception that K16 makes, and only `identity` makes such a proof
            return
        await self._policies.current(tx)
        for step in await self.steps(tx, account, factor=proof.factor):
            if not step.is_done:
                raise _missing(step.name)
        await self.require_trading(tx, account.id, proof=proof, trading=trading, now=now)

    async def require_trading(
        self, tx: Tx, account_id: str, *, proof: FactorProof, trading: TradingProof | None, now: int
    ) -> None:
        """Do nothing if the account gave its trading password where the profile wants it: for a key, and for its addresses.

        Raises `NotProven`, and `Unusable` for an altered policy.
        """
        profile = (await self._policies.current(tx)).profile
        if prerequisites.takes_trading_password(profile, factor=proof.factor) and not (
            trading is not None and trading.account_id == account_id and trading.is_fresh(now=now)
        ):
            raise NotProven("this takes your trading password", hint="type it beside the code")


def _missing(name: Prerequisite) -> KeywrightError:
    if name is Prerequisite.SECOND_FACTOR:
        return Conflict("a second factor comes before the first key", hint="enrol one at the console, under Security")
    if name is Prerequisite.TRADING_PASSWORD:
        return Conflict("a trading password comes before the first key", hint="set one at the console, under Security")
    if name is Prerequisite.IDENTITY:
        return Conflict(
            "a verified identity comes before the first key", hint="verify yours at the console, under Security"
        )
    return Conflict(
        "a whitelist of withdrawal addresses comes before the first key",
        hint="switch it on at the console, under Security",
    )
