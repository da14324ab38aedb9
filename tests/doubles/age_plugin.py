"""A plugin of age's in software, run by the real `age` as any other: C2SP's age-plugin, both state machines of version 1.

    age-plugin-NAME --age-plugin=recipient-v1 | identity-v1

Its "device" is a folder: `private` is its key, which leaves it as little as one in hardware would; `settings.json` says
whether it wants a PIN or a touch, and how it is broken; `asked.log` has what was asked of it, and what the answers were like.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NAME = "kwdouble"
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
COLUMNS = 64


@dataclass
class Device:
    """What a plugin talks to."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, **settings: object) -> Device:
        """Make one, and the program that reaches it, in `folder/bin`."""
        folder.mkdir(parents=True)
        (folder / "private").write_bytes(X25519PrivateKey.generate().private_bytes_raw())
        made = cls(folder)
        made.set(**settings)
        made.program.parent.mkdir()
        made.program.write_text(
            f"#!{sys.executable} -I\nimport runpy, sys\nsys.argv.append({str(folder)!r})\n"
            f"runpy.run_path({__file__!r}, run_name='__main__')\n"
        )
        made.program.chmod(0o755)
        made.identity_file.write_text(f"# a key in software\n# recipient: {made.recipient}\n{made.identity}\n")
        made.identity_file.chmod(0o644)  # no secret
        return made

    @property
    def program(self) -> Path:
        return self.folder / "bin" / f"age-plugin-{NAME}"

    @property
    def identity_file(self) -> Path:
        return self.folder / "identity.txt"

    @property
    def settings(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "settings.json").read_text())
        return found

    def set(self, **settings: object) -> None:
        """Change what it wants: `pin`, `touch`, `only`, `hangs`, `floods`, `dies`."""
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def note(self, **what: object) -> None:
        with (self.folder / "asked.log").open("a") as log:
            log.write(json.dumps(what) + "\n")

    @property
    def noted(self) -> list[dict[str, object]]:
        log = self.folder / "asked.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def private(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes((self.folder / "private").read_bytes())

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def recipient(self) -> str:
        return bech32(f"age1{NAME}", self.public)

    @property
    def identity(self) -> str:
        """Tells which key it is, and nothing of the key: eight bytes of what is public."""
        return bech32(f"age-plugin-{NAME}-", self.public[:8]).upper()

    def wrap(self, file_key: bytes, public: bytes) -> tuple[list[str], bytes]:
        once = X25519PrivateKey.generate()
        share = once.public_key().public_bytes_raw()
        shared = once.exchange(X25519PublicKey.from_public_bytes(public))
        body = ChaCha20Poly1305(_stretched(shared, share + public)).encrypt(bytes(12), file_key, None)
        return [NAME, _text(public[:8]), _text(share)], body

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        shared = self.private.exchange(X25519PublicKey.from_public_bytes(share))
        try:
            return ChaCha20Poly1305(_stretched(shared, share + self.public)).decrypt(bytes(12), body, None)
        except InvalidTag:
            return None


def _stretched(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, b"keywright's double of an age plugin").derive(shared)


# ── the protocol


@dataclass
class Stanza:
    words: list[str]
    body: bytes = b""


@dataclass
class Client:
    """The age at the other side."""

    came: BinaryIO
    goes: BinaryIO
    read: list[Stanza] = field(default_factory=list)

    def next(self) -> Stanza:
        line = self.came.readline()
        if not line.startswith(b"-> "):
            sys.exit("the client left")
        words, encoded = line[3:-1].decode().split(" "), ""
        while True:
            piece = self.came.readline()
            encoded += piece.rstrip(b"\n").decode()
            if len(piece) <= COLUMNS:  # with its newline: shorter than a whole line ends the body
                break
        return Stanza(words, _bytes(encoded))

    def send(self, *words: str, body: bytes = b"") -> None:
        encoded = _text(body)
        lines = [encoded[at : at + COLUMNS] for at in range(0, len(encoded), COLUMNS)]
        if not lines or len(lines[-1]) == COLUMNS:
            lines.append("")
        self.goes.write("\n".join([f"-> {' '.join(words)}", *lines, ""]).encode())
        self.goes.flush()

    def ask(self, *words: str, body: bytes = b"") -> Stanza:
        self.send(*words, body=body)
        return self.next()

    def until_done(self) -> list[Stanza]:
        found = []
        while (stanza := self.next()).words != ["done"]:
            found.append(stanza)
        return found


def wrap_for(device: Device, client: Client) -> None:
    """recipient-v1."""
    asked = client.until_done()
    file_keys = [stanza.body for stanza in asked if stanza.words[0] == "wrap-file-key"]
    publics = [unbech32(stanza.words[1]) for stanza in asked if stanza.words[0] == "add-recipient"]
    publics += [device.public for stanza in asked if stanza.words[0] == "add-identity"]
    for index, file_key in enumerate(file_keys):
        for public in publics:
            words, body = device.wrap(file_key, public)
            client.ask("recipient-stanza", str(index), *words, body=body)
    client.send("done")


def unwrap_for(device: Device, client: Client) -> None:
    """identity-v1."""
    asked = client.until_done()
    mine = [
        stanza
        for stanza in asked
        if stanza.words[0] == "recipient-stanza"
        and stanza.words[2] == NAME
        and _bytes(stanza.words[3]) == device.public[:8]
    ]
    ours = {stanza.words[1] for stanza in asked if stanza.words[0] == "add-identity"} == {device.identity}
    if mine and ours and _is_allowed(device, client):
        file_key = device.unwrap(_bytes(mine[0].words[4]), mine[0].body)
        if file_key is not None:
            client.ask("file-key", mine[0].words[1], body=file_key)
    client.send("done")


def _is_allowed(device: Device, client: Client) -> bool:
    settings = device.settings
    if settings.get("floods"):
        for turn in range(200_000):
            client.ask("msg", body=f"again {turn} ".encode() + b"x" * 1_000)
    if settings.get("dies"):
        os._exit(3)
    if settings.get("hangs"):
        device.note(hangs=os.getpid())
        time.sleep(60)
    if pin := settings.get("pin"):
        said = client.ask("request-secret", body=b"PIN of the double:")
        device.note(pin=said.words[0], right=said.body == str(pin).encode())
        if said.body != str(pin).encode():
            client.ask("error", "identity", "0", body=b"the PIN is wrong, 7 tries are left")
            return False
    if settings.get("touch"):
        client.ask("msg", body=b"touch the double, it \x1b[31mblinks")
        said = client.ask("confirm", _text(b"touched"), _text(b"not now"), body=b"Was it touched?")
        device.note(confirm=said.words)
        if said.words != ["ok", "yes"]:
            client.ask("error", "identity", "0", body=b"nobody touched it")
            return False
    return True


def _text(plain: bytes) -> str:
    return b64encode(plain).decode().rstrip("=")


def _bytes(encoded: str) -> bytes:
    return b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)


# ── Bech32 (BIP 173), of which age lifts the limit of length


def bech32(prefix: str, content: bytes) -> str:
    values = _regrouped(content, 8, 5)
    check = _polymod([*_expanded(prefix), *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [(check >> 5 * (5 - at)) & 31 for at in range(6)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def unbech32(text: str) -> bytes:
    prefix, _, rest = text.lower().rpartition("1")
    values = [ALPHABET.index(sign) for sign in rest]
    if _polymod([*_expanded(prefix), *values]) != 1:
        raise ValueError(text)
    return bytes(_regrouped(values[:-6], 5, 8))


def _expanded(prefix: str) -> list[int]:
    return [ord(sign) >> 5 for sign in prefix] + [0] + [ord(sign) & 31 for sign in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if (top >> at) & 1 else 0
    return check


def _regrouped(values: bytes | list[int], old: int, new: int) -> list[int]:
    waiting, bits, found = 0, 0, []
    for value in values:
        waiting, bits = waiting << old | value, bits + old
        while bits >= new:
            bits -= new
            found.append(waiting >> bits & ((1 << new) - 1))
    if old > new and bits:
        found.append(waiting << (new - bits) & ((1 << new) - 1))
    return found


def main() -> None:
    device = Device(Path(sys.argv[-1]))
    machine = sys.argv[1].removeprefix("--age-plugin=")
    inherited = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    pipes = [number for number in inherited if number > 2 and _is_pipe(number)]
    device.note(machine=machine, variables=sorted(os.environ), pipes=pipes)
    if device.settings.get("only", machine) != machine:
        sys.exit("this state machine is not one of mine")
    client = Client(sys.stdin.buffer, sys.stdout.buffer)
    {"recipient-v1": wrap_for, "identity-v1": unwrap_for}[machine](device, client)


def _is_pipe(number: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(number).st_mode)
    except OSError:
        return False


if __name__ == "__main__":
    main()
