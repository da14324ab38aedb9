"""PP: the passphrase. Left to others: PP-06 as a clock would see it; the work done is counted in test_enum.py."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import pytest

from keywright.errors import Invalid
from keywright.issuing.model import NewKey, Owner
from keywright.protocol.kucoin import KucoinDialect
from keywright.secret import Secret
from tests.support.door import Bot, Door
from tests.support.world import Held, Person

ACCOUNTS = "/api/v1/accounts"
LONGEST = "kV9#" + "qZ7!" * 6 + "xW3$"


async def test_pp_01_the_passphrase_in_clear_is_refused(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    plain = door.kr.held.passphrase.reveal()
    assert "base64(HMAC-SHA256(secret, passphrase))" in await door.refuses(
        shot.but(passphrase=plain), "passphrase_mismatch"
    )
    old = shot.but(passphrase=plain, key_version=b"1")
    for one in (old, old.without("key_version")):  # none is version 1: there was no such header before version 2
        assert "KC-API-KEY-VERSION: 3" in await door.refuses(one, "key_version_off")
    await door.refuses(shot.but(key_version=b"1"), "key_version_off")


async def test_pp_01_no_passphrase_an_empty_one_and_unknown_versions_are_refused(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    assert "KC-API-PASSPHRASE" in await door.refuses(shot.without("passphrase"), "header_missing")
    for value in (b"", b"x" * 1_000, shot.value("passphrase").lower(), shot.value("passphrase")[:-1]):
        await door.refuses(shot.but(passphrase=value), "passphrase_mismatch")
        door.clock.advance(seconds=6)
    for version in (b"0", b"4", b"99", b"", b"03", b"3.0", b"three", "３".encode(), b"-3", b"2,3"):
        assert "KC-API-KEY-VERSION: 3" in await door.refuses(shot.but(key_version=version), "key_version_unknown")


async def test_pp_01_versions_2_and_3_are_one_algorithm_for_any_key(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    await door.allows(shot.but(key_version=b"2"))
    await door.allows(shot.but(key_version=b"3"))


async def test_pp_01_version_1_where_an_operator_switched_it_on(door: Door) -> None:
    door.dialect = KucoinDialect(accept_version_1=True)
    door.configure()
    shot = door.kr.signed("GET", ACCOUNTS)
    plain = door.kr.held.passphrase.reveal()
    await door.allows(shot.but(passphrase=plain, key_version=b"1"))
    await door.allows(shot.but(passphrase=plain).without("key_version"))
    await door.allows(shot)
    await door.refuses(shot.but(key_version=b"1"), "passphrase_mismatch")
    await door.refuses(shot.but(passphrase=plain), "passphrase_mismatch")
    await door.refuses(shot.but(passphrase=b"", key_version=b"1"), "passphrase_mismatch")


async def test_pp_02_wrong_passphrases_are_limited_per_key_and_told_to_the_owner(door: Door) -> None:
    """Beyond ten a minute even the right one waits: to let it through would tell which guess was right."""
    shot = door.kr.signed("GET", ACCOUNTS)
    for number in range(10):
        await door.refuses(shot.but(passphrase=door.kr.mac(f"guess {number}".encode())), "passphrase_mismatch")
    await door.refuses(shot.but(passphrase=door.kr.mac(b"guess 10")), "too_many_requests")
    await door.refuses(shot, "too_many_requests")
    await door.allows(door.kt.signed("GET", ACCOUNTS))
    with sqlite3.connect(door.path) as database:
        events = database.execute("SELECT subject FROM audit_events WHERE kind = 'key.passphrase_guessed'").fetchall()
    database.close()
    assert events == [(door.kr.id,)]
    door.clock.advance(seconds=60)
    await door.allows(door.kr.signed("GET", ACCOUNTS))


async def test_pp_02_who_lacks_the_secret_cannot_make_a_key_wait(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    for number in range(40):
        guess = shot.but(sign=door.kb.mac(b"x"), passphrase=door.kb.mac(str(number).encode()))
        await door.refuses(guess, "signature_mismatch")
    await door.allows(shot)


async def test_pp_02_another_keys_passphrase_does_not_serve(door: Door) -> None:
    await door.refuses(door.kr.signed("GET", ACCOUNTS).but(passphrase=door.kt.passphrase), "passphrase_mismatch")
    its_own = door.kr.held.passphrase.reveal()
    await door.refuses(door.kr.signed("GET", ACCOUNTS).but(passphrase=door.kt.mac(its_own)), "passphrase_mismatch")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a",
        "aB3!xQ",
        LONGEST + "x",
        "aB3!" * 250_000,
        "kV9#qZ7! xW3$",
        " kV9#qZ7!xW3$",
        "kV9#qZ7!xW3$ ",
        "kV9#qZ7!\0xW3$",
        "kV9#qZ7!\nxW3$",
        "kV9#qZ7!é",
        "kV9#qZ7!e\u0301",
        "kV9#qZ7!🔑🔑",
        "Password1",
        "lowercaseonlyhere",
        "Aa1!Aa1!",
    ],
    ids=lambda typed: ascii(typed[:16]),
)
async def test_pp_04_what_is_no_good_passphrase_is_not_taken(door: Door, typed: str) -> None:
    with pytest.raises(Invalid):
        await key_with(door, typed)


@pytest.mark.parametrize("typed", [LONGEST, "kV9#qZ7!xW", "\"'\\<>&%{}~`|0aA", "aA1/+=aA1/+=zQ9"])
async def test_pp_04_a_passphrase_is_kept_byte_for_byte(door: Door, typed: str) -> None:
    assert len(typed) <= 32
    bot = await key_with(door, typed)
    shot = bot.signed("GET", ACCOUNTS)
    await door.allows(shot)
    for other in (typed[:-1], typed + "x", typed.swapcase(), typed + " ", " " + typed, typed + "\0"):
        await door.refuses(shot.but(passphrase=bot.mac(other.encode())), "passphrase_mismatch")


async def test_pp_05_a_copy_of_the_database_holds_no_passphrase(door: Door, tmp_path: Path) -> None:
    """Neither it nor the header it makes, in any spelling, in the file, its log or a backup."""
    await door.allows(door.kr.signed("GET", ACCOUNTS))
    await door.allows(door.kt.signed("POST", "/api/v1/hf/orders", b"{}"))
    await door.refuses(door.kr.signed("GET", ACCOUNTS).but(passphrase=door.kt.passphrase), "passphrase_mismatch")
    await door.usage.flush()
    with sqlite3.connect(door.path) as live, sqlite3.connect(tmp_path / "backup.db") as backup:
        live.backup(backup)
    live.close()
    backup.close()
    files = [door.path, Path(f"{door.path}-wal"), tmp_path / "backup.db"]
    written = b"".join(file.read_bytes() for file in files if file.exists())
    for bot in (door.kr, door.kt):
        plain, header = bot.held.passphrase.reveal(), bot.passphrase
        raw = base64.b64decode(header)
        for canary in (plain, plain.hex().encode(), header, header.rstrip(b"="), raw, raw.hex().encode()):
            assert canary not in written


async def key_with(door: Door, typed: str) -> Bot:
    """Make a key with this passphrase, for somebody new."""
    services, passphrase = door.services, Secret(typed)
    person: Person = await door.world.person("carla@example.org")
    owner = Owner(person.account.id)
    async with services.database.read() as tx:
        vetted = await services.issuing.vet_passphrase(tx, owner, passphrase)
    async with services.database.write() as tx:
        issued = await services.issuing.issue(
            tx,
            owner,
            NewKey("typed", vetted),
            proof=door.world.proof(person),
            actor=door.world.actor(person),
            now=door.clock(),
        )
    bot = Bot(Held(issued.key, issued.secret, passphrase), door.clock, person)
    door.bots.append(bot)
    return bot
