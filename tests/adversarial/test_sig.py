"""SIG: signature and canonicalisation."""

from __future__ import annotations

from tests.support.door import Door


async def test_sig_03_another_query_than_was_signed_is_refused(door: Door) -> None:
    shot = door.kr.signed("GET", "/api/v1/accounts?currency=BTC")
    await door.allows(shot)
    await door.refuses(shot.but(target=b"/api/v1/accounts?currency=ETH"), "signature_mismatch")
