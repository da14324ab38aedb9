from __future__ import annotations

from keywright.client.signing import MOST_AHEAD_MS, Signing
from tests.client.conftest import credentials
from tests.test_house import WITHOUT_EXTRAS, _python


def _stamps(now: list[int], count: int) -> list[int]:
    signing = Signing("kucoin", **credentials("kucoin"), clock=lambda: now[0])
    signed = [dict(signing.sign("GET", "http://x", b"/api/v1/accounts", b"").headers) for _ in range(count)]
    return [int(headers[b"kc-api-timestamp"]) for headers in signed]


def test_no_two_requests_share_a_stamp_until_a_burst_would_run_off() -> None:
    now = 1_700_000_000_000
    assert _stamps([now], 3) == [now, now + 1, now + 2]
    assert max(_stamps([now], MOST_AHEAD_MS + 50)) == now + MOST_AHEAD_MS


def test_a_clock_that_is_set_back_is_believed() -> None:
    now = [1_700_000_100_000]
    signing = Signing("kucoin", **credentials("kucoin"), clock=lambda: now[0])
    signing.sign("GET", "http://x", b"/api/v1/accounts", b"")
    now[0] -= 60_000
    stamp = dict(signing.sign("GET", "http://x", b"/api/v1/accounts", b"").headers)[b"kc-api-timestamp"]
    assert int(stamp) <= now[0] + MOST_AHEAD_MS


def test_it_needs_no_http_library() -> None:
    program = 'from keywright.client import KeywrightAuth; print(KeywrightAuth("bitfinex", key="k", secret="s"))'
    assert _python(WITHOUT_EXTRAS + program) == "KeywrightAuth(•••)\n"
