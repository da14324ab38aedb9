"""Whatever an exchange answers, it is read as documented or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from keywright.vault.diagnosis import explain, recognise
from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.listed import may_be
from keywright.vault.preflight import judge
from keywright.vault.venues.known import VENUES
from keywright.vault.venues.venue import NotUnderstood
from keywright.vault.wire_reply import Reply
from tests.doubles.binance import TRADES as FLAGS
from tests.doubles.bitfinex import TRADES as SCOPES

NAMES = st.sampled_from(["code", "data", "permission", "createdAt", "ipWhitelist", "200000", *FLAGS, *SCOPES, "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.integers() | NAMES | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())


@pytest.mark.parametrize("exchange", Exchange)
@given(body=BODIES)
def test_an_answer_is_understood_or_said_not_to_be(exchange: Exchange, body: bytes) -> None:
    venue = VENUES[exchange]
    for read in (venue.read_time, venue.read_address, lambda given: venue.read_permissions(given, at=1)):
        try:
            found = read(body) if read else None
        except NotUnderstood:
            continue
        assert not isinstance(found, Probe) or found.exchange is exchange
    explain(exchange, Reply(400, body))
    recognise(body.decode("utf-8", "replace"))


@given(
    held=st.dictionaries(st.sampled_from(sorted(FLAGS)), st.booleans()), more=st.dictionaries(NAMES, JSON, max_size=2)
)
def test_a_binance_key_is_taken_only_if_nothing_but_reading_spot_and_fix_reading_is_on(
    held: dict[str, bool], more: dict[str, object]
) -> None:
    answer = FLAGS | held | {name: value for name, value in more.items() if name not in FLAGS} | {"createTime": 1}
    probe = VENUES[Exchange.BINANCE].read_permissions(json.dumps(answer).encode(), at=1)
    taken = not any(one.refuses for one in judge(probe, egress_address="198.51.100.7", now=1))
    harmless = {"enableReading", "enableSpotAndMarginTrading", "enableFixReadOnly", "ipRestrict", "createTime"}
    on = {name for name, value in answer.items() if value and name != "tradingAuthorityExpirationTime"}
    assert taken == (on <= harmless and answer["ipRestrict"] is True)


@given(
    st.lists(
        st.builds(Evidence, st.sampled_from(Right), st.sampled_from([True, False, None]), st.sampled_from(Grade)),
        max_size=12,
    )
)
def test_no_acceptance_lets_a_way_out_pass(evidence: list[Evidence]) -> None:
    names = [right.value.replace("_", "-") for right in Right]
    everything = {*names, *(f"unproven-{name}" for name in names), "no-address-filter"}
    for exchange in Exchange:
        probe = Probe(exchange, 1, tuple(evidence))
        findings = judge(probe, egress_address="198.51.100.7", accepted=everything, now=1)
        exits = {Right.WITHDRAW, Right.INTERNAL_TRANSFER, Right.UNIVERSAL_TRANSFER, Right.OTHER}
        if any(one.right in exits and one.allowed for one in evidence):
            assert any(one.refuses and one.exit_code == 10 for one in findings)


OCTETS = st.tuples(*(st.integers(0, 255),) * 4)


@given(octets=OCTETS, hidden=st.integers(1, 2), collapsed=st.booleans())
def test_an_address_is_its_own_mask_s(octets: tuple[int, ...], hidden: int, collapsed: bool) -> None:
    texts = [str(octet) for octet in octets]
    stars = ["**"] if collapsed else ["**"] * hidden
    shown = ".".join([texts[0], *stars, *texts[1 + hidden :]])
    assert may_be(".".join(texts), shown)
    other = [str((octets[0] + 1) % 256), *texts[1:]]
    assert not may_be(".".join(other), shown)
