"""`keywright explain` as it is typed, with what people paste."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keywright.cli.main import run
from keywright.protocol.binance import BinanceDialect
from tests.cli.conftest import Said
from tests.protocol.binance_wire import PRIVATE, PUBLIC
from tests.protocol.wire import KEY, PASSPHRASE_HEADER, STAMP, mac

SECRET, PASSPHRASE = "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3", "Kw-wire-7!"
TYPED = f"{SECRET}\n{PASSPHRASE}\n"
BODY = '{"symbol":"BTC-USDT","size":"1"}'
HEADERS = {
    "KC-API-KEY": KEY,
    "KC-API-SIGN": mac(f'{STAMP}POST/api/v1/orders{{"symbol": "BTC-USDT", "size": "1"}}'.encode()).decode(),
    "KC-API-TIMESTAMP": STAMP,
    "KC-API-PASSPHRASE": PASSPHRASE_HEADER.decode(),
    "KC-API-KEY-VERSION": "3",
}
CURL = (
    "curl -sS -X POST 'https://api.kucoin.com/api/v1/orders' \\\n"
    + "".join(f"  -H '{name}: {value}' \\\n" for name, value in HEADERS.items())
    + f"  --data-raw '{BODY}' --compressed\n"
)
LINES = (
    "POST /api/v1/orders HTTP/1.1\r\nHost: api.kucoin.com\r\n"
    + "".join(f"{n}: {v}\r\n" for n, v in HEADERS.items())
    + f"\r\n{BODY}\n"
)
VERBOSE = (
    "*   Trying 127.0.0.1...\n"
    + "".join(f"> {line}\n" for line in LINES.partition("\r\n\r\n")[0].split("\r\n"))
    + ">\n< HTTP/1.1 401\n"
)
ENTRY = {
    "startedDateTime": "2023-11-14T22:13:20.100Z",
    "request": {
        "method": "POST",
        "url": "https://api.kucoin.com/api/v1/orders",
        "headers": [{"name": ":method", "value": "POST"}, *({"name": n, "value": v} for n, v in HEADERS.items())],
        "postData": {"mimeType": "application/json", "text": BODY},
    },
}
OTHER = {"request": {"method": "GET", "url": "https://api.kucoin.com/api/v1/timestamp", "headers": []}}

Explain = Callable[..., Said]


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Type `keywright explain …` in a folder with what was pasted in `request`."""
    monkeypatch.chdir(tmp_path)

    def typed(arguments: str, *, paste: str | bytes = "", stdin: str = TYPED) -> Said:
        Path("request").write_bytes(paste if isinstance(paste, bytes) else paste.encode())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(["explain", *arguments.split()])
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        assert PASSPHRASE not in said.out + said.err
        return Said(code, said.out, said.err)

    return typed


@pytest.mark.parametrize(
    "paste",
    [
        CURL,
        f"$ {CURL}",
        LINES,
        LINES.replace("\r\n", "\n"),
        json.dumps(ENTRY),
        json.dumps({"log": {"entries": [OTHER, ENTRY]}}),
        json.dumps(ENTRY["request"]),
    ],
    ids=["curl", "with a prompt", "lines", "lines without CR", "HAR entry", "HAR", "HAR request"],
)
def test_what_is_pasted_is_explained(explain: Explain, paste: str) -> None:
    said = explain("request --at 1700000000100", paste=paste)
    assert said.code == 0, said.err
    assert f"The server signs  {STAMP}POST/api/v1/orders{BODY}\n" in said.out
    assert 'The client signed 1700000000000POST/api/v1/orders{"symbol": "BTC-USDT", "size": "1"}\n' in said.out
    assert "They part at byte 41, in the body:" in said.out
    assert "The stamp is 100 ms behind." in said.out
    assert "certain: The body was serialised once for signing and again for sending" in said.out
    assert "[body_serialised_again]" in said.out


def test_for_machines_it_is_one_object(explain: Explain) -> None:
    said = explain("request --json --at 2023-11-14T22:13:20.100Z", paste=CURL).json
    assert said["schema"] == 1
    assert (said["holds"], said["signature_holds"], said["passphrase_holds"], said["skew_ms"]) == (
        False,
        False,
        True,
        -100,
    )
    assert [(cause["id"], cause["certain"]) for cause in said["causes"]] == [("body_serialised_again", True)]
    assert said["difference"]["offset"] == 41


def test_a_har_says_when_and_a_paste_of_yesterday_is_not_blamed_for_its_age(explain: Explain) -> None:
    har = explain("request --json", paste=json.dumps(ENTRY))
    assert (har.json["skew_ms"], har.err) == (-100, "")
    curl = explain("request --json", paste=CURL)
    assert [(cause["id"], cause["certain"]) for cause in curl.json["causes"]] == [
        ("body_serialised_again", True),
        ("clock_off", False),
    ]
    assert "--at says when" in curl.err


def test_lines_of_curl_v_are_read_without_their_body(explain: Explain) -> None:
    said = explain("request --json --at 1700000000100", paste=VERBOSE)
    assert said.json["server_signed"] == [f"{STAMP}POST/api/v1/orders"]


def test_the_secret_comes_from_a_file_or_the_terminal_when_the_request_comes_from_standard_input(
    explain: Explain,
) -> None:
    Path("keys").write_text(TYPED)
    assert "body_serialised_again" in explain("--secret-file keys --at 1700000000100", stdin=CURL).out
    assert "body_serialised_again" in explain("- --secret-file keys --at 1700000000100", stdin=CURL).out


def test_without_a_terminal_nothing_is_taken_from_the_request_s_own_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keywright", "explain"],
        input=CURL, capture_output=True, text=True, check=False, start_new_session=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "no terminal" in done.stderr
    assert "--secret-file" in done.stderr


def test_a_secret_that_was_pasted_is_warned_about(explain: Explain, capsys: pytest.CaptureFixture[str]) -> None:
    said = explain("request --at 1700000000100", paste=f"{CURL} # secret: {SECRET}")
    assert "holds the secret itself" in said.err
    header = explain("request --json --at 1700000000100", paste=CURL.replace(KEY, SECRET))
    assert "secret_in_request" in [cause["id"] for cause in header.json["causes"]]


def test_without_a_passphrase_none_is_asked_for(explain: Explain) -> None:
    said = explain("request --json --no-passphrase --at 1700000000100", paste=CURL, stdin=f"{SECRET}\n")
    assert said.json["passphrase_holds"] is None


def test_two_strings_are_compared(explain: Explain) -> None:
    Path("server").write_bytes(b"1GET/api/v1/accounts")
    Path("client").write_bytes(b"1GET/v1/accounts\n")
    said = explain("--strings server client")
    assert said.out == (
        "They part at byte 5:\n"
        "  server  1GET/api/v1/accounts  (0x61; 20 bytes)\n"
        "  client  1GET/v1/accounts‹0A›  (0x76; 17 bytes)\n"
    )
    assert explain("--strings server server").out == "The strings are equal: 20 bytes.\n"
    assert explain("--strings server client --json").json["offset"] == 5


def test_other_exchanges_have_no_passphrase(explain: Explain) -> None:
    lines = "GET /api/v3/account?timestamp=1700000000000&signature=ab\nX-MBX-APIKEY: k\n"
    said = explain("request --exchange binance --json --at 1700000000100", paste=lines, stdin=f"{SECRET}\n")
    assert (said.code, said.json["exchange"]) == (0, "binance")
    call = "POST /v2/auth/r/wallets\nbfx-apikey: k\nbfx-nonce: 1700000000000000\nbfx-signature: ab\n"
    said = explain("request --exchange bitfinex --json", paste=call, stdin=f"{SECRET}\n")
    assert said.json["server_signed"] == ["/api/v2/auth/r/wallets1700000000000000"]


def test_headers_of_other_names_are_found_when_they_are_said(explain: Explain) -> None:
    renamed = CURL.replace("KC-API-", "X-My-")
    said = explain("request --json --at 1700000000100 --header-prefix X-My-", paste=renamed)
    assert [cause["id"] for cause in said.json["causes"]] == ["body_serialised_again"]
    har = json.dumps({"log": {"entries": [OTHER, ENTRY]}}).replace("KC-API-", "X-My-")
    assert explain("request --header-prefix X-My-", paste=har).code == 0
    assert explain("request", paste=har).code == 2


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
@pytest.mark.parametrize("half", ["private", "public"])
def test_a_key_of_binance_in_pem_comes_from_a_file(explain: Explain, kind: str, half: str) -> None:
    sent = BinanceDialect.sign("GET", "/api/v3/account", b"", key="k", private_key=PRIVATE[kind], now_ms=1700000000000)
    lines = f"GET {sent.target.decode()}\nX-MBX-APIKEY: k\n"
    Path("key.pem").write_bytes(PRIVATE[kind].reveal() if half == "private" else PUBLIC[kind])
    arguments = "request --exchange binance --json --at 1700000000100 --secret-file key.pem"
    said = explain(arguments, paste=lines)
    assert (said.code, said.json["holds"], said.err) == (0, True, "")
    assert "KEY-----" not in said.out
    bare = explain(arguments.replace("--exchange binance ", ""), paste=lines)
    assert (bare.code, bare.out) == (2, "")


def test_a_key_in_pem_is_not_typed(explain: Explain) -> None:
    said = explain("request --exchange binance", paste="GET /\nx: y\n", stdin="-----BEGIN PRIVATE KEY-----\nAAAA\n")
    assert said.code == 2
    assert "--secret-file" in said.err


@pytest.mark.parametrize(
    ("arguments", "paste", "code", "words"),
    [
        ("request", "", 2, "nothing here"),
        ("request", "hello", 2, "no method and target"),
        ("request", "{", 2, "begins like JSON"),
        ("request", "{}", 2, "no HAR"),
        ("request", json.dumps({"log": {"entries": [OTHER, OTHER]}}), 2, "of which signed: none"),
        ("request --entry 3", json.dumps(ENTRY), 2, "1 entries"),
        ("request", 'curl https://x/api -H "KC-API-KEY: $KEY"', 2, "only your shell"),
        ("request", "curl https://x/api -d @body.json", 2, "file that is not part"),
        ("request", "curl https://x/api --frobnicate", 2, "--frobnicate"),
        ("request", "curl https://x/api 'open", 2, "never closed"),
        ("request --at yesterday", CURL, 2, "ISO 8601"),
        ("request client", CURL, 2, "--strings"),
        ("missing", CURL, 1, "can't be read"),
        ("request --secret-file missing", CURL, 1, "can't be read"),
        ("request --secret-file request", "\n", 2, "nothing here"),
        ("--strings request", CURL, 2, "two files"),
        ("request --exchange kraken", CURL, 2, "kraken"),
        ("request --header-prefix KC_API", CURL, 2, "header prefix"),
    ],
)  # fmt: skip
def test_what_can_t_be_read_is_said_in_a_sentence(
    explain: Explain, arguments: str, paste: str, code: int, words: str
) -> None:
    said = explain(arguments, paste=paste)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err


def test_no_secret_is_taken_from_an_argument() -> None:
    from keywright.cli.explain import command

    assert not {"--secret", "--passphrase"} & {name for parameter in command.params for name in parameter.opts}


def test_a_har_body_in_base64_is_decoded(explain: Explain) -> None:
    entry: dict[str, Any] = json.loads(json.dumps(ENTRY))
    entry["request"]["postData"] = {"text": base64.b64encode(BODY.encode()).decode(), "encoding": "base64"}
    assert explain("request --json", paste=json.dumps(entry)).json["server_signed"] == [
        f"{STAMP}POST/api/v1/orders{BODY}"
    ]


PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


def test_the_page_shows_what_is_said(explain: Explain) -> None:
    request, shown = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (line,) = re.findall(r"^keywright explain request\.txt (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert explain(f"request {line}", paste=request, stdin=f"{SECRET}\n") == Said(0, shown, "")


def test_the_page_s_client_code_makes_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE"):
        monkeypatch.setenv(name, name)
    first = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(first.partition("with httpx")[0].replace("import os, httpx", "import os"), names)  # noqa: S102
    assert repr(names["auth"]) == "KeywrightAuth(•••)"
