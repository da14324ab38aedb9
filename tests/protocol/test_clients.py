"""Three real clients build, sign and encode requests through their own transports; the dialect must take what is theirs.

Nothing is sent: an adapter in each client's session keeps the prepared request, and urllib3's own encoding of targets,
the last step before the socket, is applied to it. Where a client's own habit makes a request unverifiable on any
server, or ambiguous under the acceptance rule, the test says so and expects the refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.wire import (
    DIALECT,
    KEY,
    PASSPHRASE,
    PASSPHRASE_DIGEST,
    PEPPER,
    SECRET,
    WITH_VERSION_1,
    verdict,
)

pytestmark = pytest.mark.clients

Json = dict[str, Any]
Send = Callable[[str, str, Json], Request]
"""Method, path below `/api/v1/`, parameters → what the client would put on the wire."""

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
_NAMES = st.from_regex(r"[a-z][A-Za-z_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"version", "type", "tradeType"}
)
# `#`, `%` and `+` have tests of their own below.
_CCXT_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="#%+"), max_size=12)
_PARAMETERS = st.dictionaries(_NAMES, _TEXT, max_size=4)
_NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_BODIES = st.dictionaries(_NAMES, _NESTED, min_size=1, max_size=4)

many = settings(max_examples=300, deadline=None)


def on_the_wire(prepared: Any) -> Request:
    """Return the request a `requests.PreparedRequest` becomes."""
    from urllib3.util.url import _encode_target

    body = prepared.body or b""
    headers = tuple((name.lower().encode(), as_bytes(value)) for name, value in prepared.headers.items())
    target = _encode_target(prepared.path_url).encode("ascii")
    return Request(prepared.method, target, headers, as_bytes(body), None)


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def recording(session: Any) -> list[Any]:
    """Make the session keep what it would send, and answer it with an empty success."""
    import requests

    sent: list[Any] = []

    class Recorder(requests.adapters.BaseAdapter):  # type: ignore[misc]  # requests ships no types
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            sent.append(request)
            answer = requests.Response()
            answer.status_code, answer._content, answer.request = 200, b'{"code":"200000"}', request
            answer.url = request.url
            return answer

        def close(self) -> None:
            """Nothing is open."""

    for scheme in ("http://", "https://"):
        session.mount(scheme, Recorder())
    return sent


@pytest.fixture(scope="module")
def ccxt() -> Send:
    import ccxt

    exchange = ccxt.kucoin(
        {
            "apiKey": KEY,
            "secret": SECRET.reveal_text(),
            "password": PASSPHRASE.reveal_text(),
            "enableRateLimit": False,
        }
    )
    sent = recording(exchange.session)

    def send(method: str, path: str, parameters: Json) -> Request:
        exchange.request(path, ["private"], method, parameters)
        return on_the_wire(sent.pop())

    return send


@pytest.fixture(scope="module")
def sdk() -> Send:
    from kucoin_universal_sdk.internal.infra.default_transport import DefaultTransport
    from kucoin_universal_sdk.model.client_option import ClientOption
    from pydantic import BaseModel

    class Parameters(BaseModel):
        """A request model of the SDK's kind, with whatever parameters a test needs."""

        values: Json

        def to_dict(self) -> Json:
            return self.values

        def to_json(self) -> str:
            # As the SDK's own models do: pydantic's compact JSON, UTF-8.
            return json.dumps(self.values, ensure_ascii=False, separators=(",", ":"))

    keys = (KEY, SECRET.reveal_text(), PASSPHRASE.reveal_text())
    transport = DefaultTransport(ClientOption(*keys, *["https://x"] * 3, *[""] * 3), "v1.3.2")

    def send(method: str, path: str, parameters: Json) -> Request:
        asked = Parameters(values=parameters) if parameters else None
        prepared = transport.process_request(asked, False, f"/api/v1/{path}", "https://x", method, False)
        return on_the_wire(prepared)

    return send


@pytest.fixture(scope="module")
def python_kucoin() -> Send:
    from kucoin.base_client import BaseClient

    client = BaseClient(KEY, SECRET.reveal_text(), PASSPHRASE.reveal_text())
    sent = recording(client.session)

    def send(method: str, path: str, parameters: Json) -> Request:
        client._request(method.lower(), path, signed=True, data=dict(parameters))
        return on_the_wire(sent.pop())

    return send


def reason_and_rule(request: Request, dialect: KucoinDialect = DIALECT) -> tuple[str, str]:
    try:
        claim = dialect.read(request, body_allowed=False)
        dialect.check(claim, secret=SECRET, passphrase_digest=PASSPHRASE_DIGEST, pepper=PEPPER)
    except Refused as refused:
        return refused.reason.value, str(refused.facts.get("rule", ""))
    return "allowed", ""


def carries_a_plus_or_ampersand(parameters: Json) -> bool:
    """Tell whether the decoded query can't carry this: `+`, `&` or what looks like an escape, in a value."""
    return any("+" in value or "&" in value or re.search("%[0-9A-Fa-f]{2}", value) for value in parameters.values())


# ── ccxt 4.5.90: signs the query unencoded; requests then quotes what can't stand in a URL and leaves the rest


@many
@given(method=st.sampled_from(["GET", "DELETE"]), parameters=st.dictionaries(_NAMES, _CCXT_TEXT, max_size=4))
def test_ccxt_queries(ccxt: Send, method: str, parameters: Json) -> None:
    assert verdict(ccxt(method, "accounts", parameters)) == "allowed"


@many
@given(body=_BODIES)
def test_ccxt_bodies(ccxt: Send, body: Json) -> None:
    request = ccxt("POST", "hf/orders", body)
    assert json.loads(request.body) == body
    assert verdict(request) == "allowed"


def test_ccxt_and_a_hash(ccxt: Send) -> None:
    """ccxt's own bug: it signs `a#b`, requests takes `#b` for a fragment and drops it. No server can verify that."""
    request = ccxt("GET", "accounts", {"memo": "a#b", "after": "x"})
    assert request.target == b"/api/v1/accounts?memo=a"
    assert verdict(request) == "signature_mismatch"


def test_ccxt_and_an_escape_of_a_letter(ccxt: Send) -> None:
    """ccxt's own bug: it signs the text `%41`, requests sends it as the letter it encodes."""
    request = ccxt("GET", "accounts", {"memo": "%41"})
    assert request.target == b"/api/v1/accounts?memo=A"
    assert verdict(request) == "signature_mismatch"


@pytest.mark.parametrize("value", ["a+b", "a&b=c", "50%", "100%!", "%2B", "a/b?c=d"])
def test_ccxt_and_what_is_sent_as_it_was_signed(ccxt: Send, value: str) -> None:
    assert verdict(ccxt("GET", "accounts", {"memo": value})) == "allowed"


def test_ccxt_and_a_plus_beside_a_space(ccxt: Send) -> None:
    """Ambiguous, so refused: signed `a+b c` and sent `a+b%20c`, which decodes to `a b c` and to `a+b c`."""
    request = ccxt("GET", "accounts", {"memo": "a+b c"})
    assert request.target == b"/api/v1/accounts?memo=a+b%20c"
    assert verdict(request) == "signature_mismatch"


# ── kucoin-universal-sdk 1.3.2: signs the query unencoded, sends it form-encoded


@many
@given(method=st.sampled_from(["GET", "DELETE"]), parameters=_PARAMETERS)
def test_sdk_queries(sdk: Send, method: str, parameters: Json) -> None:
    """All but what has two readings once decoded; of that the refusal says why, and what to do."""
    reason, rule = reason_and_rule(sdk(method, "accounts", parameters))
    if carries_a_plus_or_ampersand(parameters):
        assert reason == "signature_mismatch"
        assert "percent-encode before signing" in rule
    else:
        assert reason == "allowed"


@many
@given(body=_BODIES)
def test_sdk_bodies(sdk: Send, body: Json) -> None:
    request = sdk("POST", "hf/orders", body)
    assert json.loads(request.body) == body
    assert verdict(request) == "allowed"


@pytest.mark.parametrize("value", ["te st", "abc!@#11", "a=b", "[1,2]", "{x}", "é✓😀", "50%", "a;b", "'", "~*"])
def test_sdk_and_ordinary_special_characters(sdk: Send, value: str) -> None:
    assert verdict(sdk("DELETE", "sub/api-key", {"passphrase": value, "subName": "te st"})) == "allowed"


# ── python-kucoin 2.2.0: version 1, signs the query unencoded, sends it form-encoded


@many
@given(method=st.sampled_from(["GET", "DELETE"]), parameters=_PARAMETERS)
def test_python_kucoin_queries(python_kucoin: Send, method: str, parameters: Json) -> None:
    request = python_kucoin(method, "accounts", parameters)
    reason, rule = reason_and_rule(request, WITH_VERSION_1)
    if carries_a_plus_or_ampersand(parameters):
        assert reason == "signature_mismatch"
        assert "percent-encode before signing" in rule
    else:
        assert reason == "allowed"
    assert verdict(request) == "key_version_off"


@many
@given(body=_BODIES)
def test_python_kucoin_bodies(python_kucoin: Send, body: Json) -> None:
    request = python_kucoin("POST", "orders", body)
    assert json.loads(request.body) == body
    assert verdict(request, dialect=WITH_VERSION_1) == "allowed"
    assert verdict(request) == "key_version_off"


# ── and the other way round


@pytest.mark.parametrize("name", ["ccxt", "sdk", "python_kucoin"])
def test_what_we_sign_is_what_they_sign(name: str, request: pytest.FixtureRequest) -> None:
    send: Send = request.getfixturevalue(name)
    theirs = send("GET", "accounts", {"currency": "BTC", "memo": "plain"})
    version = int((theirs.header(b"kc-api-key-version") or (b"1",))[0])
    ours = DIALECT.sign(
        "GET",
        theirs.target,
        b"",
        key=KEY,
        secret=SECRET,
        passphrase=PASSPHRASE,
        now_ms=int(theirs.header(b"kc-api-timestamp")[0]),
        version=version,
    )
    assert unquote(theirs.target.decode()) == ours.target.decode()
    for header in (b"kc-api-key", b"kc-api-sign", b"kc-api-passphrase"):
        assert theirs.header(header) == (dict(ours.headers)[header],)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("timestamp_out_of_window", "InvalidNonce"),
        ("key_unknown", "AuthenticationError"),
        ("key_disabled", "AuthenticationError"),
        ("key_expired", "AuthenticationError"),
        ("key_other_environment", "AuthenticationError"),
        ("header_missing", "AuthenticationError"),
        ("signature_mismatch", "AuthenticationError"),
        ("passphrase_mismatch", "AuthenticationError"),
        ("address_not_allowed", "AuthenticationError"),
        ("permission_missing", "AuthenticationError"),
        ("key_version_off", "NotSupported"),
        ("key_version_unknown", "ExchangeError"),
        ("key_frozen", "AccountSuspended"),
        ("replayed", "BadRequest"),
        ("target_not_canonical", "BadRequest"),
        ("order_limit", "BadRequest"),
        ("route_unknown", "NotSupported"),
        ("too_many_requests", "RateLimitExceeded"),
        ("not_sure", "ExchangeError"),
        ("upstream_unreachable", "ExchangeError"),
    ],
)
def test_ccxt_raises_what_fits_the_refusal(reason: str, expected: str) -> None:
    """A replay must not look like a clock fault: bots would sign again and send the order twice.

    503000 is KuCoin's own code, and ccxt has no entry for it: it raises its root error, there as here.
    """
    import ccxt

    answer = DIALECT.refuse(Refused(Reason(reason), rule="a rule", needed="trade", retry_after_ms=10, skew_ms=9))
    text = answer.body.decode()
    with pytest.raises(ccxt.BaseError) as raised:
        ccxt.kucoin().handle_errors(answer.status, "", "", "GET", {}, text, json.loads(text), {}, "")
    assert type(raised.value).__name__ == expected
