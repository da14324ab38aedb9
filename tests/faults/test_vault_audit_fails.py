"""STO-07 for held keys and for the personal vault: every verb, found in the code, changes nothing where its event can't be kept."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, table

from keywright.app import personal_vault, protecting, vault_backup, vault_opening
from keywright.app.protecting import add_protection, change_passphrase, make_protection, remove_protection
from keywright.audit.events import Actor, Kind
from keywright.audit.log import AuditLog
from keywright.errors import KeywrightError, Unusable
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.storage.tables import metadata
from keywright.storage.transaction import Tx
from keywright.vault import rules
from keywright.vault.evidence import Exchange, Right
from keywright.vault.model import NewConnection
from keywright.vault.pool import Pool
from keywright.vault.service import Vault
from tests.faults.test_audit_fails import NO_AUDIT, NO_AUDIT_POSTGRES, THROUGH_A_MASTER
from tests.support.vault import OTHER as OTHER_PASSPHRASE, Vault as PersonalVault, by_passphrase, everything_in
from tests.support.world import Person
from tests.vault.conftest import ADDRESS, OTHER, Dealings, dealings, kucoin, probed, services, told  # noqa: F401  fixtures
from tests.vault.test_rotating import UNKNOWN, Turn

NEW = kucoin(7)


TABLES = set(metadata.tables) - {"attempts"}
"""That an exchange was asked counts against the account, whatever became of the answer."""


def verbs_of(*classes: type) -> set[str]:
    """Return every public verb of these that acts for somebody: it takes an actor, and tells the log who it was."""
    return {
        f"{one.__name__}.{name}"
        for one in classes
        for name, verb in inspect.getmembers(one, inspect.iscoroutinefunction)
        if not name.startswith("_") and "actor" in inspect.signature(verb).parameters
    }


@dataclass
class Scene:
    """Someone with a connection, in the state that a verb wants."""

    dealings: Dealings
    ada: Person

    @property
    def turn(self) -> Turn:
        return Turn(self.dealings, self.ada)

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.dealings.world.actor(self.ada), "now": self.dealings.clock()}

    @property
    def proved(self) -> dict[str, Any]:
        return {**self.who, "proof": self.dealings.world.proof(self.ada)}

    @property
    def mine(self) -> tuple[str, str]:
        return self.ada.account.id, "grid bot"

    async def within(self, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        async with self.dealings.services.database.write() as tx:
            return await act(tx)


Act = Callable[[Scene], Awaitable[Any]]


@dataclass(frozen=True)
class Row:
    """One verb: what makes ready for it, and what it is called with."""

    verb: str
    act: Act
    ready: Act | None = None


def _with(**settings: object) -> Act:
    async def ready(scene: Scene) -> None:
        for name, value in settings.items():
            setattr(scene.dealings.told, name, value)

    return ready


async def _begun(scene: Scene) -> None:
    await scene.turn.begin(NEW)


async def _switched(scene: Scene) -> None:
    await scene.turn.begin(NEW)
    await scene.turn.switch()


async def _reserved(scene: Scene) -> None:
    await scene.dealings.vault.reserve(scene.ada.account.id, "kucoin", **scene.who)


async def _connect(scene: Scene) -> None:
    new = NewConnection("another", "kucoin", kucoin(3))
    await scene.dealings.vault.connect(scene.ada.account.id, new, **scene.proved)


async def _finish(scene: Scene) -> None:
    turn = scene.turn
    turn.told[kucoin().key] = UNKNOWN
    await turn.finish()


def _pool(call: Callable[[Pool, Tx, Scene], Awaitable[Any]]) -> Act:
    return lambda scene: scene.within(lambda tx: call(scene.dealings.vault.pool, tx, scene))


def _vault(call: Callable[[Vault, Tx, Scene], Awaitable[Any]]) -> Act:
    return lambda scene: scene.within(lambda tx: call(scene.dealings.vault, tx, scene))


SPARE = "203.0.113.99"
ROWS = (
    Row("Vault.reserve", _reserved),
    Row(
        "Vault.release",
        lambda scene: scene.dealings.vault.release(scene.ada.account.id, "kucoin", **scene.who),
        _reserved,
    ),
    Row("Vault.connect", _connect, _reserved),
    Row("Vault.replace_key", lambda scene: scene.dealings.vault.replace_key(*scene.mine, NEW, **scene.proved)),
    Row("Vault.check", lambda scene: scene.dealings.vault.check(*scene.mine, **scene.who)),
    Row(
        "Vault.check",  # which suspends
        lambda scene: scene.dealings.vault.check(*scene.mine, **scene.who),
        _with(answer=probed(Right.WITHDRAW)),
    ),
    Row("Vault.edit", _vault(lambda vault, tx, scene: vault.edit(tx, *scene.mine, name="another", **scene.who))),
    Row("Vault.suspend", _vault(lambda vault, tx, scene: vault.suspend(tx, *scene.mine, **scene.who))),
    Row("Vault.remove", _vault(lambda vault, tx, scene: vault.remove(tx, *scene.mine, **scene.proved))),
    Row(
        "Vault.credentials",
        _vault(lambda vault, tx, scene: vault.credentials(tx, *scene.mine, purpose="exec", **scene.who)),
    ),
    Row("Vault.begin_rotation", _begun),
    Row("Vault.switch", lambda scene: scene.turn.switch(), _begun),
    Row("Vault.roll_back", lambda scene: scene.turn.roll_back(), _switched),
    Row("Vault.finish", _finish, _switched),
    Row(
        "Pool.add",
        _pool(lambda pool, tx, scene: pool.add(tx, rules.egress_place(SPARE), **_operator(scene))),
    ),
    Row("Pool.share", _pool(lambda pool, tx, scene: pool.share(tx, OTHER, shared=True, **_operator(scene)))),
    Row("Pool.remove", _pool(lambda pool, tx, scene: pool.remove(tx, OTHER, **_operator(scene)))),
    Row(
        "Pool.reserve",
        _pool(lambda pool, tx, scene: pool.reserve(tx, scene.ada.account.id, Exchange.KUCOIN, **scene.who)),
    ),
    Row(
        "Pool.release",
        _pool(lambda pool, tx, scene: pool.release(tx, scene.ada.account.id, Exchange.KUCOIN, **scene.who)),
        _reserved,
    ),
    Row(
        "Vault.observe",
        lambda scene: scene.dealings.vault.observe(ADDRESS, now=scene.dealings.clock()),
        _with(seen=SPARE),
    ),
)
ACTS_FOR_NOBODY = {"Vault.observe"}
"""It takes no actor, and changes what is shown."""


def _operator(scene: Scene) -> dict[str, Any]:
    return {"actor": Actor("operator"), "now": scene.dealings.clock()}


@pytest.fixture
async def scene(dealings: Dealings) -> Scene:  # noqa: F811
    ada = await dealings.world.person()
    await dealings.pool(ADDRESS, OTHER)
    dealings.told.answer = probed(addresses=(ADDRESS, OTHER))
    await dealings.connect(ada)
    return Scene(dealings, ada)


async def everything(scene: Scene) -> dict[str, Any]:
    async with scene.dealings.services.database.read() as tx:
        return {name: sorted(map(repr, await tx.execute(select("*").select_from(table(name))))) for name in TABLES}


def test_sto_07_no_verb_of_held_keys_is_without_its_row() -> None:
    assert ({row.verb for row in ROWS} | THROUGH_A_MASTER) - ACTS_FOR_NOBODY == verbs_of(Vault, Pool)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.verb} {at}" for at, row in enumerate(ROWS)])
async def test_sto_07_a_verb_of_held_keys_whose_event_can_t_be_kept_changes_nothing(scene: Scene, row: Row) -> None:
    if row.ready is not None:
        await row.ready(scene)
    database = scene.dealings.services.database
    before = await everything(scene)
    async with database.write() as tx:
        for statement in (NO_AUDIT,) if database.is_sqlite else NO_AUDIT_POSTGRES:
            await tx.exec_driver_sql(statement)
    with pytest.raises(KeywrightError, match="the audit log can't be written"):
        await row.act(scene)
    assert await everything(scene) == before
    async with database.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER no_audit" + ("" if database.is_sqlite else " ON audit_events"))
    await row.act(scene)  # it was the log alone that stood in its way
    after = await everything(scene)
    assert len(after["audit_events"]) > len(before["audit_events"])


# ── the personal vault's own


@pytest.fixture
def vault(tmp_path: Path) -> PersonalVault:
    return PersonalVault(tmp_path)


class NoRoom(Unusable):
    """The log is full."""


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    async def refuse(*_: object, **__: object) -> None:
        raise NoRoom("the audit log can't be written, so nothing was changed")

    return lambda: monkeypatch.setattr(AuditLog, "record", refuse)


async def _make(vault: PersonalVault) -> None:
    await vault.make()


async def _add(vault: PersonalVault) -> None:
    key, closed = await vault.key(), await vault.look()
    async with vault.opened(key=key) as services, services.database.write() as tx:  # noqa: F811
        around = closed.surroundings(vault.environ)
        made = make_protection(ByKeyFile(), wrapping_key=key, surroundings=around, now=vault.clock())
        await add_protection(tx, made, audit=services.audit, now=vault.clock())


async def _drop(vault: PersonalVault) -> None:
    key, closed = await vault.key(), await vault.look()
    async with vault.opened(key=key) as services, services.database.write() as tx:  # noqa: F811
        (by_file,) = [one.id for one in closed.protections if not one.asks]
        await remove_protection(tx, by_file, audit=services.audit, now=vault.clock())


async def _change(vault: PersonalVault) -> None:
    key, closed = await vault.key(), await vault.look()
    (current,) = [one for one in closed.protections if one.asks]
    async with vault.opened(key=key) as services, services.database.write() as tx:  # noqa: F811
        await change_passphrase(
            tx,
            current,
            by_passphrase(OTHER_PASSPHRASE),
            wrapping_key=key,
            surroundings=closed.surroundings(vault.environ),
            audit=services.audit,
            now=vault.clock(),
        )


async def _accept(vault: PersonalVault) -> None:
    async with vault.opened(key=await vault.key(), accept=True):
        pass


async def _restore(vault: PersonalVault) -> None:
    archive = await vault.copied()
    vault.clock.advance(seconds=1)
    await vault_backup.restore_vault(archive, vault.place, replace=True, clock=vault.clock)


PERSONAL: dict[Kind, Callable[[PersonalVault], Awaitable[None]]] = {
    Kind.VAULT_MADE: _make,
    Kind.VAULT_PROTECTED: _add,
    Kind.VAULT_UNPROTECTED: _drop,
    Kind.VAULT_PASSPHRASE_CHANGED: _change,
    Kind.VAULT_ACCEPTED: _accept,
    Kind.VAULT_RESTORED: _restore,
}


def test_sto_07_no_event_of_a_personal_vault_is_without_its_row() -> None:
    assert set(PERSONAL) == {kind for kind in Kind if kind.value.startswith("vault.")}
    recorded = "".join(inspect.getsource(one) for one in (personal_vault, protecting, vault_backup, vault_opening))
    assert {kind for kind in PERSONAL if f"Kind.{kind.name}" in recorded} == set(PERSONAL)


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.value)
async def test_sto_07_a_personal_vault_is_as_it_was_where_its_log_can_t_be_written(
    vault: PersonalVault, kind: Kind, no_log: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind is not Kind.VAULT_MADE:
        await vault.make()
        if kind is Kind.VAULT_UNPROTECTED:
            await _add(vault)
    before = everything_in(vault.folder)
    no_log()
    with pytest.raises(NoRoom):
        await PERSONAL[kind](vault)
    after = everything_in(vault.folder)
    if kind is Kind.VAULT_MADE:
        assert not vault.place.has_vault()
    elif (
        kind is Kind.VAULT_PROTECTED
    ):  # the key file is written before: of no use to anybody, and there for the next try
        assert {name for name, content in after.items() if before.get(name) != content} <= {
            "config/keywright/vault.key"
        }
    else:
        assert after == before
    monkeypatch.undo()
    await PERSONAL[kind](vault)
    assert (await vault.kinds(await _key(vault)))[-1 if kind is not Kind.VAULT_MADE else 0] == kind


async def _key(vault: PersonalVault) -> Any:
    try:
        return await vault.key()
    except KeywrightError:
        return await vault.key(OTHER_PASSPHRASE)
