from __future__ import annotations

import pytest

from keywright.errors import Invalid, LimitReached
from keywright.identity.policy_model import Policy
from keywright.issuing import rules
from keywright.issuing.model import Permission
from keywright.secret import Secret
from tests.support.clock import T0

POLICY = Policy()
ALL = frozenset(Permission)


@pytest.mark.parametrize("text", ["Tr4ding-Pass", "aB3$xyQwm", "correctHorse9Battery", "xK-9_~}|{^`!@#"])
def test_k18_good_passphrases_are_taken_byte_for_byte(text: str) -> None:
    assert rules.passphrase(Secret(text), about=()) == Secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "aB3$xy",
        "aB3$" * 8 + "x",
        "aB3$" * 300_000,
        "alllowercaseletters",
        "lower-and-signs-only",
        "UPPER0123456",
        "Passw0rd!",
        "Qwerty123!",
        "with a Space1",
        " Tr4ding-Pass",
        "Tr4ding-Pass\n",
        "Tr4ding\x00Pass",
        "Tr4ding-Pässe",
        "Tr4ding-🔑-Pass",
    ],
)
def test_pp_04_short_long_easy_and_unkeyable_passphrases_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.passphrase(Secret(text), about=())
    assert refused.value.field == "passphrase"


def test_k18_a_passphrase_made_of_what_is_known_is_easily_guessed() -> None:
    rules.passphrase(Secret("Grizzlebot-91"), about=())
    with pytest.raises(Invalid, match="easily guessed"):
        rules.passphrase(Secret("Grizzlebot-91"), about=("Grizzlebot-91",))


@pytest.mark.parametrize("count", [9, 32])
def test_pp_04_up_to_thirty_two_characters_are_taken(count: int) -> None:
    rules.passphrase(Secret("aQ7$kzP9!mWx2#Lr5%Tv8^Bn3&Hj6*Yc"[:count]), about=())


def test_k18_seven_or_eight_characters_are_long_enough_but_always_easily_guessed() -> None:
    # A hundred million guesses find any eight characters: zxcvbn calls "safely unguessable" what takes more.
    with pytest.raises(Invalid, match="easily guessed") as refused:
        rules.passphrase(Secret("aQ7$kzP9"), about=())
    assert "longer" in refused.value.hint


def test_read_is_always_there_and_only_known_words_are() -> None:
    assert rules.permissions([]) == {Permission.READ}
    assert rules.permissions(["trade"]) == {Permission.READ, Permission.TRADE}
    for word in ("Trade", "admin", "", "read,trade", "*"):
        with pytest.raises(Invalid):
            rules.permissions([word])


def test_ip_12_withdraw_and_transfer_need_an_address() -> None:
    for permission in (Permission.WITHDRAW, Permission.TRANSFER):
        granted = frozenset({Permission.READ, permission})
        with pytest.raises(Invalid, match=permission.value):
            rules.allowlist((), granted, policy=POLICY)
        assert rules.allowlist(("1.2.3.4",), granted, policy=POLICY) == ("1.2.3.4/32",)
    assert rules.allowlist((), frozenset({Permission.READ, Permission.TRADE}), policy=POLICY) == ()


def test_k19_only_a_key_that_trades_from_anywhere_expires() -> None:
    ninety_days = T0 + 90 * 86_400_000
    trade = frozenset({Permission.READ, Permission.TRADE})
    assert rules.expiry(trade, (), created_at=T0, policy=POLICY) == ninety_days
    assert rules.expiry(trade, ("1.2.3.4/32",), created_at=T0, policy=POLICY) is None
    assert rules.expiry(frozenset({Permission.READ}), (), created_at=T0, policy=POLICY) is None


def test_k7_the_lowest_free_slot_is_taken_and_the_sixth_refused() -> None:
    assert rules.free_slot([], policy=POLICY) == 1
    assert rules.free_slot([1, 3], policy=POLICY) == 2
    with pytest.raises(LimitReached, match="at most 5"):
        rules.free_slot(range(1, 6), policy=POLICY)


@pytest.mark.parametrize(
    "text", ["", " ", "x" * 33, "a\nb", "a\x1b[31mb", "a\u202eb", "a\x00b", "\u200b", "\u3164", "a\u00adb"]
)
def test_a_name_is_short_and_looks_like_what_it_is(text: str) -> None:
    with pytest.raises(Invalid):
        rules.name(text)


@pytest.mark.parametrize("text", ["TradingBot-StrategyA", "Bot – 1", "名前", "=HYPERLINK(1)", "<script>"])
def test_a_name_may_be_any_printable_text(text: str) -> None:
    assert rules.name(f" {text} ") == text
    assert rules.memo("") == ""
