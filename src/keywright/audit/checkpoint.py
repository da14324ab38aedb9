"""Checkpoints: signed statements of how many events there are and of what they say. Pure: text in, text out.

    # Keywright audit checkpoint: …            two lines that say what this is
    version: 1
    database: db_…                             whose log
    number: 7                                  checkpoints are numbered from 1; none is left out
    events: 1234                               how many events it speaks of
    at: 2026-01-01T00:00:00.000Z
    head: sha256:…                             of the MAC of event 1234
    link: sha256:…                             of the export's line 1234, which names the link before it, and so on
    previous: sha256:…                         of the whole file of checkpoint 6; `none` in the first
    key: ed25519:…
    signature: …                               Ed25519 (RFC 8032), base64, over every byte before this line

A checkpoint is read strictly: what is not exactly as it would be written is none. The MAC itself is not published: it
is what keeps a link from being a way to try out what an event says (docs/decisions/0019).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keywright.audit.chain import Place
from keywright.errors import Invalid, Unusable
from keywright.secret import Secret

LABEL = "audit-checkpoint/v1"
"""The label under which the keyring derives the signing key."""

MAX_BYTES = 4_096
"""Longer than any checkpoint: no more is ever read of a file."""

ABOUT = """\
# Keywright audit checkpoint: the log of this database held these events. Keep copies where its server can't write.
# Check it with `keywright audit verify`, or anywhere, without keys, with `keywright audit verify-export`.
"""
FORM = re.compile(
    re.escape(ABOUT) + r"version: 1\n"
    r"database: (?P<database>[A-Za-z0-9_-]{1,64})\n"
    r"number: (?P<number>[1-9][0-9]{0,14})\n"
    r"events: (?P<events>[1-9][0-9]{0,17})\n"
    r"at: (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)\n"
    r"head: sha256:(?P<head>[0-9a-f]{64})\n"
    r"link: sha256:(?P<link>[0-9a-f]{64})\n"
    r"previous: (?P<previous>none|sha256:[0-9a-f]{64})\n"
    r"key: (?P<key>ed25519:[A-Za-z0-9+/]{43}=)\n"
    r"signature: (?P<signature>[A-Za-z0-9+/]{86}==)\n"
)
OTHER_VERSION = re.compile(r"^version: (\S{1,16})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a checkpoint says."""

    database_id: str
    number: int
    events: int
    at: int
    head: str
    """SHA-256 of the newest event's MAC, in hex."""
    link: str
    """Link of the newest event, in hex."""
    previous: str
    """SHA-256 of the checkpoint before, in hex; empty in the first."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement and the signed text that makes it."""

    statement: Statement
    text: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the whole text, in hex: by this the next one names it."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def name(self) -> str:
        """What its file is called."""
        return name_of(self.statement.number)


class CheckpointKey:
    """Signs checkpoints."""

    def __init__(self, key: Secret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(key.reveal())
        self.public = "ed25519:" + base64.b64encode(self._key.public_key().public_bytes_raw()).decode()
        """The public key, as checkpoints name it and people hand it on."""

    def sign(self, statement: Statement) -> Checkpoint:
        """Return the checkpoint that makes this statement."""
        previous = f"sha256:{statement.previous}" if statement.previous else "none"
        signed = (
            f"{ABOUT}version: 1\ndatabase: {statement.database_id}\nnumber: {statement.number}\n"
            f"events: {statement.events}\nat: {_moment(statement.at)}\nhead: sha256:{statement.head}\n"
            f"link: sha256:{statement.link}\nprevious: {previous}\nkey: {self.public}\n"
        ).encode()
        signature = base64.b64encode(self._key.sign(signed))
        return Checkpoint(statement, signed + b"signature: " + signature + b"\n")


def head_digest(mac: bytes) -> str:
    """Return what a checkpoint says of the newest event's MAC."""
    return hashlib.sha256(mac).hexdigest()


def name_of(number: int) -> str:
    """Return what the file of a checkpoint is called."""
    return f"checkpoint-{number:08}.txt"


def read(text: bytes, *, name: str, public_key: str) -> Checkpoint:
    """Return the checkpoint that `text` is, signed with the key that was expected; raises `Unusable` otherwise."""
    try:
        found = FORM.fullmatch(text.decode("ascii"))
    except UnicodeDecodeError:
        found = None
    if found is None:
        other = OTHER_VERSION.search(text[:MAX_BYTES].decode("ascii", "replace"))
        if text.startswith(b"# Keywright audit checkpoint") and other and other[1] != "1":
            raise Unusable(
                f"{name} is a checkpoint of version {other[1]}, which this program does not know",
                hint="check it with a newer version of Keywright",
            )
        raise Unusable(
            f"{name} is no checkpoint: it was cut off or altered", hint="compare it with a copy kept elsewhere"
        )
    if found["key"] != public_key:
        raise Unusable(
            f"{name} is signed with another key ({found['key']}) than the one expected ({public_key})",
            hint="`keywright audit key` prints a database's own",
        )
    signed = text[: found.start("signature") - len("signature: ")]
    try:
        _public(public_key).verify(base64.b64decode(found["signature"]), signed)
        at = _milliseconds(found["at"])
    except (InvalidSignature, ValueError):
        raise Unusable(
            f"the signature of {name} does not hold: it was altered or forged",
            hint="compare it with a copy kept elsewhere",
        ) from None
    statement = Statement(
        database_id=found["database"],
        number=int(found["number"]),
        events=int(found["events"]),
        at=at,
        head=found["head"],
        link=found["link"],
        previous=found["previous"].removeprefix("sha256:").removeprefix("none"),
    )
    return Checkpoint(statement, text)


def in_order(
    texts: Iterable[tuple[str, bytes]], *, public_key: str, database_id: str | None = None
) -> Iterator[Checkpoint]:
    """Give the checkpoints of these files, named and ordered by number, each proved to follow from the one before.

    Raises `Unusable` at the first that is bad, missing, out of place, or of another database than `database_id`, which
    is the first one's where it is not given.
    """
    before: Checkpoint | None = None
    for name, text in texts:
        one = read(text, name=name, public_key=public_key)
        said, number = one.statement, (before.statement.number if before else 0) + 1
        if said.database_id != (database_id or said.database_id):
            raise Unusable(f"{name} speaks of another database ({said.database_id})", hint="is it the right folder?")
        if name != one.name:
            raise Unusable(f"{name} holds checkpoint {said.number}: it was renamed", hint=f"its name is {one.name}")
        if said.number != number:
            raise Unusable(
                f"checkpoint {number} is missing: {name_of(number)} is not among the files",
                hint="who took it away? Put it back from a copy kept elsewhere",
            )
        if said.previous != (before.digest if before else ""):
            raise Unusable(
                f"checkpoint {number} does not follow from the one before it: one of the two was exchanged",
                hint="compare them with copies kept elsewhere",
            )
        if before and said.events <= before.statement.events:
            raise Unusable(f"checkpoint {number} speaks of fewer events than the one before it")
        yield one
        before, database_id = one, said.database_id


class Comparison:
    """Compares checkpoints, in order, with events, in order: both pass by once and neither is kept."""

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self._coming = iter(checkpoints)
        self._next = next(self._coming, None)
        self.newest: Checkpoint | None = None
        """The newest one that was passed."""
        self.held = 0
        """How many were found to say what the events say."""

    def begin(self, link: str, *, after: int) -> None:
        """Begin after so many events that are not here: checkpoints of fewer say nothing about those that are."""
        while self._next is not None and self._next.statement.events < after:
            self._pass()
        if after and self._next is not None and self._next.statement.events == after:
            self._require(link, self._next.statement.link, self._next.statement)

    def see(self, place: Place) -> None:
        """Look at the event after which `place` is. Raises `Unusable` where a checkpoint says something else."""
        if self._next is not None and self._next.statement.events == place.count:
            said = self._next.statement
            self._require(place.link.hex() + head_digest(place.mac), said.link + said.head, said)

    def hear(self, number: int, digest: str, *, seq: int) -> None:
        """Hear from event `seq` that a checkpoint was made. Raises `Unusable` where that is not the newest one passed."""
        passed = self.newest.statement.number if self.newest else 0
        if passed < number:
            raise Unusable(
                f"checkpoint {number} is missing: event {seq} says it was made, and {name_of(number)} is not among the files",
                hint="who took it away? Put it back from a copy kept elsewhere",
            )
        if self.newest is None or passed > number or self.newest.digest != digest:
            raise Unusable(f"checkpoint {number} is not the one that event {seq} says was made: it was exchanged")

    def end(self, count: int, *, of: str) -> None:
        """End after `count` events. Raises `Unusable` when a checkpoint speaks of more."""
        if self._next is None:
            return
        said = self._next.statement
        raise Unusable(
            f"checkpoint {said.number} of {_moment(said.at)} speaks of {said.events} events, and {of} has only {count}: "
            "an older copy was put back, or the end was cut off",
            hint="keep this copy, and look for the newer one",
        )

    def _require(self, found: str, said: str, statement: Statement) -> None:
        if found != said:
            raise Unusable(
                f"checkpoint {statement.number} does not hold: event {statement.events}, or one before it, is not what it "
                f"was on {_moment(statement.at)}. The history was rewritten",
                hint="keep this copy, and compare it with a backup from before",
            )
        self.held += 1
        self._pass()

    def _pass(self) -> None:
        self.newest, self._next = self._next, next(self._coming, None)


def check_public_key(text: str) -> str:
    """Return a public key as checkpoints name it; raises `Invalid` for what is none."""
    try:
        _public(text.strip())
    except (ValueError, binascii.Error):
        raise Invalid(
            "that is no public key", hint="`keywright audit key` prints it: ed25519:…", field="public_key"
        ) from None
    return text.strip()


def _public(text: str) -> Ed25519PublicKey:
    kind, _, key = text.partition(":")
    if kind != "ed25519":
        raise ValueError(kind)
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(at: int) -> str:
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - EPOCH) // timedelta(milliseconds=1)
