from __future__ import annotations

import pytest

from keywright.identity import devices
from keywright.secret import Secret
from tests.identity.doorway import Doorway
from tests.support.world import PASSWORD

KEY = Secret(b"k" * 32)


def test_a_token_proves_its_device_for_its_account() -> None:
    device, token = devices.new_token(KEY, "acc_1", "hash")
    assert devices.device_of(KEY, "acc_1", "hash", token) == device
    assert len(device) == 32
    assert device != devices.new_token(KEY, "acc_1", "hash")[0]


def test_it_proves_nothing_for_another_account_after_another_password_or_under_another_key() -> None:
    _, token = devices.new_token(KEY, "acc_1", "hash")
    assert not devices.device_of(KEY, "acc_2", "hash", token)
    assert not devices.device_of(KEY, "acc_1", "hash of another", token)
    assert not devices.device_of(Secret(b"j" * 32), "acc_1", "hash", token)


def test_what_is_covered_can_not_be_shifted_from_one_part_to_the_next() -> None:
    _, token = devices.new_token(KEY, "acc_1", "hash")
    assert not devices.device_of(KEY, "acc_", "1hash", token)
    assert not devices.device_of(KEY, "acc_1h", "ash", token)


def test_an_altered_token_is_none() -> None:
    _, token = devices.new_token(KEY, "acc_1", "hash")
    plain = token.reveal()
    for place in range(len(plain)):
        altered = plain[:place] + (b"0" if plain[place : place + 1] != b"0" else b"1") + plain[place + 1 :]
        assert not devices.device_of(KEY, "acc_1", "hash", Secret(altered))


@pytest.mark.parametrize("token", [b"", b".", b"\xff" * 97, b"a" * 1_000_000, b"A" * 32 + b"." + b"0" * 64])
def test_what_can_be_no_token_is_none(token: bytes) -> None:
    assert devices.device_of(KEY, "acc_1", "hash", Secret(token)) == ""
    assert devices.device_of(KEY, "acc_1", "hash", None) == ""


def test_a_token_with_a_line_end_or_blanks_around_it_is_none() -> None:
    _, token = devices.new_token(KEY, "acc_1", "hash")
    for altered in (token.reveal() + b"\n", b" " + token.reveal(), token.reveal().upper()):
        assert not devices.device_of(KEY, "acc_1", "hash", Secret(altered))


# ── at the door


async def test_a_browser_is_known_once_someone_signed_in_completely_with_it(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    assert (half.device, half.session.device) == (None, "")
    complete = await door.prove(half.session, ada.code(door.clock()))
    assert complete.device is not None
    again = await door.half_open(ada, device=complete.device)
    assert again.session.device == complete.session.device != ""


async def test_a_known_browser_is_given_no_second_token(door: Doorway) -> None:
    ada = await door.world.person()
    device = (await door.signed_in(ada)).device
    assert (await door.signed_in(ada, device=device)).device is None
    opened = [event for event in await door.events() if event.kind == "session.opened"]
    assert ['"known_device":true' in event.detail for event in opened] == [False, True]


async def test_2fa_12_another_accounts_browser_is_a_strangers(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    device = (await door.signed_in(ada)).device
    assert (await door.half_open(bob, device=device)).session.device == ""


async def test_a_new_password_makes_every_browser_unknown(door: Doorway) -> None:
    ada = await door.world.person()
    device = (await door.signed_in(ada)).device
    changed = Secret("eight-herons-over-water")
    await door.set_password(ada, changed)
    assert (await door.half_open(ada, device=device, password=changed)).session.device == ""
    await door.set_password(ada, PASSWORD)  # the same password again is another hash
    assert (await door.half_open(ada, device=device)).session.device == ""


async def test_being_known_proves_nothing_about_the_person(door: Doorway) -> None:
    ada = await door.world.person()
    device = (await door.signed_in(ada)).device
    half = await door.half_open(ada, device=device)
    assert not half.session.is_complete


def test_a_browser_is_known_to_the_last_four_accounts_that_signed_in_with_it() -> None:
    """Who goes to and fro between two accounts is a stranger to neither."""
    kept: Secret | None = None
    for number in range(5):
        kept = devices.with_one_more(kept, devices.new_token(KEY, f"acc_{number}", "hash")[1])
    assert [bool(devices.device_of(KEY, f"acc_{number}", "hash", kept)) for number in range(5)] == [False] + [True] * 4
    garbage = Secret(b"~".join([b"x" * 40, b"", b"\xff"]))
    device, token = devices.new_token(KEY, "acc_1", "hash")
    assert devices.device_of(KEY, "acc_1", "hash", devices.with_one_more(garbage, token)) == device
    assert devices.with_one_more(garbage, token) == token
