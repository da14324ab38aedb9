"""Backups of a personal vault: whole or refused, under load, and never over anything."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from keywright.app.vault_archive import Archive, pack, unpack
from keywright.app.vault_backup import read_backup, restore_vault, write_backup
from keywright.audit.events import Actor, Event, Kind
from keywright.errors import Busy, Conflict, Invalid, Locked, Unopenable, Unusable
from keywright.sealing import age
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.secret import Secret
from keywright.web import age_file
from tests.support.vault import OTHER, PASSPHRASE, Vault, by_passphrase, everything_in

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT, IDENTITIES = str(IDENTITY.to_public()), f"# made for a test\n{IDENTITY}\n"
WORDS = Secret("nine boats at anchor")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "here")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Vault:
    """Give another machine, where no vault is yet."""
    return Vault(tmp_path / "elsewhere")


async def happen(vault: Vault, key: Secret, *, times: int = 1) -> None:
    """Let something happen to the vault that its log knows."""
    async with vault.opened(key=key) as services:
        for _ in range(times):
            async with services.database.write() as tx:
                event = Event(Kind.VAULT_ACCEPTED, Actor("owner"), "", "vault")
                await services.audit.record(tx, event, now=vault.clock())


# ── there and back


async def test_a_vault_comes_back_on_another_machine_with_its_passphrase(vault: Vault, elsewhere: Vault) -> None:
    made = await vault.make()
    sealed = age.seal_for_recipients(pack(await vault.copied()), [RECIPIENT])
    archive = unpack(age.open_with_identities(sealed, IDENTITIES))
    done = await restore_vault(archive, elsewhere.place, clock=elsewhere.clock)
    assert (done.manifest.vault, done.manifest.events, done.aside, done.kinds) == (made, 1, None, ("passphrase",))
    key = await elsewhere.key()
    assert key == await vault.key()
    assert await elsewhere.kinds(key) == ["vault.made", "vault.restored"]
    assert elsewhere.file.stat().st_mode & 0o777 == 0o600


async def test_a_restored_vault_may_be_protected_by_something_else_alone(vault: Vault, elsewhere: Vault) -> None:
    """The passphrase is forgotten, or the keyring lies on the machine that was stolen."""
    await vault.make()
    archive = await vault.copied()
    done = await restore_vault(archive, elsewhere.place, new=ByKeyFile(), clock=elsewhere.clock)
    assert done.kinds == ("key-file",)
    async with elsewhere.opened():
        pass
    again = await restore_vault(archive, elsewhere.place, new=by_passphrase(OTHER), replace=True, clock=elsewhere.clock)
    assert again.kinds == ("passphrase",)
    with pytest.raises(Locked):
        async with elsewhere.opened():
            pytest.fail("it is open")
    assert await elsewhere.key(OTHER) == archive.wrapping_key


async def test_vlt_07_an_old_backup_opens_with_the_passphrase_of_its_time(vault: Vault, elsewhere: Vault) -> None:
    await vault.make()
    archive = await vault.copied()
    await restore_vault(archive, elsewhere.place, clock=elsewhere.clock)
    assert await elsewhere.key(PASSPHRASE)


async def test_a_copy_made_under_load_is_whole(vault: Vault, elsewhere: Vault) -> None:
    await vault.make()
    key = await vault.key()
    writing = asyncio.create_task(happen(vault, key, times=60))
    copies = []
    while not writing.done():
        copies.append(await vault.copied())
        await asyncio.sleep(0)
    await writing
    counts = [archive.manifest.events for archive in copies]
    assert counts == sorted(counts)
    for archive in (copies[0], copies[len(copies) // 2], copies[-1]):
        await restore_vault(archive, elsewhere.place, replace=True, clock=elsewhere.clock)
        assert len(await elsewhere.kinds(key)) == archive.manifest.events + 1


# ── what is there is not lost


async def test_a_restore_replaces_only_when_told_to_and_keeps_what_was_there(vault: Vault) -> None:
    await vault.make()
    archive = await vault.copied()
    key = await vault.key()
    await happen(vault, key)
    before = everything_in(vault.folder)
    with pytest.raises(Conflict, match="there is a vault already"):
        await restore_vault(archive, vault.place, clock=vault.clock)
    assert everything_in(vault.folder) == before
    async with vault.opened(key=key):
        with pytest.raises(Busy, match="a command has the vault open"):
            await restore_vault(archive, vault.place, replace=True, clock=vault.clock)
    assert everything_in(vault.folder) == before
    done = await restore_vault(archive, vault.place, replace=True, clock=vault.clock)
    assert await vault.kinds(key) == ["vault.made", "vault.restored"]
    assert not done.is_another
    assert done.aside
    shutil.copy(done.aside, vault.file)
    async with vault.opened(key=key, accept=True):
        pass
    assert await vault.kinds(key) == ["vault.made", "vault.accepted", "vault.accepted"]


async def test_a_broken_vault_is_replaced_and_kept_as_it_is(vault: Vault) -> None:
    await vault.make()
    archive = await vault.copied()
    vault.file.write_bytes(b"not a database")
    Path(f"{vault.file}-wal").write_bytes(b"of another time")
    Path(f"{vault.file}-wal").chmod(0o600)
    done = await restore_vault(archive, vault.place, replace=True, clock=vault.clock)
    assert done.aside
    assert done.aside.read_bytes() == b"not a database"
    assert Path(f"{done.aside}-wal").read_bytes() == b"of another time"
    async with vault.opened(key=await vault.key()):
        pass


async def test_what_is_replaced_twice_within_a_second_is_kept_twice(vault: Vault) -> None:
    await vault.make()
    archive = await vault.copied()
    kept = []
    for content in (b"one", b"two"):
        vault.file.write_bytes(content)
        done = await restore_vault(archive, vault.place, replace=True, clock=vault.clock)
        assert done.aside
        kept.append(done.aside)
    assert [path.read_bytes() for path in kept] == [b"one", b"two"]


async def test_another_vault_in_its_place_is_said_to_be_one(vault: Vault, elsewhere: Vault) -> None:
    """A recipient is public: anybody can seal a vault of their own to it."""
    await vault.make()
    await elsewhere.make()
    done = await restore_vault(await elsewhere.copied(), vault.place, replace=True, clock=vault.clock)
    assert done.is_another


# ── whatever was altered is refused, and nothing is changed


async def _refused(archive: Archive, place: Vault) -> None:
    before = everything_in(place.folder)
    with pytest.raises(Unusable):
        await restore_vault(archive, place.place, replace=True, clock=place.clock)
    assert everything_in(place.folder) == before


async def test_vlt_08_a_backup_that_does_not_hold_together_is_refused(vault: Vault, tmp_path: Path) -> None:
    await vault.make()
    await happen(vault, await vault.key(), times=3)
    archive = await vault.copied()
    other = Vault(tmp_path / "other")
    await other.make()
    altered = [
        replace(archive, wrapping_key=(await other.copied()).wrapping_key),
        replace(archive, database=(await other.copied()).database),
        replace(archive, manifest=replace(archive.manifest, events=3)),
        replace(archive, manifest=replace(archive.manifest, vault="db_1")),
        replace(archive, database=Secret(archive.database.reveal()[:8192])),
        replace(archive, database=Secret(b"nothing")),
        *(replace(archive, database=_with(archive, sql)) for sql in ALTERED),
    ]
    for one in altered:
        await _refused(one, vault)


ALTERED = (
    "DROP TRIGGER audit_events_no_delete; DELETE FROM audit_events WHERE seq = 4",
    "DROP TRIGGER audit_events_no_update; UPDATE audit_events SET kind = 'vault.made' WHERE seq = 2",
    "UPDATE audit_head SET seq = 3",
    "UPDATE keyring_keys SET wrapped = zeroblob(60)",
    "UPDATE alembic_version SET version_num = '9999'",
    "DROP TABLE alembic_version",
)


def _with(archive: Archive, sql: str) -> Secret:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(archive.database.reveal())
        connection.executescript(sql)
        return Secret(connection.serialize())


def flips(sealed: bytes) -> Iterator[bytes]:
    """Give the file with one bit of each byte changed, and cut at each length."""
    for at in range(len(sealed)):
        yield sealed[:at] + bytes([sealed[at] ^ 1 << at % 8]) + sealed[at + 1 :]
    for length in range(len(sealed)):
        yield sealed[:length]


async def test_vlt_08_a_backup_flipped_at_any_byte_or_cut_at_any_length_is_refused_whole(vault: Vault) -> None:
    await vault.make()
    sealed = age.seal_for_recipients(pack(await vault.copied()), [RECIPIENT])
    assert unpack(age.open_with_identities(sealed, IDENTITIES)).manifest.events == 1
    opened = 0
    for altered in flips(sealed):
        try:
            age.open_with_identities(altered, IDENTITIES)
            opened += 1
        except Unopenable:
            continue
    assert opened == 0
    with pytest.raises(Unopenable):
        age.open_with_identities(sealed + b"\0", IDENTITIES)


async def test_vlt_08_so_is_one_that_a_passphrase_seals(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the cheapest cost, which our own writer of age files can be told: what is sealed is the same."""
    await vault.make()
    monkeypatch.setattr(age_file, "LOG_N", 2)
    sealed = age_file.encrypt(pack(await vault.copied()), WORDS)
    assert unpack(age.open_with_passphrase(sealed, WORDS)).manifest.events == 1
    head = sealed.index(b"---") + 60
    for altered in (*flips(sealed[:head]), *(sealed[:head] + body for body in flips(sealed[head : head + 200]))):
        with pytest.raises(Unopenable):
            age.open_with_passphrase(altered, WORDS)
    for wrong in (b"", b"wrong", WORDS.reveal() + b" ", b"\xff"):
        with pytest.raises(Unopenable):
            age.open_with_passphrase(sealed, Secret(wrong))


def _tar(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Secret:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            tar.addfile(member, io.BytesIO(content))
    return Secret(packed.getvalue())


def _sparse(real_size: int) -> Secret:
    """Return an archive whose database is a file with a hole: a few bytes that unpack to many."""
    manifest = b'{"format":1,"vault":"db_1","events":1,"made_at":1}'
    plain = bytearray(
        gzip.decompress(_tar({"manifest.json": manifest, "vault.db": b"", "wrapping.key": b"A" * 43 + b"="}).reveal())
    )
    head = slice(2 * 512, 3 * 512)
    member = plain[head]
    member[156:157] = tarfile.GNUTYPE_SPARSE
    member[257:265] = tarfile.GNU_MAGIC
    member[386:410] = b"%011o\0%011o\0" % (real_size, 0)
    member[483:495] = b"%011o\0" % real_size
    member[148:156] = b" " * 8
    member[148:156] = b"%06o\0 " % sum(member)
    plain[head] = member
    return Secret(gzip.compress(bytes(plain)))


@pytest.mark.parametrize(
    "packed",
    [
        Secret(b""),
        Secret(b"not zipped"),
        _tar({}),
        _tar({"../vault.db": b"x"}),
        _tar({"manifest.json": b"{}", "vault.db": b"", "wrapping.key": b""}),
        _tar({"manifest.json": b"{}", "vault.db": b"", "wrapping.key": b""}, tarfile.DIRTYPE),
        _tar(
            {
                "manifest.json": b'{"format":2,"vault":"db_1","events":1,"made_at":1}',
                "vault.db": b"",
                "wrapping.key": b"A" * 43 + b"=",
            }
        ),
        _tar(
            {
                "manifest.json": b'{"format":1,"vault":1,"events":1,"made_at":1}',
                "vault.db": b"",
                "wrapping.key": b"A" * 43 + b"=",
            }
        ),
        _tar({"manifest.json": b"[]", "vault.db": b"", "wrapping.key": b"?"}),
        _tar({"manifest.json": b"[" * 100_000, "vault.db": b"", "wrapping.key": b"A" * 43 + b"="}),
        _sparse(1 << 20),
    ],
)
def test_whatever_else_somebody_sealed_is_no_vault(packed: Secret) -> None:
    with pytest.raises(Unopenable, match="no vault of Keywright's"):
        unpack(packed)


# ── files


def test_vlt_09_a_backup_is_private_and_over_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = write_backup(tmp_path / "b.age", b"sealed")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link.age").symlink_to(tmp_path / "nowhere")
    for there in ("b.age", "link.age"):
        with pytest.raises(Unusable, match="is there already"):
            write_backup(tmp_path / there, b"other")
    with pytest.raises(Unusable, match="can't be written"):
        write_backup(tmp_path / "missing" / "b.age", b"sealed")
    assert path.read_bytes() == b"sealed"
    assert not list(tmp_path.glob("*.part"))


def test_vlt_09_a_pipe_or_a_folder_is_no_backup(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nothing"):
        with pytest.raises(Unusable):
            read_backup(path)


async def test_vlt_12_nothing_of_it_is_ever_on_the_disk_in_the_clear(vault: Vault, elsewhere: Vault) -> None:
    await vault.make()
    archive = await vault.copied()
    sealed = age.seal_for_recipients(pack(archive), [RECIPIENT])
    write_backup(vault.folder / "b.age", sealed)
    await restore_vault(unpack(age.open_with_identities(sealed, IDENTITIES)), elsewhere.place, clock=vault.clock)
    key = archive.wrapping_key.reveal()
    for content in (*everything_in(vault.folder).values(), *everything_in(elsewhere.folder).values()):
        assert key not in content
        assert b"wrapping.key" not in content


# ── the `age` tool, where it is


@pytest.mark.skipif(shutil.which("age") is None, reason="the age tool is not here: apt install age")
async def test_the_age_tool_opens_a_backup(vault: Vault, tmp_path: Path) -> None:
    await vault.make()
    sealed = age.seal_for_recipients(pack(await vault.copied()), [RECIPIENT])
    (tmp_path / "identity").write_text(IDENTITIES)
    done = subprocess.run(
        ["age", "-d", "-i", tmp_path / "identity"], input=sealed, capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert tar.getnames() == ["manifest.json", "vault.db", "wrapping.key"]
        said = tar.extractfile("manifest.json")
        assert said is not None
        assert json.loads(said.read())["events"] == 1


@pytest.mark.parametrize("recipient", ["", "age1nothing", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1"])
def test_what_is_no_recipient_is_refused(recipient: str) -> None:
    with pytest.raises(Invalid, match="no recipient of age"):
        age.seal_for_recipients(Secret(b"x"), [recipient])


@pytest.mark.parametrize(
    "identities",
    ["", "# only words\n", RECIPIENT, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"],
    ids=["nothing", "words", "a recipient", "a key of ssh"],  # a recipient is another one in each process
)
def test_what_is_no_identity_is_refused(identities: str) -> None:
    sealed = age.seal_for_recipients(Secret(b"x"), [RECIPIENT])
    with pytest.raises(Invalid, match="no identity of age"):
        age.open_with_identities(sealed, identities)
    assert not age.takes_passphrase(sealed)
