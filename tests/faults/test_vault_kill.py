"""VLT-06: `kill -9` while a vault's passphrase is changed, or a backup is put in its place: one or the other, never neither."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from keywright.app import protecting
from keywright.app.protecting import OWNER
from keywright.app.vault_note import Unremembered
from keywright.errors import Conflict, NotProven
from keywright.secret import Secret
from keywright.vault.model import PERSONAL, Status
from tests.support import killable
from tests.support.holding import SECRET
from tests.support.vault import (
    OTHER,
    PASSPHRASE,
    Vault,
    change_on_and_on,
    held_keys_of,
    live_on_and_on,
    restore_on_and_on,
    run,
)

KILLS = 20
SEED = 20_260_101

pytestmark = pytest.mark.slow


async def killed(
    work: Callable[[Path, Callable[..., None]], Awaitable[None]], folder: Path, moments: random.Random, *, most: int = 3
) -> int:
    """Let a process work until it told some facts, then a moment longer; return how many it told."""
    facts, inner = killable.FORKS.Pipe(duplex=False)
    process = killable.FORKS.Process(target=run, args=(work, folder, inner), daemon=True)
    process.start()
    inner.close()
    heard = []
    try:
        for _ in range(moments.randint(1, most)):  # facts, not seconds: a busy machine gets as far as an idle one
            assert await asyncio.to_thread(facts.poll, 60), "it does not go on"
            heard.append(facts.recv())
        await asyncio.sleep(moments.uniform(0, 0.06))
    finally:
        process.kill()
    told = await asyncio.to_thread(killable.told, facts)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, (*heard, *told)  # or it ended by itself: the last says why
    return len(told)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setattr(protecting.try_passphrase, "__kwdefaults__", {"pause": lambda _: None})
    return Vault(tmp_path)


async def opening(vault: Vault) -> dict[str, Secret]:
    """Return the wrapping key by each passphrase that opens the vault."""
    found = {}
    for words in (PASSPHRASE, OTHER):
        with suppress(NotProven):
            found[words] = await vault.key(words)
    return found


async def test_vlt_06_a_change_of_the_passphrase_is_there_or_not_there(vault: Vault) -> None:
    await vault.make()
    key = await vault.key()
    moments, found = random.Random(SEED), set()
    for _ in range(KILLS):
        await killed(change_on_and_on, vault.folder, moments)
        (words,) = await opening(vault)
        found.add(words)
        assert await vault.key(words) == key
        made, *changed = await vault.kinds(key)  # the log holds, and the vault is the one that was here
        assert (made, set(changed) - {"vault.passphrase_changed"}) == ("vault.made", set())
        if words != PASSPHRASE:
            await vault.change(key, PASSPHRASE)
    assert found == {PASSPHRASE, OTHER}, "the moments were badly chosen"


async def test_vlt_06_whatever_a_vault_was_doing_it_opens_and_its_log_tells_what_is_there(vault: Vault) -> None:
    """Every verb in turn: ways in, addresses, a key that is held, rotated, rolled back, suspended, checked and destroyed."""
    await vault.make()
    key = await vault.key()
    moments, reached = random.Random(SEED), set()
    for _ in range(KILLS // 2):
        await killed(live_on_and_on, vault.folder, moments, most=8)
        kinds = await vault.kinds(key)  # the log holds, and the vault is the one that was here
        reached |= set(kinds)
        async with vault.opened(key=key) as services:
            keys = held_keys_of(services)
            async with services.database.read() as tx:
                there, pool = await keys.connections(tx, PERSONAL), await keys.pool.all(tx)
            assert all(one.holds for one in there)
            assert all(one.holds for one in pool)
            assert len(there) == kinds.count("connection.added") - kinds.count("connection.removed")
            assert len(pool) == kinds.count("egress.added") - kinds.count("egress.removed")
            for one in there:
                if one.record.status is Status.ACTIVE:
                    async with services.database.write() as tx:
                        at = vault.clock()
                        handed = await keys.credentials(tx, PERSONAL, one.id, purpose="exec", actor=OWNER, now=at)
                    assert handed.credentials.secret == Secret(SECRET)
                async with services.database.write() as tx:
                    await keys.remove(tx, PERSONAL, one.id, actor=OWNER, now=vault.clock())
            async with services.database.write() as tx:
                for egress in pool:
                    with suppress(Conflict):  # reserved when it died: for two hours
                        await keys.pool.remove(tx, egress.id, actor=OWNER, now=vault.clock())
        closed = await vault.look()
        ways = kinds.count("vault.protected") - kinds.count("vault.unprotected")
        assert len(closed.protections) == 1 + ways
    assert {"connection.switched", "connection.rolled_back", "connection.removed", "vault.unprotected"} <= reached


async def test_vlt_06_on_a_full_disk_the_old_passphrase_goes_on_opening(vault: Vault) -> None:
    """A file that can't grow stands for the disk: for one process alone, as much of it as the vault has now and a little."""
    await vault.make()
    key = await vault.key()
    for spare in (0, 4_096, 12_288):
        facts, inner = killable.FORKS.Pipe(duplex=False)
        most = max(spare, 1)
        process = killable.FORKS.Process(target=run, args=(change_on_and_on, vault.folder, inner, most), daemon=True)
        process.start()
        inner.close()
        told = await asyncio.to_thread(killable.told, facts)
        await asyncio.to_thread(process.join, 60)
        assert told[-1][:2] == ("ended", "Busy"), told
        changes = sum(fact[0] == "changed" for fact in told)
        assert await opening(vault) == {(PASSPHRASE, OTHER)[changes % 2]: key}
        assert (await vault.kinds(key))[0] == "vault.made"
        if changes % 2:
            await vault.change(key, PASSPHRASE)


async def test_vlt_06_a_restore_leaves_the_old_vault_or_the_new_one(vault: Vault) -> None:
    await vault.make()
    key = await vault.key()
    moments = random.Random(SEED)
    for _ in range(KILLS // 2):
        await killed(restore_on_and_on, vault.folder, moments)
        assert vault.file.stat().st_size
        try:
            kinds = await vault.kinds(key)
        except (
            Unremembered
        ):  # it died between the vault and what is remembered of it: said, and for its owner to accept
            async with vault.opened(key=key, accept=True):
                kinds = ["vault.accepted"]
        assert kinds[-1] in {"vault.restored", "vault.accepted", "vault.made"}
        assert await opening(vault) == {PASSPHRASE: key}
    assert list(vault.file.parent.glob("vault-before-*.db")), "what was replaced lies beside it"
