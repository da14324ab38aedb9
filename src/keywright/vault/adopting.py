"""How a bot's file gives up its key: what stands where, the file without it, and the way back. Pure.

1. find the parts of one exchange's key in the file, by `scan`
2. tell how the bot will be given them instead: variables of the same names, or freqtrade's own
3. write the file without them; what else is in it stays byte for byte
4. remember where they stood, never what they were: with the key from the vault, `restored` gives the first file back
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from keywright.errors import Conflict, Invalid, NotFound
from keywright.scan.model import Part
from keywright.scan.text import find
from keywright.secret import Secret
from keywright.vault import loose_json, pasted
from keywright.vault.adoptable import require_kind
from keywright.vault.evidence import Credentials, Exchange
from keywright.vault.profiles import Format

MOST_BYTES = 1 << 20
MASK = b"\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"  # what is shown in place of a value

BOM = b"\xef\xbb\xbf"  # what some editors begin a file with
_ASSIGNED = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(['\"]?)$")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a part stood, and what went with it: `before` + value + `behind` gave way to `instead`."""

    part: str
    start: int
    """In bytes of the first file; of `before`."""
    length: int
    """Of all three together."""
    before: str
    """These three as Latin-1, so that they are exact."""
    behind: str
    instead: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """A file that gave up its key."""

    exchange: Exchange
    format: Format
    names: Mapping[str, str]
    """The variables its bot reads, by part, where they are not the format's own."""
    spots: tuple[Spot, ...]
    before: str
    """The first file's SHA-256, in hex."""
    after: str
    """The new file's."""

    def written(self) -> str:
        """Return it as JSON, to be kept; `read` is the way back. It holds nothing of the key."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Adoption:
        """Return what `written` gave. Raises `Invalid` for anything else."""
        try:
            kept: dict[str, Any] = json.loads(text)
            spots = tuple(Spot(**spot) for spot in kept["spots"])
            return cls(
                Exchange(kept["exchange"]),
                Format(kept["format"]),
                dict(kept["names"]),
                spots,
                kept["before"],
                kept["after"],
            )
        except (ValueError, TypeError, KeyError):
            raise Invalid("this is no note of an adoption", hint="restore the file from your own backup") from None

    def options(self) -> tuple[str, ...]:
        """Return the options that `keywright exec` takes for this bot."""
        chosen = () if self.format is Format.ENV else ("--format", self.format.value)
        return (*chosen, *(word for part, name in self.names.items() for word in ("--name", f"{part}={name}")))


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done with a file; nothing is done yet."""

    adoption: Adoption
    credentials: Credentials
    content: bytes = field(repr=False)
    """The file as it will be. It may hold other secrets."""


def plan(content: bytes, *, path: str, exchange: Exchange | None = None) -> Plan:
    """Return how a file gives up its key. `exchange` chooses where it holds several exchanges', or says whose it is.

    Raises `NotFound` where it holds no whole key, `Conflict` where it holds several, and `Invalid` for a kind of file whose
    bot could not be given the key in another way.
    """
    if len(content) > MOST_BYTES:
        raise Invalid("the file is too long for a bot's settings", hint="name the file that holds the key")
    require_kind(content, path=path)
    if path.endswith(".json"):
        chosen, found, spots = _out_of_freqtrade(content, exchange)
        given, format_ = dict[str, str](), Format.FREQTRADE
    else:
        chosen, found = _parts(content, path, exchange)
        spots, given = _out_of_env(content, found)
        format_ = Format.ENV
    new = _replaced(content, spots)
    adoption = Adoption(chosen, format_, given, spots, sha256(content).hexdigest(), sha256(new).hexdigest())
    passphrase = Secret(found["passphrase"]) if "passphrase" in found else None
    given_key = pasted.credentials(
        chosen, key=found["key"].decode("utf-8", "replace"), secret=Secret(found["secret"]), passphrase=passphrase
    )
    return Plan(adoption, given_key, new)


def restored(content: bytes, adoption: Adoption, credentials: Credentials) -> bytes:
    """Return the first file, byte for byte. Raises `Conflict` where the file, or the key, is another one by now."""
    if sha256(content).hexdigest() != adoption.after:
        raise Conflict(
            "the file was changed since it was adopted", hint="undo that change first, or write the key into it by hand"
        )
    values = {"key": credentials.key.encode(), "secret": credentials.secret.reveal()}
    if credentials.passphrase is not None:
        values["passphrase"] = credentials.passphrase.reveal()
    result = content
    for spot in sorted(adoption.spots, key=lambda spot: spot.start):  # what stands before one is as it was by then
        value = spot.before.encode("latin-1") + values.get(spot.part, b"") + spot.behind.encode("latin-1")
        result = result[: spot.start] + value + result[spot.start + len(spot.instead.encode("latin-1")) :]
    if sha256(result).hexdigest() != adoption.before:
        raise Conflict(
            "the connection holds another key than the file had",
            hint="it was rotated since; write the new one into it by hand",
        )
    return result


def difference(content: bytes, planned: Plan, *, path: str) -> str:
    """Return the change as people read changes, with the values masked."""
    shown = content
    for spot in sorted(planned.adoption.spots, key=lambda spot: -spot.start):
        masked = spot.before.encode("latin-1") + MASK + spot.behind.encode("latin-1")
        shown = shown[: spot.start] + masked + shown[spot.start + spot.length :]
    now, then = (text.decode("utf-8", "replace").splitlines() for text in (shown, planned.content))
    return "\n".join(difflib.unified_diff(now, then, f"{path} (now)", f"{path} (then)", lineterm="", n=2))


def _parts(content: bytes, path: str, wanted: Exchange | None) -> tuple[Exchange, dict[str, bytes]]:
    """Return the one exchange, and its key's parts."""
    starts = [0, *(found.end() for found in re.finditer(rb"\n", content))]
    found: dict[Exchange, dict[str, bytes]] = {}
    for hit in find(content, path=path):
        if hit.exchange not in set(Exchange) or (wanted is not None and hit.exchange != wanted):
            continue
        exchange = Exchange(hit.exchange)
        parts = found.setdefault(exchange, {})
        value = _value(content, starts[hit.line - 1] + hit.column - 1, hit.part)
        if parts.setdefault(hit.part.value, value) != value:
            raise Conflict("the file holds two keys of {exchange}", hint="part them first", exchange=exchange.title)
    whole = {
        exchange: parts
        for exchange, parts in found.items()
        if {"key", "secret"} <= set(parts) and (not exchange.has_passphrase or "passphrase" in parts)
    }
    if not whole:
        if b"PRIVATE KEY-----" in content:
            raise NotFound(
                "a private key in PEM is not taken out of such a file",
                hint="keywright vault add --exchange binance asks for it: give @ and its path. Then take it out by hand",
            )
        raise _no_key()
    if len(whole) > 1:
        raise Conflict(
            "the file holds keys of several exchanges",
            hint="choose one with --exchange, and adopt it again for the other",
        )
    return next(iter(whole.items()))


def _no_key() -> NotFound:
    return NotFound(
        "there is no whole key of KuCoin, Binance or Bitfinex in this file",
        hint="keywright scan shows what is in it; a key of KuCoin needs its passphrase, too",
    )


def _value(content: bytes, start: int, part: Part) -> bytes:
    pattern = rb"[^\s\"'`]+" if part is Part.PASSPHRASE else rb"[A-Za-z0-9+/=-]+"
    found = re.compile(pattern).match(content, start)
    return found[0] if found else b""


def _everywhere(content: bytes, parts: Mapping[str, bytes]) -> list[tuple[str, int]]:
    """Return every place a value stands, under whatever name: none of them may stay."""
    return [
        (part, found.start())
        for part, value in parts.items()
        for found in re.finditer(rb"(?<![A-Za-z0-9])" + re.escape(value) + rb"(?![A-Za-z0-9])", content)
    ]


def _out_of_env(content: bytes, parts: Mapping[str, bytes]) -> tuple[tuple[Spot, ...], dict[str, str]]:
    """Return the spots of a `.env` file, and the variables its bot reads. Lines become comments: an empty value would win
    over the environment where a shell reads the file.
    """
    spots, names = [], dict[str, str]()
    for part, start in _everywhere(content, parts):
        value, line = parts[part], content.rfind(b"\n", 0, start) + 1
        line += len(BOM) if line == 0 and content.startswith(BOM) else 0
        if content[line:start].lstrip().startswith(b"#"):
            spots.append(Spot(part, start, len(value), "", "", ""))
            continue
        assigned = _ASSIGNED.fullmatch(content[line:start])
        if assigned is None:
            raise Invalid("the {part} stands in no assignment of its own", hint="NAME=value, one to a line", part=part)
        name, quote = assigned[1].decode(), assigned[2]
        if names.setdefault(part, name) != name:
            raise Conflict("the {part} has two names in this file", hint="keep one of them", part=part)
        behind = quote if content.startswith(quote, start + len(value)) else b""
        before = content[line:start].decode("latin-1")
        length = start + len(value) + len(behind) - line
        spots.append(Spot(part, line, length, before, behind.decode(), f"# {name}: in the vault of keywright"))
    if set(names) != set(parts):
        raise Conflict(
            "a part of the key stands in a comment only", hint="the bot can't be using it: mend the file first"
        )
    return tuple(spots), names


def _out_of_freqtrade(content: bytes, wanted: Exchange | None) -> tuple[Exchange, dict[str, bytes], tuple[Spot, ...]]:
    """Return whose key freqtrade's configuration holds, its parts, and their spots: the values become empty."""
    texts = loose_json.texts_in(content)
    whose = texts.get(("exchange", "name"))
    exchange = _exchange_of(whose.value if whose else "", wanted)
    names = {"key": "key", "secret": "secret", "passphrase": "password"}
    places = {part: texts[path] for part, name in names.items() if (path := ("exchange", name)) in texts}
    if not exchange.has_passphrase:
        places.pop("passphrase", None)
    found = {part: content[place.start : place.end] for part, place in places.items() if place.value}
    if not {"key", "secret"} <= set(found) or (exchange.has_passphrase and "passphrase" not in found):
        raise _no_key()
    if any(b"\\" in value for value in found.values()):
        raise Invalid("a part of the key is written with a backslash", hint="write its characters as they are")
    # Key and secret may stay nowhere, not even in a comment. A passphrase is a word that something else may have, too.
    spots = {(part, start) for part, start in _everywhere(content, found) if part != "passphrase"}
    spots |= {(part, place.start) for part, place in places.items() if part in found}
    ordered = sorted(spots, key=lambda spot: spot[1])
    return exchange, found, tuple(Spot(part, start, len(found[part]), "", "", "") for part, start in ordered)


def _exchange_of(named: str, wanted: Exchange | None) -> Exchange:
    if not named and wanted is None:
        raise Invalid(
            "this part of freqtrade's configuration does not say whose key it holds",
            hint="say it: --exchange kucoin, binance or bitfinex",
        )
    if named and wanted is not None and named.lower() != wanted.value:
        raise _no_key()
    if wanted is not None:
        return wanted
    if named.lower() not in set(Exchange):
        raise Invalid("keys of {word} can't be held", hint="choose kucoin, binance or bitfinex", word=repr(named[:32]))
    return Exchange(named.lower())


def _replaced(content: bytes, spots: tuple[Spot, ...]) -> bytes:
    for spot in sorted(spots, key=lambda spot: -spot.start):
        content = content[: spot.start] + spot.instead.encode("latin-1") + content[spot.start + spot.length :]
    return content
