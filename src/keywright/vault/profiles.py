"""A held key as programs expect it: names of variables for each kind of bot, and an environment that holds no other key. Pure.

Sources of the names: hummingbot's connector fields, ccxt's command line, freqtrade's `FREQTRADE__…` rule, NautilusTrader's
adapters, the examples of KuCoin's universal SDK, and Docker's `…_FILE` habit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keywright.errors import Conflict, Invalid
from keywright.secret import Secret
from keywright.vault.evidence import Credentials, Exchange

INSIDE = "KEYWRIGHT_CONNECTION"
"""Set for the child: the connection's name, and a sign that a key is in this environment."""


class Format(StrEnum):
    """What the program that is started expects."""

    ENV = "env"
    CCXT = "ccxt"
    FREQTRADE = "freqtrade"
    HUMMINGBOT = "hummingbot"
    NAUTILUS = "nautilus"
    KUCOIN_SDK = "kucoin-sdk"
    FILES = "files"


PARTS = ("key", "secret", "passphrase")

_SUFFIXES = {
    Format.ENV: ("{}_API_KEY", "{}_SECRET_KEY", "{}_PASSPHRASE"),
    Format.CCXT: ("{}_APIKEY", "{}_SECRET", "{}_PASSWORD"),
    Format.FREQTRADE: ("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__PASSWORD"),
    Format.NAUTILUS: ("{}_API_KEY", "{}_API_SECRET", "{}_API_PASSPHRASE"),
    Format.KUCOIN_SDK: ("API_KEY", "API_SECRET", "API_PASSPHRASE"),
    Format.FILES: ("{}_API_KEY_FILE", "{}_SECRET_KEY_FILE", "{}_PASSPHRASE_FILE"),
}

# Other exchanges' too: what a shell has of them is nothing a bot of this one should be given along.
_EXCHANGES = "KUCOIN|KC|BINANCE|BITFINEX|BFX|OKX|OKEX|BYBIT|KRAKEN|COINBASE|GATEIO|HTX|BITGET|MEXC"
_SECRET_WORDS = "API_?KEY|API_?SECRET|SECRET(_KEY)?|PASSPHRASE|PASSWORD|API_PASSPHRASE|PRIVATE_KEY"
_FOREIGN = re.compile(
    rf"(?i)((.*_)?({_EXCHANGES})_(.*_)?({_SECRET_WORDS})(_FILE)?|FREQTRADE__EXCHANGE__(KEY|SECRET|PASSWORD|UID)"
    rf"|API_(KEY|SECRET|PASSPHRASE)|KEYWRIGHT_.*(PASSPHRASE|PASSWORD|SECRET|TOKEN).*)"
)

PLAIN = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "TMPDIR",
    "PWD",
    "COLORTERM",
    "NO_COLOR",
)
"""What a pristine environment keeps, with `LC_…` and `XDG_…`."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)", re.IGNORECASE)
_LITERAL = re.compile(r"(true|false|none|null|yes|no|on|off)|[\[{].*", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Handover:
    """What a program is started with."""

    environ: dict[str, str] = field(repr=False)
    """Its whole environment."""
    given: tuple[str, ...]
    """The names of the variables that hold the key."""
    scrubbed: tuple[str, ...]
    """The names of inherited variables that looked like keys, and are gone."""
    stdin: Secret | None = None
    """What it is to read from its standard input, where it takes the key from there."""
    files: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    """Variables whose value is to be the path of a file with this content."""


def hand_over(
    credentials: Credentials,
    inherited: Mapping[str, str],
    *,
    connection: str,
    format: Format = Format.ENV,  # noqa: A002  the word of the command's option
    names: Mapping[str, str] | None = None,
    pristine: bool = False,
) -> Handover:
    """Return the environment for a program that is to use this key, and no other.

    `names` replaces the variables' names by part (`key`, `secret`, `passphrase`). Raises `Conflict` inside another
    `keywright exec`, and `Invalid` for what the program could not take as it is.
    """
    require_outside(inherited)
    values = _values(credentials)
    scrubbed = tuple(sorted(name for name in inherited if _FOREIGN.fullmatch(name)))
    kept = {
        name: value for name, value in inherited.items() if name not in scrubbed and (not pristine or _is_plain(name))
    }
    kept[INSIDE] = connection
    if format is Format.HUMMINGBOT:
        return Handover(kept, (), scrubbed, stdin=_fields(credentials, values))
    called = variables(credentials.exchange, format, names)
    given = {called[part]: value for part, value in values.items()}
    if format is Format.FILES:
        return Handover(kept, tuple(given), scrubbed, files=given)
    for part, value in values.items():
        _require_text(value.reveal_text(), part=part, format=format)
    kept |= {name: value.reveal_text() for name, value in given.items()}
    return Handover(kept, tuple(given), scrubbed)


def require_outside(inherited: Mapping[str, str]) -> None:
    """Do nothing unless this runs inside `keywright exec` already; raises `Conflict`."""
    if inherited.get(INSIDE):
        raise Conflict(
            "this runs inside `keywright exec {inside}` already",
            hint="start it from a shell without a key",
            inside=inherited[INSIDE],
        )


def variables(exchange: Exchange, format: Format, names: Mapping[str, str] | None = None) -> dict[str, str]:  # noqa: A002
    """Return what the variables of each part are called. Raises `Invalid` for a part or name that can't be."""
    if format is Format.KUCOIN_SDK and exchange is not Exchange.KUCOIN:
        raise Invalid("KuCoin's SDK takes keys of KuCoin only", hint="leave --format out", field="format")
    called = {
        part: suffix.format(exchange.value.upper()) for part, suffix in zip(PARTS, _SUFFIXES[format], strict=True)
    }
    require_names(names or {})
    called |= names or {}
    if len(set(called.values())) < len(called):
        raise Invalid("two parts have the same variable", hint="give each a name of its own", field="name")
    return called


def require_names(names: Mapping[str, str]) -> None:
    """Do nothing if parts can have these variables. Raises `Invalid`."""
    for part, name in names.items():
        if part not in PARTS:
            raise Invalid("there is no part {part}", hint="key, secret or passphrase", field="name", part=part)
        if not _NAME.fullmatch(name) or name == INSIDE:
            raise Invalid("{name} is no name for a variable", hint="letters, digits and _", field="name", name=name)
        if _is_plain(name) or name.startswith("LD_"):
            raise Invalid(
                "{name} means something else to every program", hint="choose another name", field="name", name=name
            )


def is_foreign(name: str) -> bool:
    """Tell whether a variable's name is one of an exchange's key."""
    return _FOREIGN.fullmatch(name) is not None


def _values(credentials: Credentials) -> dict[str, Secret]:
    values = {"key": Secret(credentials.key), "secret": credentials.secret}
    if credentials.passphrase is not None:
        values["passphrase"] = credentials.passphrase
    return values


def _fields(credentials: Credentials, values: Mapping[str, Secret]) -> Secret:
    """Return the JSON that `hbot connect EXCHANGE --keys-stdin` reads."""
    exchange = credentials.exchange.value
    called = {"key": f"{exchange}_api_key", "secret": f"{exchange}_secret_key", "passphrase": f"{exchange}_passphrase"}
    if credentials.exchange is Exchange.BINANCE:
        called["secret"] = "binance_api_secret"
    return Secret(json.dumps({called[part]: value.reveal_text() for part, value in values.items()}))


def _require_text(value: str, *, part: str, format: Format) -> None:  # noqa: A002
    """Do nothing for a value that arrives as it is. Raises `Invalid` for one that the program would read as something else."""
    if "\0" in value:
        raise Invalid(
            "the {part} holds a zero byte, which no environment can carry", hint="use --format files", part=part
        )
    if format is Format.FREQTRADE and (_NUMBER.fullmatch(value) or _LITERAL.fullmatch(value)):
        raise Invalid(
            "freqtrade would read this {part} as a number or a literal, and sign with something else",
            hint="use --format files, and a private configuration file of freqtrade's that reads it",
            field="format",
            part=part,
        )


def _is_plain(name: str) -> bool:
    return name in PLAIN or name.startswith(("LC_", "XDG_"))
