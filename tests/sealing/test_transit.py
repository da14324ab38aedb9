"""A transit engine that wraps the outer key: a loopback double that answers as the API's documentation says.

https://developer.hashicorp.com/vault/api-docs/secret/transit (encrypt, decrypt) and /api-docs (statuses, `errors`).
"""

from __future__ import annotations

import json
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keywright.errors import Busy, Unopenable, Unusable
from keywright.sealing.protections.kinds import UNATTENDED
from keywright.sealing.protections.transit import ByTransit, find
from keywright.sealing.protections.wrapped import Surroundings

TOKEN = "hvs.a-token-of-a-test"


class Engine(ThreadingHTTPServer):
    """Encrypts and decrypts under keys of its own, for who shows the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.keys = {"transit/keywright": AESGCM.generate_key(256), "keys/bots": AESGCM.generate_key(256)}
        self.sealed = False
        self.seen: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, token: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.seen.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        mount, verb, name = path.removeprefix("/v1/").rsplit("/", 2)
        key = self.keys.get(f"{mount}/{name}")
        if key is None:
            return 400, {"errors": ["encryption key not found"]}
        if verb == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(key).encrypt(nonce, b64decode(asked["plaintext"], validate=True), None)
            return 200, {"data": {"ciphertext": f"vault:v1:{b64encode(sealed).decode()}", "key_version": 1}}
        sealed = b64decode(asked["ciphertext"].removeprefix("vault:v1:"))
        try:
            return 200, {"data": {"plaintext": b64encode(AESGCM(key).decrypt(sealed[:12], sealed[12:], None)).decode()}}
        except InvalidTag:
            return 400, {"errors": ["cipher: message authentication failed"]}


class Answering(BaseHTTPRequestHandler):
    server: Engine

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.server.answer(self.path, self.headers.get("X-Vault-Token", ""), asked)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def around(engine: Engine, tmp_path: Path) -> Surroundings:
    environ = {"VAULT_ADDR": engine.address, "VAULT_TOKEN": TOKEN}
    return Surroundings("db_1", tmp_path / "vault.key", environ)


def test_the_engine_keeps_the_outer_key_and_gives_it_back(engine: Engine, around: Surroundings) -> None:
    parameters, outer = ByTransit().make(around, protection_id="vpr_1")
    assert parameters.keys() == {"key", "mount", "ciphertext"}
    assert outer.reveal() not in b64decode(str(parameters["ciphertext"]).rpartition(":")[2])
    assert UNATTENDED["transit"](parameters, around) == outer
    assert engine.seen == ["/v1/transit/encrypt/keywright", *["/v1/transit/decrypt/keywright"] * 2]


def test_another_key_at_another_mount_and_openbaos_names(engine: Engine, around: Surroundings, tmp_path: Path) -> None:
    bao = Surroundings("db_1", tmp_path / "x", {"BAO_ADDR": engine.address, "BAO_TOKEN": TOKEN})
    parameters, outer = ByTransit.named("keys/bots").make(bao, protection_id="vpr_1")
    assert (parameters["mount"], parameters["key"]) == ("keys", "bots")
    assert find(parameters, around) == outer
    assert ByTransit.named("") == ByTransit()
    assert ByTransit.named("bots") == ByTransit("bots", "transit")


def test_each_way_to_fail_says_what_to_do_and_shows_no_token(engine: Engine, around: Surroundings) -> None:
    parameters, _ = ByTransit().make(around, protection_id="vpr_1")
    said = []

    def failing(kind: type[Exception], words: str, *, environ: dict[str, str] | None = None, **change: object) -> None:
        where = Surroundings("db_1", around.key_file, {**around.environ, **(environ or {})})
        with pytest.raises(kind, match=words) as refused:
            find({**parameters, **change}, where)
        said.append(f"{refused.value} {getattr(refused.value, 'hint', '')}")

    failing(Unusable, "refuses this token", environ={"VAULT_TOKEN": "hvs.another"})
    failing(Unusable, "does not do it", key="unknown")
    failing(Unusable, "does not do it", ciphertext="vault:v1:" + b64encode(bytes(60)).decode())
    failing(Unusable, "not https", environ={"VAULT_ADDR": "http://vault.example.org:8200"})
    failing(Unusable, "not https", environ={"VAULT_ADDR": ""})
    failing(Busy, "can't be reached", environ={"VAULT_ADDR": "http://127.0.0.1:1"})
    failing(Busy, "at 127.0.0.1:1 can't be reached", environ={"VAULT_ADDR": "http://ada:pa55word@127.0.0.1:1"})
    engine.sealed = True
    failing(Busy, "can't be reached, or is sealed")
    assert not [text for text in said if TOKEN in text or "hvs." in text or "pa55word" in text]
    with pytest.raises(Unopenable):
        find({"key": "keywright"}, around)


def test_no_proxy_of_the_surroundings_comes_between(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    parameters, outer = ByTransit().make(around, protection_id="vpr_1")
    assert find(parameters, around) == outer
