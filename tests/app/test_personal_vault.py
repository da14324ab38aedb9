"""The personal vault from inside: made, opened by what protects it, protected otherwise, remembered."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keywright.app import protecting
from keywright.app.folders import Folders
from keywright.app.installation import open_installation
from keywright.app.protecting import (
    add_protection,
    change_passphrase,
    make_protection,
    remove_protection,
    vet_new_passphrase,
)
from keywright.app.services import Services
from keywright.app.vault_note import Unremembered
from keywright.app.vault_place import file_system_of
from keywright.errors import Conflict, Invalid, Locked, NotFound, NotProven, Unusable
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.sealing.protections.systemd import NAME, BySystemd
from keywright.secret import Secret
from tests.support.vault import OTHER, PASSPHRASE, Vault, by_passphrase, everything_in


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the waits after wrong passphrases, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(protecting.try_passphrase, "__kwdefaults__", {"pause": waited.append})
    return waited


async def _count(services: Services) -> int:
    async with services.database.read() as tx:
        return (await services.audit.place(tx)).count


async def _add(vault: Vault, key: Secret, new: ByKeyFile | BySystemd) -> str:
    closed = await vault.look()
    around = closed.surroundings(vault.environ)
    async with vault.opened(key=key) as services, services.database.write() as tx:
        made = make_protection(new, wrapping_key=key, surroundings=around, now=vault.clock())
        await add_protection(tx, made, audit=services.audit, now=vault.clock())
    return made.id


async def _remove(vault: Vault, key: Secret, protection_id: str) -> None:
    async with vault.opened(key=key) as services, services.database.write() as tx:
        await remove_protection(tx, protection_id, audit=services.audit, now=vault.clock())


# ── made and opened


async def test_a_vault_with_a_key_file_opens_by_itself(vault: Vault) -> None:
    made = await vault.make(ByKeyFile())
    async with vault.opened() as services:
        assert services.keyring.database_id == made
        assert await _count(services) == 1
    assert {path.stat().st_mode & 0o777 for path in vault.folder.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (vault.data / "keywright", vault.place.state)} == {0o700}


async def test_a_server_beside_it_is_left_as_it_is(vault: Vault) -> None:
    """The two share folders, and nothing else."""
    folders = Folders(vault.place.folders.data, vault.place.folders.config)
    server = await open_installation(folders, now=vault.clock())
    await server.database.close()
    before = everything_in(vault.folder)
    await vault.make(ByKeyFile())
    async with vault.opened() as services:
        assert services.keyring.database_id != server.keyring.database_id
    after = everything_in(vault.folder)
    assert {name: after[name] for name in before} == before
    again = await open_installation(folders, make=False, now=vault.clock())
    await again.database.close()


async def test_vlt_01_a_locked_vault_says_one_thing_and_changes_nothing(vault: Vault) -> None:
    await vault.make()
    before = everything_in(vault.folder)
    for _ in range(2):
        with pytest.raises(Locked, match=r"^the vault is locked$") as locked:
            async with vault.opened():
                pytest.fail("it is open")
        assert locked.value.hint == "`keywright vault unlock` opens it for this session"
        assert locked.value.exit_code == 4
    assert everything_in(vault.folder) == before


async def test_vlt_01_a_vault_whose_key_is_gone_says_which(vault: Vault) -> None:
    await vault.make(ByKeyFile())
    vault.place.folders.wrapping_key.chmod(0o640)
    with pytest.raises(Locked, match=r"the vault is locked: .*can be reached by others") as locked:
        async with vault.opened():
            pytest.fail("it is open")
    assert locked.value.hint.startswith("chmod 600")
    vault.place.folders.wrapping_key.unlink()
    with pytest.raises(Locked, match="can't be read"):
        async with vault.opened():
            pytest.fail("it is open")
    ByKeyFile().make((await vault.look()).surroundings(vault.environ), protection_id="x")
    with pytest.raises(Locked, match="its key-file is not the one it was protected by"):
        async with vault.opened():
            pytest.fail("it is open")


async def test_there_is_one_vault_and_making_it_is_all_or_nothing(vault: Vault) -> None:
    with pytest.raises(Unusable, match="there is no vault in"):
        await vault.look()
    with pytest.raises(Unusable, match="CREDENTIALS_DIRECTORY"):
        await vault.make(BySystemd())
    with pytest.raises(Invalid):
        await vault.make(by_passphrase("short"))
    assert not vault.file.exists()
    await vault.make()
    before = everything_in(vault.folder)
    with pytest.raises(Conflict, match="there is a vault already"):
        await vault.make()
    assert everything_in(vault.folder) == before


@pytest.mark.parametrize(
    "words",
    [
        "",
        "short",
        "passphrase",
        "keywrightvault",
        "aaaaaaaaaaaaaaaa",
        "tab\tin seven lamps",
        "x" * 1_100,
        b"\xff" * 12,
    ],
)
def test_a_passphrase_that_would_be_guessed_or_mistyped_is_not_taken(words: str | bytes) -> None:
    with pytest.raises(Invalid):
        vet_new_passphrase(Secret(words))


# ── protections beside each other


async def test_several_ways_lead_in_and_each_change_is_on_the_record(vault: Vault, tmp_path: Path) -> None:
    await vault.make()
    key = await vault.key()
    (tmp_path / "credentials").mkdir(mode=0o700)
    (tmp_path / "credentials" / NAME).write_bytes(os.urandom(32))
    (tmp_path / "credentials" / NAME).chmod(0o400)
    vault.environ["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    by_credential = await _add(vault, key, BySystemd())
    async with vault.opened():
        pass
    by_file = await _add(vault, key, ByKeyFile())
    await _remove(vault, key, by_credential)
    (passphrase,) = [one for one in (await vault.look()).protections if one.asks]
    await _remove(vault, key, passphrase.id)
    with pytest.raises(Conflict, match="the only way"):
        await _remove(vault, key, by_file)
    with pytest.raises(NotFound):
        await _remove(vault, key, by_credential)
    assert await vault.kinds(key) == ["vault.made", "vault.protected", "vault.protected", *["vault.unprotected"] * 2]


async def test_a_vault_has_one_passphrase(vault: Vault) -> None:
    await vault.make()
    key = await vault.key()
    with pytest.raises(Conflict, match="has a passphrase already"):
        await _add(vault, key, by_passphrase(OTHER))  # type: ignore[arg-type]


async def test_vlt_07_after_a_change_the_new_passphrase_opens_the_old_only_what_was_copied_before(
    vault: Vault, pauses: list[float], tmp_path: Path
) -> None:
    await vault.make()
    key = await vault.key()
    before = shutil.copy(vault.file, tmp_path / "copy.db")
    await vault.change(key, OTHER)
    assert await vault.key(OTHER) == key  # only the wrap is new
    with pytest.raises(NotProven):
        await vault.key(PASSPHRASE)
    shutil.copy(before, vault.file)
    assert await vault.key(PASSPHRASE) == key
    with pytest.raises(NotProven):
        await vault.key(OTHER)
    assert len(pauses) == 2


async def test_vlt_12_after_a_change_nothing_of_the_old_wrap_is_left_in_the_file(vault: Vault) -> None:
    await vault.make()
    (old,) = (await vault.look()).protections
    await vault.change(await vault.key(), OTHER)
    assert not list(vault.file.parent.glob("vault.db-wal*"))
    assert old.wrapped not in vault.file.read_bytes()
    assert json.loads(old.parameters)["salt"].encode() not in vault.file.read_bytes()


async def test_a_change_that_another_one_overtook_is_refused(vault: Vault) -> None:
    await vault.make()
    key, closed = await vault.key(), await vault.look()
    await vault.change(key, OTHER)
    async with vault.opened(key=key) as services:
        with pytest.raises(Conflict, match="changed meanwhile"):
            async with services.database.write() as tx:
                await change_passphrase(
                    tx,
                    closed.protections[0],
                    by_passphrase("nine boats at anchor"),
                    wrapping_key=key,
                    surroundings=closed.surroundings(vault.environ),
                    audit=services.audit,
                    now=vault.clock(),
                )
    assert await vault.key(OTHER) == key


async def test_vlt_02_wrong_passphrases_wait_one_after_the_other(vault: Vault, pauses: list[float]) -> None:
    await vault.make()
    said = set()
    for wrong in ("", "wrong", PASSPHRASE + " ", "x" * 100_000, PASSPHRASE.upper()):
        with pytest.raises(NotProven) as refused:
            await vault.key(wrong)
        said.add((refused.value.message, refused.value.hint))
    assert len(said) == 1
    assert pauses == [1.0] * 5
    assert await vault.key(PASSPHRASE + "\n")
    assert len(pauses) == 5


async def test_vlt_02_a_row_that_was_altered_fails_in_the_words_of_a_wrong_passphrase(
    vault: Vault, pauses: list[float]
) -> None:
    await vault.make()
    with closing(sqlite3.connect(vault.file)) as connection, connection:
        connection.execute("UPDATE vault_protections SET parameters = replace(parameters, 'cheapest', 'cheaper')")
    with pytest.raises(NotProven, match="that passphrase does not open the vault"):
        await vault.key()
    assert pauses == [1.0]


# ── what this machine remembers


async def _one_more(vault: Vault, key: Secret) -> None:
    await _add(vault, key, ByKeyFile(vault.folder / f"{os.urandom(4).hex()}.key"))


async def test_vlt_08_an_older_copy_is_refused_until_it_is_accepted_on_the_record(vault: Vault, tmp_path: Path) -> None:
    await vault.make()
    key = await vault.key()
    await _one_more(vault, key)
    older = shutil.copy(vault.file, tmp_path / "older.db")
    await _one_more(vault, key)
    shutil.copy(older, vault.file)
    for _ in range(2):
        with pytest.raises(Unremembered, match="2 events, and there were 3") as refused:
            async with vault.opened(key=key):
                pytest.fail("it is open")
        assert "keywright vault accept" in refused.value.hint
    async with vault.opened(key=key, accept=True):
        pass
    assert (await vault.kinds(key))[-1] == "vault.accepted"


async def test_vlt_08_an_older_copy_that_was_written_to_since_is_refused(vault: Vault, tmp_path: Path) -> None:
    await vault.make()
    key = await vault.key()
    older = shutil.copy(vault.file, tmp_path / "older.db")
    await _one_more(vault, key)
    elsewhere = Vault(tmp_path / "elsewhere")
    await elsewhere.make()
    shutil.copy(older, elsewhere.file)
    async with elsewhere.opened(key=key, accept=True):
        pass
    for _ in range(2):
        await _one_more(elsewhere, key)
    shutil.copy(elsewhere.file, vault.file)
    with pytest.raises(Unremembered, match="does not go on from where it was"):
        async with vault.opened(key=key):
            pytest.fail("it is open")


async def test_vlt_08_another_vault_or_one_from_elsewhere_is_refused(vault: Vault, tmp_path: Path) -> None:
    await vault.make(ByKeyFile())
    other = Vault(tmp_path / "other")
    await other.make()
    key = await other.key()
    shutil.copy(other.file, vault.file)
    with pytest.raises(Unremembered, match="is another vault"):
        async with vault.opened(key=key):
            pytest.fail("it is open")
    other.place.note.unlink()
    with pytest.raises(Unremembered, match="nothing here remembers"):
        async with other.opened(key=key):
            pytest.fail("it is open")
    other.place.note.touch(0o600)
    with pytest.raises(Unremembered, match="is damaged"):
        async with other.opened(key=key):
            pytest.fail("it is open")


async def test_what_a_killed_command_had_written_is_remembered_by_the_next(vault: Vault) -> None:
    await vault.make()
    key = await vault.key()
    before = vault.place.note.read_bytes()
    await _one_more(vault, key)
    after = vault.place.note.read_bytes()
    vault.place.note.write_bytes(before)  # as if it had died before it came to that
    async with vault.opened(key=key):
        pass
    assert vault.place.note.read_bytes() == after


async def test_commands_beside_each_other_leave_the_newest_note(vault: Vault) -> None:
    await vault.make()
    key = await vault.key()
    async with vault.opened(key=key):
        await asyncio.gather(*(_one_more(vault, key) for _ in range(4)))
    assert json.loads(vault.place.note.read_text())["events"] == 5


# ── files that are not as they must be


async def test_vlt_09_whatever_others_can_reach_is_refused_with_what_to_do(vault: Vault) -> None:
    await vault.make(ByKeyFile())
    for path, mode in (
        *((vault.file, mode) for mode in (0o644, 0o640, 0o602, 0o777)),
        *((vault.file.parent, mode) for mode in (0o755, 0o777, 0o701)),
        (vault.place.state, 0o755),
        (vault.place.note, 0o644),
        (vault.place.folders.config, 0o770),
    ):
        before = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(Unusable) as refused:
            async with vault.opened():
                pytest.fail(f"{path} {mode:o}")
        assert "chmod" in refused.value.hint
        path.chmod(before)
    vault.place.folders.config.chmod(0o755)  # settings may be shared, and the key file in it is looked at by itself
    async with vault.opened():
        pass


async def test_vlt_09_what_is_no_plain_file_of_ones_own_is_refused(vault: Vault, tmp_path: Path) -> None:
    await vault.make(ByKeyFile())
    real = tmp_path / "real.db"
    vault.file.rename(real)
    made: dict[str, Callable[[], object]] = {
        "link": lambda: vault.file.symlink_to(real),
        "hard link": lambda: vault.file.hardlink_to(real),
        "pipe": lambda: os.mkfifo(vault.file, 0o600),
        "folder": lambda: vault.file.mkdir(mode=0o700),
        "link to nothing": lambda: vault.file.symlink_to(tmp_path / "nothing"),
    }
    for name, make in made.items():
        make()
        with pytest.raises(Unusable):
            async with vault.opened():
                pytest.fail(name)
        with pytest.raises((Unusable, Conflict)):
            await vault.make(ByKeyFile())
        vault.file.rmdir() if name == "folder" else vault.file.unlink()
    real.rename(vault.file)
    if os.geteuid() == 0:
        os.chown(vault.file, 12_345, 0)
        with pytest.raises(Unusable, match="belongs to another user"):
            async with vault.opened():
                pytest.fail("another's")


MOUNTS = """\
21 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 21 0:30 / /home rw shared:2 - nfs4 server:/home rw,vers=4.2
31 30 0:31 / /home/ada/My\\040disk rw - ext4 /dev/sdb1 rw
40 21 0:40 / /run/user/1000 rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/x", "ext4"),
        ("/home/ada/.local", "nfs4"),
        ("/home/ada/My disk/x", "ext4"),
        ("/run/user/1000/x", "tmpfs"),
        ("/homely", "ext4"),
    ],
)
def test_vlt_09_the_kind_of_disk_is_read_from_what_is_mounted(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind
    assert not file_system_of(Path(path), "")


async def test_vlt_09_a_vault_is_not_kept_on_a_network(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text("21 1 0:20 / / rw - nfs server:/ rw\n")
    monkeypatch.setattr("keywright.app.vault_place.MOUNTS", tmp_path / "mountinfo")
    with pytest.raises(Unusable, match=r"is on a network \(nfs\)"):
        await vault.make()
