"""LEAK, PP-05: wherever a secret passes, no byte of it stays: not in the data folder, not in what processes print, not
in what the system tells about them; in none of the spellings a secret can hide under."""

from __future__ import annotations

import base64
import copy
import hmac
import json
import pickle
import re
import secrets
import sqlite3
import string
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from keywright.audit.log import LABEL as AUDIT
from keywright.errors import KeywrightError
from keywright.gateway.upstream import LABEL as ASSERTION
from keywright.identity.model import Enrolled, Visitor
from keywright.issuing.grant import LABEL as GRANT
from keywright.issuing.material import pepper
from keywright.issuing.model import NewKey, Owner
from keywright.protocol.message import SignedRequest
from keywright.secret import Secret
from tests.identity.doorway import Doorway
from tests.support import killable
from tests.support.bot import Answered, Bot, send
from tests.support.server import Codes, Installation, Server, Values
from tests.support.world import PASSWORD, World


def spellings(secret: bytes) -> Iterator[bytes]:
    """Give every form a secret is looked for in: raw, base64 at each of three alignments, hex, URL-encoded."""
    yield secret
    yield secret[::-1]
    for offset in range(3):
        # What stands before and after shares a digit with the secret's first and last bytes: those digits are cut off.
        encoded = base64.b64encode(b"\0" * offset + secret).rstrip(b"=")
        shared = -1 if (len(secret) + offset) % 3 else None
        middle = encoded[(0, 2, 3)[offset] : shared]
        yield middle
        yield middle.translate(bytes.maketrans(b"+/", b"-_"))
    yield base64.b32encode(secret).rstrip(b"=")
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for form in ("%{:02X}", "%{:02x}", "\\x{:02x}", "\\u{:04x}"):
        yield "".join(form.format(byte) for byte in secret).encode()
    for safe in ("", "/"):  # some encoders leave a slash as it is
        yield quote(secret, safe=safe).encode()
        yield quote(secret, safe=safe).lower().encode()
    yield secret.decode("latin-1").encode("utf-16-le")


@dataclass
class Canaries:
    """The secrets of one story, by what they are."""

    values: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, value: str | bytes) -> None:
        self.values[name] = value.encode() if isinstance(value, str) else value

    def add_key(self, name: str, values: Values) -> None:
        """Add what belongs to an API key: its secret, its passphrase, and the header value that both make (PP-05)."""
        self.add(f"{name}: secret", values.api_secret)
        self.add(f"{name}: secret's bytes", bytes.fromhex(values.api_secret.replace("-", "")))
        self.add(f"{name}: passphrase", values.api_passphrase)
        mac = hmac.digest(values.api_secret.encode(), values.api_passphrase.encode(), "sha256")
        self.add(f"{name}: passphrase's MAC", mac)
        self.add(f"{name}: passphrase header", base64.b64encode(mac))

    def add_totp(self, name: str, secret: str) -> None:
        self.add(name, secret)
        self.add(f"{name}: bytes", base64.b32decode(secret))

    def found_in(self, content: bytes) -> list[str]:
        """Return the names of the secrets that stand in some content, in whatever spelling."""
        return [name for name, secret in self.values.items() if any(form in content for form in spellings(secret))]


def test_the_search_finds_what_is_hidden() -> None:
    """Without this, an empty result would prove nothing."""
    canaries = Canaries({"it": secrets.token_bytes(29)})
    secret = canaries.values["it"]
    for before in (b"", b"a", b"ab", b"abc"):
        for after in (b"", b"y", b"yz", b"xyz"):
            for hide in (bytes, base64.b64encode, base64.urlsafe_b64encode, bytes.hex, lambda b: b.hex().upper()):
                hidden = hide(before + secret + after)
                text = hidden if isinstance(hidden, bytes) else hidden.encode()
                assert canaries.found_in(b"\0\1" + text + b"\xff") == ["it"], (before, after, hide)
    assert canaries.found_in(quote(b"x" + secret).encode()) == ["it"]
    assert canaries.found_in(secret[:-1] + bytes([secret[-1] ^ 1])) == []
    assert canaries.found_in(secrets.token_bytes(100_000)) == []


# ── a story with many secrets


def typed_passphrase() -> str:
    """Return one that a person might choose: its signs are spelled differently in a URL and in JSON."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16)) + '&"+/1a'


class Story:
    """Everything a secret passes through, once."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.canaries = Canaries()
        self.password = f"lamp-{secrets.token_hex(9)}-Rain"
        self.passphrases = [typed_passphrase() for _ in range(4)]
        self.canaries.add("password", self.password)
        self.weak = "Passwordpassword1"
        self.canaries.add("what was too weak", self.weak)
        for number, passphrase in enumerate(self.passphrases):
            self.canaries.add(f"passphrase {number}", passphrase)

    def set_up(self, server: Server) -> list[Values]:
        """Make a person with two keys at the command line, and a demo key; return the keys' values."""
        cli = self.installation.cli
        made = cli("accounts", "create", "ada@example.org", "--json", stdin=f"{self.password}\n").json
        self.canaries.add_totp("totp secret", made["totp_secret"])
        codes = Codes(made["totp_secret"])
        ada = ("--account", "ada@example.org")
        keys = []
        for number in range(2):
            passphrase = self.passphrases[number]
            create = ("keys", "create", f"bot {number}", *ada, "--permission", "trade", "--json")
            shown = cli(*create, stdin=f"{passphrase}\n{codes.next()}\n").json
            keys.append(Values(shown["id"], shown["secret"], passphrase))
            self.canaries.add_key(f"key {number}", keys[-1])
        demo = self.installation.demo()
        self.canaries.add("demo password", demo["password"])
        self.canaries.add_totp("demo totp secret", demo["totp_secret"])
        keys.append(Values(demo["api_key"], demo["api_secret"], demo["api_passphrase"]))
        self.canaries.add_key("demo key", keys[-1])
        self.canaries.add_key("first key", server.values)
        return [*keys, server.values]

    def go_wrong_at_the_command_line(self, keys: list[Values]) -> None:
        """Type secrets where they are refused: too weak, used before, the account's password, in place of a code."""
        cli, ada = self.installation.cli, ("--account", "ada@example.org")
        for stdin in (
            f"{self.weak}\n000000\n",
            f"{self.passphrases[0]}\n{self.passphrases[1]}\n",  # a passphrase where the code belongs
            f"{self.password}\n000000\n",
            f"{self.passphrases[2]}\n000000\n",
        ):
            refused = cli("keys", "create", "bot", *ada, stdin=stdin, KEYWRIGHT_DEBUG="1")
            assert refused.code in {2, 4}
            assert refused.out == ""
        assert cli("accounts", "create", "bob@example.org", stdin=f"{self.weak}\n").code == 2
        assert cli("keys", "enable", keys[0].api_key, *ada, stdin=f"{self.passphrases[3]}\n").code == 4
        for command in (("keys", "list"), ("keys", "show", keys[0].api_key), ("audit", "list"), ("settings",)):
            assert cli(*command, *(ada if command[0] == "keys" else ())).code == 0
            assert cli(*command, *(ada if command[0] == "keys" else ()), "--json").code == 0

    def trade(self, server: Server, keys: list[Values]) -> None:
        """Use each key as it should be used."""
        for values in keys:
            bot = server.bot(values)
            for target in ("/api/v1/accounts", "/api/v1/user/api-key", "/api/v1/hf/fills?symbol=BTC-USDT"):
                assert bot.get(target).code == "200000"
            order = bot.sign(
                "POST", "/api/v1/hf/orders", b'{"symbol":"BTC-USDT","side":"buy","type":"market","size":"0.001"}'
            )
            assert bot.send(order).code == "200000"
            assert bot.send(order).code == "400100"
            self.remember(order)

    def remember(self, request: SignedRequest) -> None:
        """Count a request's signature among the secrets: for a minute it is one."""
        signature = dict(request.headers)[b"kc-api-sign"]
        self.canaries.add(f"signature {len(self.canaries.values)}", signature)

    def go_wrong_at_the_gateway(self, server: Server, keys: list[Values]) -> list[Answered]:
        """Send secrets where they don't belong, signed and not; return the answers.

        Not in a path or a User-Agent: the usage log keeps both as they came, and no client puts a secret there.
        """
        answers = []
        for values in keys[:2]:
            bot = server.bot(values)
            odd = [quote(values.api_passphrase, safe=""), quote(values.api_secret, safe="")]
            for text in odd:
                for target in (
                    f"/api/v1/accounts?passphrase={text}",  # where KuCoin itself puts one
                    f"/api/v1/sub/api-key?subName=a&passphrase={text}",
                    f"/api/v1/hf/orders/active?symbol={text}",
                    f"/api/v1/nowhere?{text}",
                    f"/?{text}",
                    f"/api/v1/accounts?{text}",
                ):
                    answers.append(bot.get(target))
                    answers.append(send(server.spot, "GET", target))
                    answers.append(send(server.console, "GET", target))
                answers.append(bot.post("/api/v1/hf/orders/test", passphrase=text, symbol=text, side=text))
                answers.append(bot.post("/api/v1/hf/orders", symbol="BTC-USDT", side=text, type=text))
            swapped = Bot(server.spot, key=bot.key, secret=bot.passphrase, passphrase=bot.secret)
            answers.append(swapped.get("/api/v1/accounts"))
            for header, value in (
                (b"kc-api-passphrase", values.api_passphrase.encode()),  # in clear, as version 1 sends it
                (b"kc-api-key", values.api_secret.encode()),
                (b"kc-api-sign", values.api_secret.encode()),
                (b"kc-api-timestamp", values.api_secret.encode()),
                (b"kc-api-key-version", values.api_passphrase.encode()),
                (b"authorization", b"Bearer " + values.api_secret.encode()),
                (b"cookie", b"session=" + values.api_secret.encode()),
            ):
                signed = bot.sign("GET", "/api/v1/accounts")
                headers = {**dict(signed.headers), header: value}
                answers.append(send(server.spot, "GET", "/api/v1/accounts", b"", headers))
            wrong = Bot(server.spot, key=bot.key, secret=bot.secret, passphrase=Secret(self.passphrases[3]))
            answers.append(wrong.get("/api/v1/accounts"))
        return answers

    async def add_keyring(self) -> None:
        """Add the wrapping key, the data key it opens, and what is derived from that."""
        where = killable.folders(self.installation.data)
        line = where.wrapping_key.read_text().splitlines()[1]
        self.canaries.add("wrapping key", base64.b64decode(line))
        async with killable.opened(self.installation.data) as services:
            keyring = services.keyring
        self.canaries.add("data key", keyring.key(keyring.newest).reveal())
        self.canaries.add("pepper", pepper(keyring).reveal())
        for label in (AUDIT, GRANT, ASSERTION):
            self.canaries.add(label, keyring.derive(label).reveal())


# ── and where none of them may be


def leaks_in_files(story: Story) -> dict[str, list[str]]:
    """Return what stands in which file of the data folder, the wrapping key's own place left out."""
    found = {}
    for path in sorted(story.installation.data.rglob("*")):
        if path.is_file():
            names = story.canaries.found_in(path.read_bytes())
            if names and (path.name, names) != ("wrapping.key", ["wrapping key"]):
                found[path.name] = names
    return found


def leaks_in_output(story: Story, *servers: Server) -> list[tuple[str, list[str]]]:
    """Return what was printed that ought not to be. Allowed: the `export` lines of a first start and how the demo account
    signs in, the one JSON object of `demo`, the secret that `keys create` shows, and the authenticator secret that `accounts create` shows."""
    texts: list[tuple[str, str]] = []
    for server in servers:
        kept = [line for line in server.out.splitlines() if not re.match("export KUCOIN_|  (password|code) ", line)]
        texts += [("serve: stdout", "\n".join(kept)), ("serve: stderr", server.err)]
    for said in story.installation.printed:
        name, out = " ".join(said.arguments[:2]), said.out
        if name == "demo --json" and said.code == 0:
            out = ""
        elif name in {"keys create", "accounts create"} and said.code == 0:
            for field_name in ("secret", "totp_secret"):
                out = out.replace(said.json.get(field_name, "\0"), "")
        texts += [(f"{name}: stdout", out), (f"{name}: stderr", said.err)]
    found = [(name, story.canaries.found_in(text.encode())) for name, text in texts]
    return [(name, names) for name, names in found if names]


@pytest.mark.slow
async def test_no_secret_stays_anywhere(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    story = Story(installation)
    with installation.serving() as first:
        keys = story.set_up(first)
        await story.add_keyring()
        story.trade(first, keys)
        answers = story.go_wrong_at_the_gateway(first, keys)
        assert {answer.status for answer in answers} >= {200, 400, 401, 404}
        assert not [answer for answer in answers if answer.status >= 500]
        for answer in answers:
            assert story.canaries.found_in(answer.content + repr(answer.headers).encode()) == []
        story.go_wrong_at_the_command_line(keys)
        process = Path(f"/proc/{first.process.pid}")
        for name in ("cmdline", "environ", "comm", "status"):
            assert story.canaries.found_in((process / name).read_bytes()) == []
        assert re.search(r"Max core file size +0 ", (process / "limits").read_text())
        assert (installation.data / "keywright.db-wal").stat().st_size > 0
        assert leaks_in_files(story) == {}
        first.kill()
        assert leaks_in_files(story) == {}
    with installation.serving() as second:
        story.trade(second, keys)
        assert installation.cli("keys", "disable", keys[0].api_key, "--account", "ada@example.org").code == 0
        assert second.stop() == 0
        assert leaks_in_files(story) == {}
    assert leaks_in_output(story, first, second) == []
    assert len(story.canaries.values) > 30
    with closing(sqlite3.connect(installation.data / "keywright.db")) as connection:
        (seen,) = connection.execute("SELECT count(*) FROM usage_records WHERE status >= 400").fetchone()
        assert seen > 10, "the wrong requests were not even noted"


# ── LEAK-02: what signing in hands about


async def test_leak_02_what_holds_a_token_a_code_or_a_password_shows_none(world: World) -> None:
    doorway = Doorway(world)
    half = await doorway.signed_up("ada@example.org")
    totp_secret = await doorway.new_authenticator(half.session, has_factor=False)
    complete, codes = await doorway.confirm(half.session, totp_secret)
    found = await doorway.found(complete.token)
    assert found is not None
    session, account, credentials = found
    assert complete.device is not None
    typed = Secret("Tr4ding-Pass-91")
    async with doorway.database.write() as tx:
        link = await doorway.entrance.operators.new_code(tx, now=doorway.clock())
        passphrase = await world.services.issuing.vet_passphrase(tx, Owner(account.id), typed)
    canaries = Canaries()
    for number, secret in enumerate(
        (half.token, complete.token, complete.device, totp_secret, *codes, link, typed, PASSWORD)
    ):
        canaries.add(f"secret {number}", secret.reveal())
    canaries.add("password hash", credentials.password_hash)
    canaries.add("sealed secret", credentials.totp_sealed)
    canaries.add("device", session.device)
    holders: tuple[Any, ...] = (
        half,
        complete,
        session,
        account,
        credentials,
        Visitor("198.51.100.7", device=complete.device),
        Enrolled(account, totp_secret),
        passphrase,
        NewKey("bot", passphrase),
        codes,
        doorway.entrance,
        world.services,
        found,
    )
    assert canaries.found_in(repr([secret.reveal() for secret in codes]).encode()), "the search would find one"
    for holder in holders:
        shown = [repr(holder), str(holder), f"{holder}", "%r %s" % (holder, holder), _traceback_with(holder)]
        assert canaries.found_in("\n".join(shown).encode()) == [], type(holder).__name__
    for holder in (
        complete,
        Visitor("198.51.100.7", device=complete.device),
        passphrase,
        Enrolled(account, totp_secret),
    ):
        for spill in (pickle.dumps, copy.deepcopy, json.dumps, asdict):
            with pytest.raises(TypeError):
                spill(holder)


def _traceback_with(held: object) -> str:
    """Return a traceback as a tool prints it that shows the locals of every frame, one of which holds `held`."""
    try:
        _fail(held)
    except KeywrightError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "held = " in text
        return text
    raise AssertionError


def _fail(held: object) -> None:
    raise KeywrightError("a failure with everything in reach", holder=held)
