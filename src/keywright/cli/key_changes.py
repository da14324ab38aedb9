"""What the `keys` commands share: whose keys, how a key is shown, and the way of a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.errors import Invalid, NotProven

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.identity.model import Account, FactorProof, TradingProof
    from keywright.issuing.model import ApiKey

DAY_MS = 24 * 60 * 60 * 1000
IDLE_MS = 30 * DAY_MS

account_option = click.option(
    "--account", "email", metavar="EMAIL", help="Whose keys; may be left out when there is one account."
)

sub_account_option = click.option(
    "--sub-account", "sub_account", default="", metavar="NAME", help="One of the account's sub-accounts."
)

Work = Callable[["Services", "Account", Any, int, "Proofs | None"], Awaitable["ApiKey"]]


@dataclass(frozen=True)
class Proofs:
    """What a change was proved by."""

    factor: FactorProof
    trading: TradingProof | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What verbs take of it."""
        return {"proof": self.factor, "trading": self.trading, "actor": actor_of(self.factor)}


async def change(
    email: str | None,
    data_dir: str | None,
    work: Work,
    *,
    as_json: bool,
    done: str,
    prove: str = "",
    trading: bool = False,
) -> None:
    """Do one change and say so. `prove` names a key whose change takes the code: asked for once the key is found; and
    `trading` says that it takes the trading password where making a key does."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        proof = None
        if prove:
            async with services.database.read() as tx:
                await services.issuing.owner_of(tx, account.id, prove)
            factor = await ask_proof(services, account)
            proof = Proofs(factor, await ask_trading_proof(services, account, factor) if trading else None)
        now = proof.factor.at if proof else services.clock()
        async with services.database.write() as tx:
            key = await work(services, account, tx, now, proof)
    show(key, now=now, as_json=as_json, done=done)


def show(key: ApiKey, *, now: int, as_json: bool, done: str) -> None:
    """Show the key that was changed: as one JSON object, or by saying what is `done`."""
    if as_json:
        terminal.out_json(as_dict(key, now=now))
    else:
        terminal.say(f"Key {key.id} ({key.name.translate(terminal.CONTROL)}) {done}.")


async def change_with_proof(
    verb: str, key_id: str, email: str | None, data_dir: str | None, *, as_json: bool, done: str
) -> None:
    """Enable or delete a key, with the account's code."""

    async def work(services: Services, account: Account, tx: Any, now: int, proofs: Proofs | None) -> ApiKey:
        if proofs is None:
            raise NotProven("this takes the account's second factor")
        proof = proofs.factor
        change = services.issuing.enable if verb == "enable" else services.issuing.delete
        owner = await services.issuing.owner_of(tx, account.id, key_id)
        return await change(tx, owner, key_id, proof=proof, actor=actor_of(proof), now=now)

    await change(email, data_dir, work, as_json=as_json, done=done, prove=key_id)


async def ask_proof(services: Services, account: Account) -> FactorProof:
    """Ask for the account's code and use it up, whatever happens to the change; raises `NotProven` and `Limited`.

    In a transaction of its own, because attempts are counted: the proof's time is the change's.
    """
    code = terminal.ask_code(account.email)
    return await services.entrance.prove_at_terminal(account.id, code, now=services.clock())


async def ask_trading_proof(services: Services, account: Account, proof: FactorProof) -> TradingProof | None:
    """Ask for the trading password where making a key takes it; raises `NotProven` and `Limited`."""
    from keywright.identity.prerequisites import takes_trading_password

    async with services.database.read() as tx:
        profile = (await services.policies.current(tx)).profile
    if not takes_trading_password(profile, factor=proof.factor):
        return None
    typed = terminal.ask_secret(f"Trading password of {account.email}")
    return await services.own.trading.prove_trading_password(account.id, typed, proof=proof, now=proof.at)


async def account_of(services: Services, email: str | None) -> Account:
    """Return the account that is named, or the only one there is; raises `Invalid` and `NotFound`."""
    async with services.database.read() as tx:
        if email:
            return await services.identity.account(tx, email=email)
        accounts = await services.identity.accounts(tx)
    if len(accounts) != 1:
        hint = "name one with --account" if accounts else "make one: keywright accounts create EMAIL"
        raise Invalid(f"there are {len(accounts)} accounts here", hint=hint)
    return accounts[0]


def actor_of(proof: FactorProof) -> Any:
    """Return who acts: whoever proved the second factor."""
    from keywright.audit.events import Actor

    return Actor(proof.account_id, factor=proof.factor, agent="cli")


def is_idle(key: ApiKey, *, now: int) -> bool:
    """Tell whether a key was not used for 30 days (K20); the console says so by the same rule."""
    return now - (key.last_used_at or key.created_at) >= IDLE_MS


def note_of(key: ApiKey, keys: list[ApiKey], *, now: int) -> str:
    """Return what its owner should know or do about a key, in the list of `keys`."""
    from keywright.issuing.deadlines import AGE_DAYS
    from keywright.issuing.model import Status

    status, until = key.status_at(now), key.grant.overlap_until
    if key.grant.status is Status.PENDING:
        return "its secret never arrived: it goes by itself"
    if until is not None:
        if until > now and status is Status.ACTIVE:
            return f"works until {terminal.moment(until)}: its successor replaces it"
        return "replaced by its successor: delete it"
    if any(one.id == key.grant.predecessor_id for one in keys):
        return f"replaces {key.grant.predecessor_id}"
    if is_idle(key, now=now):
        return "not used for 30 days: disable or delete"
    if now - key.created_at >= AGE_DAYS * DAY_MS and status is Status.ACTIVE:
        return f"older than {AGE_DAYS} days: rotate it"
    return ""


def as_dict(key: ApiKey, *, now: int) -> dict[str, Any]:
    """Return a key as `--json` shows it."""
    return {
        "id": key.id,
        "name": key.name,
        "memo": key.memo,
        "sub_account": key.grant.sub_account,
        "status": key.status_at(now).value,
        "permissions": sorted(key.grant.permissions),
        "environment": key.grant.environment.value,
        "addresses": list(key.grant.addresses),
        "created_at": key.created_at,
        "expires_at": key.grant.expires_at,
        "last_used_at": key.last_used_at,
        "last_used_from": key.last_used_from,
        "predecessor_id": key.grant.predecessor_id or None,
        "overlap_until": key.grant.overlap_until,
        "is_idle": is_idle(key, now=now),
        "version": key.grant.version,
    }
