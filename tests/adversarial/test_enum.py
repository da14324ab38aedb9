"""ENUM: what the work done tells. Counted, not timed: a count is the same on every machine."""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from types import SimpleNamespace

import pytest

from keywright.protocol import kucoin_checking
from tests.support.door import Door, Shot

ACCOUNTS = "/api/v1/accounts"


async def work(door: Door, monkeypatch: pytest.MonkeyPatch, shot: Shot, reason: str) -> tuple[list[int], list[int]]:
    """Return the sizes of the MACs that were made and of what was compared while the request was judged."""
    made: list[int] = []
    compared: list[int] = []

    def base64(mac: bytes, *, newline: bool) -> bytes:
        made.append(len(mac))
        return b2a_base64(mac, newline=newline)

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return hmac.compare_digest(one, other)

    with monkeypatch.context() as patched:
        patched.setattr(kucoin_checking, "hmac", SimpleNamespace(compare_digest=compare_digest))
        patched.setattr(kucoin_checking, "b2a_base64", base64)
        await door.refuses(shot, reason)
    return made, compared


@pytest.mark.parametrize("target", [ACCOUNTS, f"{ACCOUNTS}?q=a%20b", f"{ACCOUNTS}?q=a%2Bb"])
async def test_enum_05_unknown_keys_cost_the_same_work_as_known_ones(
    door: Door, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    shot = door.kr.signed("GET", target)
    wrong = shot.but(sign=door.kb.mac(b"x"))
    disabled = await door.bot()
    await door.world.disable(disabled.person, disabled.id)
    cases = {
        "unknown": await work(door, monkeypatch, shot.but(key=b"0" * 24), "key_unknown"),
        "known, wrong signature": await work(door, monkeypatch, wrong, "signature_mismatch"),
        "disabled, wrong": await work(
            door, monkeypatch, disabled.signed("GET", target).but(sign=wrong.value("sign")), "signature_mismatch"
        ),
    }
    made, compared = cases["unknown"]
    assert len(made) == (2 if "%20" in target else 1), "one for each candidate"
    assert len(compared) == len(made) + 1, "and one comparison for the passphrase"
    assert all(case == (made, compared) for case in cases.values()), cases


async def test_enum_05_an_id_that_can_be_no_key_costs_the_same_work(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    known = await work(door, monkeypatch, shot.but(sign=door.kb.mac(b"x")), "signature_mismatch")
    for name in (b"", b"x", b"k" * 10_000, b"\xff", b"0" * 24):
        assert await work(door, monkeypatch, shot.but(key=name), "key_unknown") == known


async def test_enum_05_the_answer_to_an_unknown_key_is_the_answer_to_an_altered_one(door: Door) -> None:
    """A deleted key, one edited behind the service's back and one that never was read alike, hint and all."""
    altered, raised = await door.bot(), await door.bot()
    door.sql("UPDATE api_keys SET permissions = 'read,trade,withdraw' WHERE id = ?", altered.id)
    door.sql("UPDATE api_keys SET version = version + 1 WHERE id = ?", raised.id)
    never = door.kr.signed("GET", ACCOUNTS).but(key=b"0" * 24)
    hint = await door.refuses(never, "key_unknown")
    for bot in (altered, raised):
        assert await door.refuses(bot.signed("GET", ACCOUNTS), "key_altered") == hint
