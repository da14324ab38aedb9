from __future__ import annotations

import asyncio
import threading

import pytest

from keywright.errors import Busy
from keywright.identity.passwords import CHEAPEST, CONCURRENT, QUEUE, Passwords
from keywright.secret import Secret


async def test_a_hash_says_its_parameters_and_differs_each_time() -> None:
    passwords = Passwords()
    one, other = await passwords.hash(Secret("a")), await passwords.hash(Secret("a"))
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106 section 4, the second recommendation


async def test_what_is_no_hash_matches_nothing() -> None:
    assert not await Passwords(CHEAPEST).matches("", Secret("a"))


async def test_dos_06_only_few_are_computed_at_once_and_a_flood_is_turned_away() -> None:
    passwords = Passwords(CHEAPEST)
    inside, most, lock, gate = 0, 0, threading.Lock(), threading.Event()

    def slow(_password: bytes) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        gate.wait(300)
        with lock:
            inside -= 1
        return ""

    passwords._hasher = type("Slow", (), {"hash": staticmethod(slow)})()
    flood = [asyncio.create_task(passwords.hash(Secret("a"))) for _ in range(QUEUE + 20)]
    await asyncio.sleep(0.05)
    gate.set()
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    assert most <= CONCURRENT
    assert sum(isinstance(outcome, Busy) for outcome in outcomes) == 20
    with pytest.raises(Busy):
        raise next(outcome for outcome in outcomes if isinstance(outcome, Busy))
