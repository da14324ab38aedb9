"""What KuCoin's answers mean: every code of the specification's table, the texts that say more, and whatever else comes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from keywright.protocol.refusal import Reason, Refused
from tests.protocol.wire import DIALECT


def meant(status: int, code: str | int, msg: str = "") -> tuple[Reason, ...]:
    return DIALECT.understand(status, json.dumps({"code": code, "msg": msg}).encode())


# Status, code, text as seen live or in the documentation, and the likeliest reason.
TABLE = [
    (400, "400001", "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE", Reason.HEADER_MISSING),
    (400, "400001", "Invalid KC-API-TIMESTAMP", Reason.TIMESTAMP_OUT_OF_WINDOW),
    (400, "400002", "Invalid KC-API-TIMESTAMP", Reason.TIMESTAMP_OUT_OF_WINDOW),
    (401, "400003", "KC-API-KEY not exists", Reason.KEY_UNKNOWN),
    (401, "400003", "KC-API-KEY does not exist.", Reason.KEY_UNKNOWN),
    (401, "400004", "Invalid KC-API-PASSPHRASE", Reason.PASSPHRASE_MISMATCH),
    (401, "400005", "Invalid KC-API-SIGN", Reason.SIGNATURE_MISMATCH),
    (403, "400006", "Invalid request ip, the current clientIp is:203.0.113.7", Reason.ADDRESS_NOT_ALLOWED),
    (403, "400007", "Access denied, require more permission.", Reason.PERMISSION_MISSING),
    (401, "400008", "V1 & V2 API keys are no longer supported by this API. Please create a V3 API key.", Reason.KEY_VERSION_OFF),
    (400, "400009", "Invalid KC-API-KEY-VERSION.", Reason.KEY_VERSION_UNKNOWN),
    (403, "400010", "UID access denied, requires more permission.", Reason.PERMISSION_MISSING),
    (401, "400011", "", Reason.SIGNATURE_MISMATCH),
    (401, "400012", "", Reason.SIGNATURE_MISMATCH),
    (200, "400100", "Parameter Error", Reason.BODY_MALFORMED),
    (200, "400100", "validation.createOrder.clientOidIsRequired", Reason.BODY_MALFORMED),
    (200, "400101", "", Reason.BODY_MALFORMED),
    (200, "400102", "", Reason.BODY_MALFORMED),
    (200, "400200", "Forbidden to place an order", Reason.PERMISSION_MISSING),
    (200, "400200", "Unknown partner", Reason.KEY_UNKNOWN),
    (401, "400201", "Invalid KC-API-PARTNER-SIGN", Reason.SIGNATURE_MISMATCH),
    (403, "400202", "Invalid request IP", Reason.ADDRESS_NOT_ALLOWED),
    *((200, code, "", Reason.PERMISSION_MISSING) for code in ("400301", "400302", "400303", "400304")),
    (401, "400400", "", Reason.KEY_UNKNOWN),
    (401, "400401", "", Reason.KEY_UNKNOWN),
    (404, "404", "Not Found", Reason.ROUTE_UNKNOWN),
    (404, "404000", "Url Not Found", Reason.ROUTE_UNKNOWN),
    (200, "411100", "User is frozen", Reason.KEY_FROZEN),
    (200, "411100", "User are frozen", Reason.KEY_FROZEN),
    (200, "411200", "URL is in the user blacklist.", Reason.ADDRESS_NOT_ALLOWED),
    (415, "415000", "Unsupported Media Type", Reason.BODY_MALFORMED),
    (429, "429000", "Too many requests. User-level rate limit exceeded.", Reason.TOO_MANY_REQUESTS),
    (429, "429001", "", Reason.TOO_MANY_REQUESTS),
    (429, "429002", "", Reason.TOO_MANY_REQUESTS),
    (403, "1015", "", Reason.TOO_MANY_REQUESTS),
    (200, "200002", "Too many requests in a short period of time, please retry later", Reason.TOO_MANY_REQUESTS),
    *((500, code, "", Reason.UPSTREAM_UNREACHABLE) for code in ("500000", "501000", "503000", "504000", "505000")),
    (200, "230005", "system busy", Reason.UPSTREAM_UNREACHABLE),
    (200, "200009", "Complete KYC before trading", Reason.PERMISSION_MISSING),
    (200, "260210", "withdraw.disabled", Reason.PERMISSION_MISSING),
    *((200, code, "", Reason.PERMISSION_MISSING) for code in ("400500", "400600", "400700", "600120")),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "msg", "likeliest"), TABLE)
def test_every_code_of_the_table_is_understood(status: int, code: str, msg: str, likeliest: Reason) -> None:
    assert meant(status, code, msg)[0] is likeliest
    assert meant(status, int(code), msg)[0] is likeliest, "a code may come as a number"


@pytest.mark.parametrize(
    ("code", "msg"),
    [
        ("200000", ""),
        ("200000", "Too many requests"),
        ("200001", "Order creation for this pair suspended"),
        ("200002", "Order cancel for this pair suspended"),
        ("200003", "Number of orders breached the limit"),
        ("200004", "Balance insufficient"),
        ("400100", "account.available.amount"),
        ("400800", "Leverage order failed"),
        ("110003", "withdrawal limit"),
        ("115007", "withdrawal limit"),
        ("900001", "symbol not exists"),
    ],
)
def test_success_and_business_are_no_refusal(code: str, msg: str) -> None:
    assert meant(200, code, msg) == ()


@pytest.mark.parametrize("reason", Reason)
def test_what_our_own_gateway_says_is_understood(reason: Reason) -> None:
    """Not always as the same reason: KuCoin has one code for several."""
    said = DIALECT.refuse(Refused(reason))
    understood = DIALECT.understand(said.status, said.body)
    assert understood
    if json.loads(said.body)["code"] not in {"400003", "400100", "503000"}:
        assert reason in understood


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", ()),
        (200, b"<html>", ()),
        (403, b"<html>error code: 1015</html>", Reason.PERMISSION_MISSING),
        (429, b"", Reason.TOO_MANY_REQUESTS),
        (502, b"<html>", Reason.UPSTREAM_UNREACHABLE),
        (401, b"[]", Reason.KEY_UNKNOWN),
        (401, b'{"code":true}', Reason.KEY_UNKNOWN),
        (400, b'{"code":null,"msg":7}', Reason.MALFORMED),
        (400, b"[" * 100_000, Reason.MALFORMED),
        (400, b"[" * 60_000, Reason.MALFORMED),
        (400, b'{"code":' + b"9" * 5_000 + b"}", Reason.MALFORMED),
        (405, b"", Reason.METHOD_NOT_ALLOWED),
        (418, b"", ()),
    ],
)
def test_what_is_not_kucoin_s_envelope_goes_by_its_status(
    status: int, body: bytes, expected: Reason | tuple[()]
) -> None:
    understood = DIALECT.understand(status, body)
    assert understood == expected if expected == () else understood[0] is expected


@given(status=st.integers(), body=st.binary(max_size=200), code=st.text(max_size=8), text=st.text(max_size=40))
def test_anything_at_all_is_answered(status: int, body: bytes, code: str, text: str) -> None:
    for answer in (body, json.dumps({"code": code, "msg": text}).encode()):
        assert all(isinstance(reason, Reason) for reason in DIALECT.understand(status, answer))
