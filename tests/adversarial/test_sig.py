"""SIG: signature and canonicalisation. What goes out is written byte by byte; nothing on our side encodes it again.

Left to others: SIG-21 (nginx in front), SIG-32 (the vectors: tests/protocol/test_vectors.py).
"""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import random

from keywright.gateway.routes import kucoin_routes
from tests.support import raw
from tests.support.door import HOST, Door, Shot

ACCOUNTS = "/api/v1/accounts"
ORDERS = "/api/v1/hf/orders"
ORDER = b'{"symbol":"BTC-USDT","side":"buy","price":"1","size":"1"}'


async def test_sig_01_one_bit_of_the_mac_is_enough_to_be_refused(door: Door) -> None:
    shot = door.kr.signed("GET", f"{ACCOUNTS}?currency=BTC")
    await door.allows(shot)
    mac = base64.b64decode(shot.value("sign"))
    for bit in range(256):
        flipped = (int.from_bytes(mac) ^ (1 << bit)).to_bytes(32)
        await door.refuses(shot.but(sign=base64.b64encode(flipped)), "signature_mismatch")


async def test_sig_01_a_second_spelling_of_the_mac_is_refused(door: Door) -> None:
    """Four last characters decode to the same 32 bytes; a second spelling would pass for a second request."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    sign = shot.value("sign")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    others = [sign[:42] + bytes([letter]) + b"=" for letter in alphabet if letter != sign[42]]
    same = [other for other in others if base64.b64decode(other) == base64.b64decode(sign)]
    assert len(same) == 3
    for other in (*same, sign[:-1], sign + b"=", sign + b"AAAA", sign.hex().encode(), sign.lower()):
        await door.refuses(shot.but(sign=other), "signature_mismatch")
    await door.allows(shot)


async def test_sig_02_a_method_in_lower_case_is_refused(door: Door) -> None:
    await door.refuses(door.kr.signed("GET", ACCOUNTS, over=("get", ACCOUNTS, b"")), "signature_mismatch")
    await door.drops(door.kr.signed("get", ACCOUNTS).bytes)
    await door.drops(door.kr.signed("GET", ACCOUNTS).but(method=b"Get").bytes)


async def test_sig_03_another_query_than_was_signed_is_refused(door: Door) -> None:
    shot = door.kr.signed("GET", f"{ACCOUNTS}?currency=BTC")
    await door.refuses(shot.but(target=b"/api/v1/accounts?currency=ETH"), "signature_mismatch")
    await door.refuses(shot.but(target=b"/api/v1/accounts"), "signature_mismatch")
    await door.refuses(shot.but(target=b"/api/v1/accounts/currency~BTC"), "signature_mismatch")


async def test_sig_04_an_encoded_slash_is_not_canonical(door: Door) -> None:
    encoded = "/api/v1%2Faccounts"
    await door.refuses(door.kr.signed("GET", encoded), "target_not_canonical")
    await door.refuses(door.kr.signed("GET", encoded, over=("GET", ACCOUNTS, b"")), "target_not_canonical")


async def test_sig_05_double_encoding_dots_and_broken_escapes_are_not_canonical(door: Door) -> None:
    for path in (
        "/api/v1/%2561ccounts",
        "/api/v1/%61ccounts",
        "/api/v1/%2e%2e/accounts",
        "/api/v1/accounts%00",
        "/api/v1/accounts%0d%0aX-A:%20b",
        "/api/v1/accounts%zz",
        "/api/v1/accounts%",
        "/api/v1/accounts%c0%af",
        "/api/v1/accounts;a=b",
        "/api/v1/accounts\\",
    ):
        await door.refuses(door.kr.signed("GET", path), "target_not_canonical")
    for query in ("q=%zz", "q=%", "q=%4", "q=%00", "q=%0d%0a", "q=%c0%af", "q=%7f", 'q="', "q=<", "q={}", "q=|", "q=^"):
        await door.refuses(door.kr.signed("GET", f"{ACCOUNTS}?{query}"), "target_not_canonical")


async def test_sig_06_a_path_that_only_looks_like_another_is_never_routed_as_it(door: Door) -> None:
    for path in (
        "//api/v1/accounts",
        "/api//v1/accounts",
        "/api/v1//accounts",
        "/api/v1/./accounts",
        "/api/v1/x/../accounts",
        "/../api/v1/accounts",
        "/api/v1/accounts/.",
        "/api/v1/accounts/..",
        "/api/v1/accounts//",
    ):
        await door.refuses(door.kr.signed("GET", path), "target_not_canonical")
    for path in ("/api/v1/accounts/", "/api/v1/accounts/x/", "/api/v1/accounts.", "/"):
        await door.refuses(door.kr.signed("GET", path), "route_unknown")


async def test_sig_06_whatever_form_the_target_has_the_service_sees_what_was_signed(door: Door) -> None:
    """An absolute target and one with a fragment are cut off before anything reads them. Of a `?` before nothing the
    server hands on nothing: what is left is what is verified, routed and passed on."""
    for target in (b"http://evil.test/api/v1/accounts", b"/api/v1/accounts#fragment", b"*", b"localhost:80"):
        await door.drops(door.kr.signed("GET", ACCOUNTS).but(target=target).bytes)
        await door.drops(door.kr.signed("GET", target).bytes)
    await door.allows(door.kr.signed("GET", ACCOUNTS).but(target=b"/api/v1/accounts?"))
    assert door.echo.calls[-1][0].target == ACCOUNTS.encode()
    await door.refuses(door.kr.signed("GET", "/api/v1/accounts?"), "signature_mismatch")
    assert len(door.echo.calls) == 1


async def test_sig_07_a_path_in_another_case_is_another_path(door: Door) -> None:
    for path in ("/API/v1/accounts", "/api/V1/accounts", "/api/v1/Accounts"):
        await door.refuses(door.kr.signed("GET", path), "route_unknown")


async def test_sig_08_a_query_signed_before_it_was_encoded_is_taken_as_the_official_sdks_do_it(door: Door) -> None:
    for sent in ("a+b", "a%20b"):
        over = ("GET", f"{ACCOUNTS}?memo=a b", b"")
        reply = await door.allows(door.kr.signed("GET", f"{ACCOUNTS}?memo={sent}", over=over))
        assert reply.json()["data"]["pairs"] == [["memo", "a b"]]
        assert door.echo.calls[-1][0].target == f"{ACCOUNTS}?memo={sent}".encode()


async def test_sig_08_what_the_decoded_form_cannot_carry_is_refused_and_said(door: Door) -> None:
    for sent, decoded in (("a%26b=c", "a&b=c"), ("a%2Bb", "a+b"), ("a%2541", "a%41"), ("a%26b", "a&b")):
        over = ("GET", f"{ACCOUNTS}?memo={decoded}", b"")
        hint = await door.refuses(door.kr.signed("GET", f"{ACCOUNTS}?memo={sent}", over=over), "signature_mismatch")
        assert "percent-encode before signing" in hint
        await door.allows(door.kr.signed("GET", f"{ACCOUNTS}?memo={sent}"))


async def test_sig_10_the_order_of_repeated_parameters_is_signed(door: Door) -> None:
    shot = door.kr.signed("GET", f"{ACCOUNTS}?currency=BTC&currency=ETH")
    reply = await door.allows(shot)
    assert reply.json()["data"]["pairs"] == [["currency", "BTC"], ["currency", "ETH"]]
    await door.refuses(shot.but(target=b"/api/v1/accounts?currency=ETH&currency=BTC"), "signature_mismatch")


async def test_sig_11_plus_space_and_encoded_plus_never_stand_for_one_another(door: Door) -> None:
    spellings = ("a+b", "a%20b", "a%2Bb", "a%2bb")
    for signed, sent in itertools.permutations(spellings, 2):
        shot = door.kr.signed("GET", f"{ACCOUNTS}?q={signed}").but(target=f"{ACCOUNTS}?q={sent}".encode())
        await door.refuses(shot, "signature_mismatch")
    decoded = door.kr.signed("GET", f"{ACCOUNTS}?q=a%2Bb", over=("GET", f"{ACCOUNTS}?q=a b", b""))
    await door.refuses(decoded, "signature_mismatch")


async def test_sig_12_two_spellings_of_a_letter_are_two_texts(door: Door) -> None:
    nfc, nfd = b"/api/v1/accounts?q=%C3%A9", b"/api/v1/accounts?q=e%CC%81"
    await door.refuses(door.kr.signed("GET", nfc).but(target=nfd), "signature_mismatch")
    await door.refuses(door.kr.signed("GET", nfd).but(target=nfc), "signature_mismatch")
    decoded = door.kr.signed("GET", nfc, over=("GET", f"{ACCOUNTS}?q=\u00e9", b""))
    await door.allows(decoded)
    await door.refuses(decoded.but(target=nfd), "signature_mismatch")
    await door.drops(door.kr.signed("GET", f"{ACCOUNTS}?q=\u00e9").bytes)


async def test_sig_13_bytes_that_are_no_text_are_not_canonical(door: Door) -> None:
    """Stricter than the catalogue: neither form is looked at further, so neither can be taken for the other."""
    shot = door.kr.signed("GET", f"{ACCOUNTS}?q=%ff")
    await door.refuses(shot, "target_not_canonical")
    await door.refuses(shot.but(target=b"/api/v1/accounts?q=%fe"), "target_not_canonical")
    merged = door.kr.signed("GET", f"{ACCOUNTS}?q=%ff", over=("GET", f"{ACCOUNTS}?q=\ufffd", b""))
    await door.refuses(merged, "target_not_canonical")


async def test_sig_14_no_body_an_empty_object_null_and_a_space_never_stand_for_one_another(door: Door) -> None:
    """`null` and ` {}` are no bodies at all here, whatever was signed: that is said before the signature is looked at."""
    for signed, sent in itertools.permutations((b"", b"{}", b"null", b" {}"), 2):
        shot = door.kt.signed("POST", ORDERS, sent, over=("POST", ORDERS, signed))
        await door.refuses(shot, "signature_mismatch" if sent in {b"", b"{}"} else "body_malformed")


async def test_sig_15_a_query_shifted_into_the_body_is_refused(door: Door) -> None:
    query = "?symbol=BTC-USDT"
    shifted = door.kt.signed("DELETE", f"/api/v1/orders{query}").but(target=b"/api/v1/orders", body=query.encode())
    await door.refuses(shifted, "body_not_allowed")
    read = door.kr.signed("GET", f"{ACCOUNTS}{query}").but(target=ACCOUNTS.encode(), body=query.encode())
    await door.refuses(read, "body_not_allowed")
    order = door.kt.signed("POST", f"{ORDERS}{query}").but(target=ORDERS.encode(), body=query.encode())
    await door.refuses(order, "body_malformed")


async def test_sig_15_a_body_shifted_into_the_query_is_refused(door: Door) -> None:
    """What a body begins with can't stand in a query, so nothing fits both."""
    shot = door.kt.signed("POST", f"{ORDERS}?a=", b'{"b":"c"}')
    await door.refuses(shot.but(target=f'{ORDERS}?a={{"b":"c"}}'.encode(), body=b""), "target_not_canonical")
    await door.refuses(shot.but(target=f"{ORDERS}?a=%7B%22b%22%3A%22c%22%7D".encode(), body=b""), "signature_mismatch")
    cancel = door.kf.signed("DELETE", "/api/v1/orders/multi-cancel?a=", b'{"orderIdsList":[]}')
    encoded = b"/api/v1/orders/multi-cancel?a=%7B%22orderIdsList%22%3A%5B%5D%7D"
    await door.refuses(cancel.but(target=encoded, body=b""), "signature_mismatch", to=door.futures_port)
    await door.allows(cancel, to=door.futures_port)


async def test_sig_15_a_public_route_takes_no_body_either(door: Door) -> None:
    """Nothing is signed there; but a body on GET is what smuggles a request past a service that does not expect one."""
    await door.refuses(Shot(b"GET", b"/api/v1/timestamp", (), b"GET /api/v1/accounts HTTP/1.1"), "body_not_allowed")
    await door.refuses(Shot(b"POST", b"/api/v1/bullet-public", (), b"a=b"), "body_malformed")
    await door.allows(Shot(b"POST", b"/api/v1/bullet-public", (), b"{}"))
    await door.allows(Shot(b"POST", b"/api/v1/bullet-public", ()))


async def test_sig_17_head_and_get_do_not_share_a_signature(door: Door) -> None:
    """HEAD names no route of ours, so it gets 404 before its signature is looked at, with GET's or its own."""
    await door.refuses(door.kr.signed("GET", ACCOUNTS).but(method=b"HEAD"), "route_unknown")
    await door.refuses(door.kr.signed("HEAD", ACCOUNTS), "route_unknown")
    await door.refuses(door.kt.signed("POST", ORDERS).but(method=b"HEAD"), "route_unknown")
    await door.refuses(door.kr.signed("HEAD", ACCOUNTS).but(method=b"GET"), "signature_mismatch")


async def test_sig_18_the_method_is_what_the_request_line_says(door: Door) -> None:
    overrides = (b"x-http-method-override", b"DELETE"), (b"x-http-method", b"DELETE"), (b"x-method-override", b"DELETE")
    reply = await door.allows(door.kr.signed("GET", f"{ACCOUNTS}?_method=DELETE").plus(*overrides))
    assert reply.json()["data"]["method"] == "GET"
    for method in ("TRACE", "OPTIONS", "CONNECT", "PROPFIND", "PURGE"):
        hint = await door.refuses(door.kt.signed(method, "/api/v1/orders"), "method_not_allowed")
        assert "GET" in hint
    await door.drops(door.kt.signed("OPTIONS", "*").bytes)
    for method in ("FOO", "DELETES", "G", "PRI"):
        await door.drops(door.kt.signed(method, "/api/v1/orders").bytes)
    await door.drops(door.kt.signed("CONNECT", "localhost:80").bytes)


async def test_sig_19_chunked_bodies_are_uniformly_refused(door: Door) -> None:
    """411, whatever the chunks: one way only to say how long a body is, and no trailers."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    chunked = raw.message(b"POST", shot.target, (HOST, *shot.headers, (b"transfer-encoding", b"chunked")))
    one_by_one = [b"1\r\n%c\r\n" % byte for byte in ORDER]
    extended = [b"%x;a=b;c\r\n%b\r\n" % (len(ORDER), ORDER)]
    for chunks in (one_by_one, extended):
        async with raw.line(door.port) as line:
            await line.send(chunked, *chunks, b"0\r\n\r\n")
            assert [reply.status for reply in await line.replies()] == [411]
        assert door.usage.attempts[-1].verdict == "length_required"
    assert not door.echo.calls
    await door.allows(shot)


async def test_sig_20_a_request_with_two_lengths_is_dropped_and_its_passenger_never_runs(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    passenger = door.kt.signed("DELETE", "/api/v1/hf/orders/cancelAll").bytes
    length, chunked = (b"content-length", str(len(ORDER)).encode()), (b"transfer-encoding", b"chunked")
    for framing in (
        (length, chunked),
        (chunked, length),
        (length, length),
        (length, (b"content-length", b"0")),
        ((b"content-length", b"+57"),),
        ((b"content-length", b"-57"),),
        ((b"content-length", b"0x39"),),
        ((b"content-length", b"57, 57"),),
        ((b"content-length", b""),),
        ((b"content-length", b"9" * 40),),
        ((b"transfer-encoding ", b"chunked"), length),
        ((b"transfer-encoding", b"chunked, identity"),),
        ((b"transfer-encoding", b""),),
    ):
        body = b"0\r\n\r\n" if chunked in framing else ORDER
        await door.drops(raw.message(b"POST", shot.target, (HOST, *shot.headers, *framing), body + passenger))


async def test_sig_20_an_unknown_transfer_coding_is_refused_and_its_passenger_never_runs(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    passenger = door.kt.signed("DELETE", "/api/v1/hf/orders/cancelAll").bytes
    for coding in (b"xchunked", b"identity", b"gzip", b"chunked;a"):
        headers = (HOST, *shot.headers, (b"transfer-encoding", coding))
        async with raw.line(door.port) as line:
            await line.send(raw.message(b"POST", shot.target, headers, ORDER + passenger))
            assert [reply.status for reply in await line.replies()] == [400]
            assert await line.is_closed()
    assert {attempt.verdict for attempt in door.usage.attempts} <= {"length_required"}
    assert not door.echo.calls


async def test_sig_20_a_request_inside_a_body_is_a_body(door: Door) -> None:
    passenger = door.kt.signed("DELETE", "/api/v1/hf/orders/cancelAll").bytes
    await door.refuses(door.kt.signed("POST", ORDERS, passenger), "body_malformed")
    await door.refuses(door.kr.signed("GET", ACCOUNTS, passenger), "body_not_allowed")


async def test_sig_20_pipelined_requests_are_judged_one_by_one_and_answered_in_order(door: Door) -> None:
    """Also behind a refused one: each has a length that everybody reads alike."""
    first, second = door.kr.signed("GET", f"{ACCOUNTS}?n=1"), door.kr.signed("GET", f"{ACCOUNTS}?n=2")
    refused = door.kt.signed("POST", ORDERS, ORDER).but(sign=b"A" * 43 + b"=")
    async with raw.line(door.port) as line:
        await line.send(first.bytes + refused.bytes + second.bytes)
        replies = await line.replies(at_least=3)
    assert [reply.status for reply in replies] == [200, 401, 200]
    assert [request.query for request, _ in door.echo.calls] == [b"n=1", b"n=2"]


async def test_sig_20_a_body_longer_or_shorter_than_stated_is_not_taken(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    stated = (b"content-length", str(len(ORDER) - 1).encode())
    async with raw.line(door.port) as line:
        await line.send(raw.message(b"POST", shot.target, (HOST, *shot.headers, stated), ORDER))
        assert (await line.replies())[0].status == 400
    async with raw.line(door.port) as line:
        await line.send(shot.bytes[:-1])  # and hangs up: there is nobody to answer
    assert not door.echo.calls
    await door.allows(shot)


async def test_sig_20_an_upgrade_is_no_way_in(door: Door) -> None:
    """The server stops reading HTTP after `Upgrade`: the body never counts as arrived, what follows is never run."""
    passenger = door.kt.signed("DELETE", "/api/v1/hf/orders/cancelAll").bytes
    for protocol in (b"websocket", b"h2c"):
        upgrade = (b"connection", b"Upgrade"), (b"upgrade", protocol)
        await door.refuses(door.kt.signed("POST", ORDERS, ORDER).plus(*upgrade).bytes + passenger, "malformed")


async def test_sig_24_a_credential_sent_twice_is_refused_even_if_equal(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    for short in ("key", "sign", "timestamp", "passphrase", "key-version"):
        name = f"kc-api-{short}".encode()
        for value in (shot.value(short), b"other"):
            for spelling in (name, name.upper(), name.title()):
                hint = await door.refuses(shot.plus((spelling, value)), "header_repeated")
                assert f"KC-API-{short.upper()}" in hint
    first = Shot(b"GET", shot.target, ((b"kc-api-key", door.kb.id.encode()), *shot.headers))
    await door.refuses(first, "header_repeated")


async def test_sig_24_a_credential_in_a_trailer_is_refused(door: Door) -> None:
    """Some servers merge trailers into the headers; here nothing that could carry one is taken."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    for missing in ("key", "sign", "timestamp", "passphrase"):
        trailer = b"kc-api-%b: %b\r\n" % (missing.encode(), shot.value(missing))
        headers = (HOST, *shot.without(missing).headers, (b"transfer-encoding", b"chunked"))
        body = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(ORDER), ORDER, trailer)
        await door.refuses(raw.message(b"POST", shot.target, headers, body), "length_required")
    await door.refuses(shot.plus((b"trailer", b"kc-api-key")), "length_required")


async def test_sig_25_folded_lines_bare_newlines_and_control_characters_are_dropped(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    sign = shot.value("sign")
    for spoiled in (sign[:20] + b"\r\n " + sign[20:], sign + b"\0", sign[:20] + b"\r" + sign[20:], sign + b"\x0b"):
        await door.drops(shot.but(sign=spoiled).bytes)
    await door.drops(shot.bytes.replace(b"\r\n", b"\n"))
    await door.drops(shot.bytes.replace(b"\r\n", b"\n", 1))
    await door.drops(shot.bytes.replace(b"kc-api-sign:", b"kc-api-sign :"))
    await door.drops(shot.bytes.replace(b"kc-api-sign:", b" kc-api-sign:"))


async def test_sig_25_space_before_a_value_is_not_part_of_it_and_any_other_is(door: Door) -> None:
    """What stands before a value is cut by every parser. What stands behind it the server leaves, and we refuse."""
    shot = door.kr.signed("GET", ACCOUNTS)
    sign = shot.value("sign")
    await door.allows(shot.but(sign=b"  \t" + sign))
    await door.refuses(shot.but(sign=sign + b" \t"), "signature_mismatch")
    await door.refuses(shot.but(sign=sign[:20] + b" " + sign[20:]), "signature_mismatch")
    await door.refuses(shot.but(sign=b'"' + sign + b'"'), "signature_mismatch")
    await door.refuses(shot.but(sign="Ａ".encode() * 44), "signature_mismatch")


async def test_sig_25_an_underscore_makes_another_header(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    underscored = tuple((name.replace(b"-", b"_"), value) for name, value in shot.headers)
    await door.refuses(Shot(b"GET", shot.target, underscored), "header_missing")
    for short in ("key", "sign", "timestamp", "passphrase"):
        spoiled = shot.without(short).plus((f"KC_API_{short.upper()}".encode(), shot.value(short)))
        assert f"KC-API-{short.upper()}" in await door.refuses(spoiled, "header_missing")


async def test_sig_27_json_that_two_readers_could_differ_about_is_refused(door: Door) -> None:
    for body in (
        b'{"size":"1","size":"1000"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e9999999}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' + b"1" * 5_000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[" * 33 + b"]" * 33,
        b'{"a":1}\0',
        b'{"a":1}{"b":2}',
        b'{"a":1,}',
        b"{'a':1}",
        b"{",
        b'{"a":01}',
    ):
        await door.refuses(door.kt.signed("POST", ORDERS, body), "body_malformed")
    hundred_thousand = door.kt.signed("POST", ORDERS, b"[" * 100_000)
    await door.refuses(hundred_thousand, "body_too_large")


async def test_sig_28_what_was_signed_routed_passed_on_and_noted_is_one_path(door: Door) -> None:
    """Random targets, all signed as sent: one that passes was seen alike by everyone who looked at it."""
    generator = random.Random(28)
    pieces = (
        *(
            "/api/v1/accounts",
            "/api/v1/orders",
            "/api",
            "/v1",
            "/accounts",
            "/a1",
            "/",
            "//",
            "/.",
            "/..",
            "%2F",
            "%2e",
        ),
        *("?", "#", "&", "=", "+", "%20", "%41", "%", ";", "\\", "a", "currency=BTC", "%C3%A9", "%FF", "{", ":", "@"),
    )
    sent = passed = 0
    while sent < 5_000:
        async with raw.line(door.port) as line:
            reply = None
            while sent < 5_000 and (reply is None or reply.header(b"connection") != b"close"):
                beginning = ACCOUNTS if generator.random() < 0.6 else "/"
                target = beginning + "".join(generator.choices(pieces, k=generator.randrange(5)))
                sent, calls = sent + 1, len(door.echo.calls)
                await line.send(door.kr.signed("GET", target).bytes)
                reply = await line.reply()
                assert reply is not None
                assert reply.status in {200, 400, 401, 404}, target
                if reply.status == 200:
                    passed += 1
                    assert door.echo.calls[-1][0].target == target.encode()
                    assert reply.json()["data"]["target"] == target
                    route = kucoin_routes("spot").find("GET", target.partition("?")[0])
                    assert route is not None
                    assert door.usage.attempts[-1].path == route.path
                else:
                    assert len(door.echo.calls) == calls
    assert passed > 500


async def test_sig_29_the_host_is_named_once_and_changes_nothing(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    for hosts in ((), (HOST, HOST), (HOST, (b"host", b"evil.test"))):
        await door.refuses(raw.message(b"GET", shot.target, (*hosts, *shot.headers)), "malformed")
    futures = f"127.0.0.1:{door.futures_port}".encode()
    for host in (b"evil.test", futures, b"api-futures.kucoin.com", b"", b"evil.test:99999", b"<script>"):
        reply = await door.allows(raw.message(b"GET", shot.target, ((b"host", host), *shot.headers)))
        assert not host or host not in reply.raw
    identity = door.echo.calls[-1][1]
    assert (identity.environment, identity.key_id) == ("spot", door.kr.id)


async def test_sig_31_a_mac_proves_one_key_only(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    await door.refuses(shot.but(key=door.kb.id.encode()), "signature_mismatch")
    await door.refuses(shot.but(key=door.kt.id.encode()), "signature_mismatch")
    for name in (
        b"",
        b"x",
        b"k" * 10_000,
        door.kr.id.encode() + b"%00",
        door.kr.id.upper().encode(),
        door.kr.id[:-1].encode() + b"%",
        b"_" * 24,
        b"' OR '1'='1",
        b'"; DROP TABLE api_keys; --',
        b"../../etc/passwd",
        "ｋ".encode() * 8,
        b"\xff" * 24,
    ):
        await door.refuses(shot.but(key=name), "key_unknown")


async def test_sig_31_a_row_without_its_secret_is_no_key(door: Door) -> None:
    """Emptied, swapped with another key's, or altered: nothing opens, so nothing can be signed for it."""
    emptied, swapped, bent = await door.bot(), await door.bot(), await door.bot()
    door.sql("UPDATE api_keys SET secret_sealed = x'' WHERE id = ?", emptied.id)
    door.sql(
        "UPDATE api_keys SET secret_sealed = (SELECT secret_sealed FROM api_keys WHERE id = ?) WHERE id = ?",
        door.kr.id,
        swapped.id,
    )
    door.sql("UPDATE api_keys SET secret_sealed = CAST(secret_sealed || x'00' AS BLOB) WHERE id = ?", bent.id)
    for bot in (emptied, swapped, bent):
        await door.refuses(bot.signed("GET", ACCOUNTS), "key_unknown")
    text = await door.bot()
    door.sql("UPDATE api_keys SET secret_sealed = CAST(x'ff00' AS TEXT) WHERE id = ?", text.id)
    await door.refuses(text.signed("GET", ACCOUNTS), "not_sure")
    with_nothing = base64.b64encode(hmac.digest(b"", b"1700000000000GET/api/v1/accounts", "sha256"))
    await door.refuses(emptied.signed("GET", ACCOUNTS).but(sign=with_nothing), "key_unknown")
    as_the_other = door.kr.signed("GET", ACCOUNTS).but(key=swapped.id.encode())
    await door.refuses(as_the_other, "key_unknown")


async def test_the_echo_shows_what_it_received(door: Door) -> None:
    """A control: the cases above rest on it."""
    reply = await door.allows(door.kt.signed("POST", f"{ORDERS}?a=b%20c", ORDER))
    data = reply.json()["data"]
    assert data["pairs"] == [["a", "b c"]]
    assert json.loads(data["body"]) == json.loads(ORDER)
    assert data["account"] == door.kt.person.account.id
