"""What is found about a key, and what refuses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.listed import may_be
from keywright.vault.mastery import judge_for
from keywright.vault.preflight import Code, Finding, Severity, exit_code, judge
from keywright.vault.terms import Purpose
from keywright.vault.venues import binance, bitfinex, kucoin
from keywright.vault.venues.venue import NotUnderstood
from tests.doubles.binance import TRADES as BINANCE_TRADES, BinanceDouble
from tests.doubles.bitfinex import TRADES as BITFINEX_TRADES, BitfinexDouble
from tests.doubles.exchange import T0
from tests.doubles.kucoin import KucoinDouble
from tests.support.clock import FakeClock
from tests.vault.ways import ADDRESS, client, pasted

DAY = 86_400_000


def found(
    probe: Probe, *, accepted: tuple[str, ...] = (), address: str = ADDRESS, now: int = T0
) -> tuple[Finding, ...]:
    return judge(probe, egress_address=address, accepted=accepted, now=now)


def _kucoin(*permissions: str, listed: str | None = "127.**.7") -> Probe:
    data = {"permission": ",".join(permissions), "createdAt": T0} | (
        {"ipWhitelist": listed} if listed is not None else {}
    )
    return kucoin.read_permissions(json.dumps({"code": "200000", "data": data}).encode(), at=T0)


def _binance(**flags: object) -> Probe:
    return binance.read_permissions(json.dumps(BINANCE_TRADES | {"createTime": T0} | flags).encode(), at=T0)


def _bitfinex(**scopes: tuple[int, int]) -> Probe:
    rows = [[scope, *flags] for scope, flags in (BITFINEX_TRADES | scopes).items()]
    return bitfinex.read_permissions(json.dumps(rows).encode(), at=T0)


GOOD = {
    "kucoin": (_kucoin("General", "Spot"), ()),
    "binance": (_binance(), ()),
    "bitfinex": (_bitfinex(), ("unproven-address-filter",)),
}


@pytest.mark.parametrize("exchange", GOOD)
def test_a_key_that_trades_from_our_address_is_taken(exchange: str) -> None:
    probe, accepted = GOOD[exchange]
    assert not [one for one in found(probe, accepted=accepted) if one.severity is not Severity.ACCEPTED]


@pytest.mark.parametrize(
    ("probe", "said", "box"),
    [
        (_kucoin("General", "Spot", "Transfer"), "Transfer", "Withdrawal"),
        (_kucoin("General", "Spot", "InnerTransfer"), "InnerTransfer", "FlexTransfers"),
        (_binance(enableWithdrawals=True), "enableWithdrawals", "Enable Withdrawals"),
        (_binance(enableInternalTransfer=True), "enableInternalTransfer", "Enable Internal Transfer"),
        (_binance(permitsUniversalTransfer=True), "permitsUniversalTransfer", "Permits Universal Transfer"),
        (_bitfinex(withdraw=(0, 1)), "withdraw write", "Withdrawals"),
        (_bitfinex(ui_withdraw=(0, 1)), "ui_withdraw write", "Withdrawals"),
        (_bitfinex(wallets=(1, 1)), "wallets write", "Wallets"),
    ],
)
def test_a_way_out_is_refused_whatever_is_accepted_and_its_box_is_named(probe: Probe, said: str, box: str) -> None:
    everything = [right.value.replace("_", "-") for right in Right]
    all_of_it = (*everything, *(f"unproven-{one}" for one in everything), "no-address-filter")
    exits = [one for one in found(probe, accepted=all_of_it) if one.refuses]
    assert [(one.code, one.exit_code, one.accept) for one in exits] == [(Code.EXIT, 10, "")]
    assert f"({said})" in exits[0].message
    assert f"untick “{box}”" in exits[0].hint
    assert exit_code(exits) == 10


@pytest.mark.parametrize(
    "probe",
    [
        _kucoin("General", "Spot", "Lending"),
        _binance(enableTeleport=True),
        _bitfinex(eaas_agreement=(0, 1)),
    ],
)
def test_a_right_that_is_not_known_is_refused_as_unknown(probe: Probe) -> None:
    refused = [one for one in found(probe, accepted=("unproven-address-filter", "other")) if one.refuses]
    assert [(one.code, one.exit_code, one.accept) for one in refused] == [(Code.UNKNOWN_RIGHT, 10, "")]


def test_a_flag_that_is_not_known_and_is_off_says_nothing() -> None:
    assert found(_binance(enableTeleport=False, note="")) == ()
    unknown = found(_binance(limits=["spot"]))
    assert [(one.code, one.exit_code, one.accept) for one in unknown] == [(Code.NOT_PROVABLE, 12, "unproven-other")]


@pytest.mark.parametrize(
    ("probe", "name"),
    [
        (_kucoin("General", "Margin"), "margin"),
        (_kucoin("General", "Earn"), "earn"),
        (_kucoin("General", "Unified"), "portfolio-margin"),
        (_binance(enableMargin=True), "margin"),
        (_binance(enableFutures=True), "futures"),
        (_binance(enableVanillaOptions=True), "options"),
        (_binance(enablePortfolioMarginTrading=True), "portfolio-margin"),
        (_binance(enableFixApiTrade=True), "fix-trade"),
        (_bitfinex(funding=(1, 1)), "funding"),
        (_bitfinex(settings=(1, 1)), "settings"),
        (_bitfinex(bfxpay=(1, 1)), "payments"),
    ],
)
def test_more_than_trading_is_refused_until_it_is_accepted_by_name(probe: Probe, name: str) -> None:
    known = ("unproven-address-filter",)
    (refused,) = (one for one in found(probe, accepted=known) if one.refuses)
    assert (refused.code, refused.accept, refused.exit_code) == (Code.BEYOND_TRADING, name, 10)
    accepted = found(probe, accepted=(*known, name))
    assert exit_code(accepted) == 0
    assert name in [one.accept for one in accepted if one.severity is Severity.ACCEPTED]  # stays on the record


def test_binance_without_addresses_is_refused_whatever_is_accepted() -> None:
    (refused,) = found(_binance(ipRestrict=False), accepted=("no-address-filter", "address-filter"))
    assert (refused.code, refused.exit_code, refused.accept) == (Code.NO_ADDRESS_FILTER, 11, "")
    assert f"enter {ADDRESS}, nothing else" in refused.hint


@pytest.mark.parametrize("probe", [_kucoin("General", "Spot", listed=None), _bitfinex().with_filter(bound=False)])
def test_elsewhere_a_key_without_addresses_is_refused_until_that_is_accepted(probe: Probe) -> None:
    (refused,) = found(probe)
    assert (refused.code, refused.exit_code, refused.accept) == (Code.NO_ADDRESS_FILTER, 11, "no-address-filter")
    assert exit_code(found(probe, accepted=("no-address-filter",))) == 0


def test_what_bitfinex_does_not_tell_is_refused_until_it_is_accepted_or_proven() -> None:
    (refused,) = found(_bitfinex())
    assert (refused.code, refused.exit_code, refused.accept) == (Code.NOT_PROVABLE, 12, "unproven-address-filter")
    assert found(_bitfinex().with_filter(bound=True)) == ()


@pytest.mark.parametrize(
    ("address", "shown", "may"),
    [
        ("203.0.113.154", "203.**.154", True),  # KuCoin's example, spec of the universal SDK
        ("127.0.0.1", "127.**.1", True),  # and of its broker docs
        ("203.0.113.154", "203.**.**.154", True),
        ("203.0.113.154", "203.0.***.154", True),
        ("203.0.113.154", "203.1.***.154", False),
        ("203.0.113.154", "203.**.15", False),
        ("203.0.113.154", "20.***.***.154", False),
        ("203.0.113.154", "203.0.113.154", True),
        ("203.0.113.154", "203.0.113.15", False),
        ("203.0.113.154", "**", True),
        ("2001:db8::7", "2001:**:7", True),
        ("2001:db8::7", "203.**.7", False),
    ],
)
def test_an_address_shown_in_part_is_compared_by_what_is_shown(address: str, shown: str, *, may: bool) -> None:
    assert may_be(address, shown) is may


def test_a_key_bound_to_other_addresses_is_refused_and_ours_is_named() -> None:
    (refused,) = found(_kucoin("General", "Spot", listed="203.**.154,103.**.34"))
    assert (refused.code, refused.exit_code) == (Code.OTHER_ADDRESS, 11)
    assert "(203.**.154, 103.**.34)" in refused.message
    assert f"enter {ADDRESS} under “IP Restriction”" in refused.hint


@pytest.mark.parametrize(
    ("probe", "is_warned"),
    [
        (_kucoin("General", "Spot"), True),
        (replace(_kucoin("General", "Spot"), sub_account="bots01"), False),
        (_kucoin("Spot"), False),
        (_binance(), False),
        (_bitfinex(), False),
    ],
)
def test_the_owner_of_a_main_accounts_key_is_warned_that_it_can_make_keys_of_sub_accounts(
    probe: Probe, *, is_warned: bool
) -> None:
    """KuCoin's rule, and no box takes it away: told in words, and no reason to refuse."""
    judged = judge_for(Purpose.BOTS, probe, egress_address=ADDRESS, accepted=("unproven-address-filter",), now=probe.at)
    warned = [one for one in judged if one.code is Code.MAKES_KEYS]
    assert [(one.severity, one.exit_code, one.accept) for one in warned] == [(Severity.WARNING, 0, "")] * is_warned
    assert exit_code(judged) == 0
    for one in warned:
        assert "make and delete keys of your sub-accounts" in one.message
        assert "“IP Restriction”" in one.hint


def test_a_key_that_works_from_more_addresses_than_ours_is_warned_of() -> None:
    (warned,) = found(_kucoin("General", "Spot", listed="127.**.7,103.**.34"))
    assert (warned.code, warned.severity, warned.exit_code) == (Code.MORE_ADDRESSES, Severity.WARNING, 0)


def test_being_seen_at_another_address_than_reserved_is_refused() -> None:
    (refused,) = found(replace(_kucoin("General", "Spot"), seen_address="198.51.100.9"))
    assert (refused.code, refused.exit_code) == (Code.OTHER_ADDRESS, 11)
    assert "198.51.100.9" in refused.message


@pytest.mark.parametrize(("days", "code"), [(31, None), (30, Code.ENDS_SOON), (1, Code.ENDS_SOON), (0, Code.ENDED)])
def test_an_end_that_is_near_is_warned_of(days: int, code: Code | None) -> None:
    probe = _binance(tradingAuthorityExpirationTime=T0 + days * DAY)
    assert [one.code for one in found(probe)] == ([code] if code else [])


def test_the_gravest_comes_first_and_decides_the_exit_code() -> None:
    probe = _binance(ipRestrict=False, enableWithdrawals=True, enableFutures=True)
    assert [one.exit_code for one in found(probe)] == [10, 10, 11]
    assert exit_code(found(probe)) == 10


def test_a_probe_that_says_nothing_of_withdrawals_is_not_taken_for_one_that_says_no() -> None:
    bare = Probe(Exchange.KUCOIN, T0, (Evidence(Right.READ, True, Grade.PROVEN),))
    assert 12 in {one.exit_code for one in found(bare)}


@pytest.mark.parametrize("probe", [probe for probe, _ in GOOD.values()])
def test_every_finding_is_said_with_all_its_values(probe: Probe) -> None:
    everything = tuple(
        Evidence(right, allowed, Grade.PROVEN, "x") for right in Right for allowed in (True, None, False)
    )
    worst = Probe(probe.exchange, T0, everything, expires_at=T0, addresses=("1.2.3.4",), seen_address="1.2.3.4")
    for finding in (*found(worst), *found(worst, address="")):
        assert not re.search(r"[{}]", finding.message + finding.hint)
        assert finding.hint


def test_the_box_of_a_unified_account_is_named() -> None:
    """Its balance is security for all it trades: spot, borrowed and futures."""
    (refused,) = (one for one in found(_kucoin("General", "Spot", "Unified")) if one.refuses)
    assert "(Unified)" in refused.message
    assert "untick “Unified”" in refused.hint
    assert _kucoin("General", "Unified").may(Right.TRADE)
    assert not _kucoin("General", "Earn").may(Right.TRADE)


@pytest.mark.parametrize("row", [["withdraw", 0, 0, 1], ["withdraw", 0], ["withdraw"]])
def test_a_row_of_another_length_is_not_read(row: list[object]) -> None:
    """What a fourth column says may be the way out."""
    rows = [row, *([scope, *flags] for scope, flags in BITFINEX_TRADES.items() if scope != "withdraw")]
    with pytest.raises(NotUnderstood):
        bitfinex.read_permissions(json.dumps(rows).encode(), at=T0)


@pytest.mark.parametrize("moment", [-1, 10**15, 10**40])
def test_a_time_that_can_be_none_is_not_read(moment: int) -> None:
    """No day of the calendar could be told of it."""
    reads: tuple[Callable[[], Probe], ...] = (
        lambda: _binance(createTime=moment),
        lambda: _binance(tradingAuthorityExpirationTime=moment),
        lambda: kucoin.read_permissions(
            json.dumps({"code": "200000", "data": {"permission": "General", "createdAt": moment}}).encode(), at=T0
        ),
    )
    for read in reads:
        with pytest.raises(NotUnderstood):
            read()


async def test_from_the_double_to_the_verdict(
    kucoin: KucoinDouble, binance: BinanceDouble, bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    bad = (
        (kucoin, kucoin.new_key("General", "Transfer", addresses=(ADDRESS,)), 10),
        (kucoin, kucoin.new_key(), 11),
        (kucoin, kucoin.new_key(addresses=(ADDRESS,)), 0),
        (binance, binance.new_key(addresses=()), 11),
        (binance, binance.new_key(addresses=(ADDRESS,), permitsUniversalTransfer=True), 10),
        (binance, binance.new_key(addresses=(ADDRESS,)), 0),
        (bitfinex, bitfinex.new_key(wallets=(1, 1)), 10),
        (bitfinex, bitfinex.new_key(), 12),
    )
    for double, key, code in bad:
        async with client(double, clock) as asking:
            probe = await asking.probe(pasted(double, key))
        assert exit_code(found(probe)) == code, (double.name, key.rights)
