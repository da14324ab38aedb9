"""Which files of a bot can give up their key: those whose bot takes it from its environment as well. Pure.

For each other kind that people have there is a sentence that says why not, and what to do.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from keywright.errors import Invalid
from keywright.vault import loose_json
from keywright.vault.evidence import Exchange

_ENV_NAME = re.compile(r"(\.env(\..+)?|.+\.env|\.envrc)")
_PLAIN_NAME = re.compile(r"[^.]+(\.conf)?")
_COMPOSE = re.compile(r"(docker-)?compose[^/]*\.ya?ml")
_ASSIGNMENTS = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:#[^\n]*|(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=[^\n]*)?\r?\n)*\Z"
)
_OF_CCXT = {"apiKey", "secret"}


def require_kind(content: bytes, *, path: str) -> None:
    """Do nothing for a file that sets variables, and for freqtrade's configuration. Raises `Invalid` for every other kind."""
    name = PurePath(path).name
    if name.endswith(".json"):
        _require_freqtrade(content)
    elif _ENV_NAME.fullmatch(name) or (_PLAIN_NAME.fullmatch(name) and _sets_variables(content)):
        return
    elif _COMPOSE.fullmatch(name):
        raise Invalid(
            "a container keeps its environment on the disk, where `docker inspect` shows it",
            hint="hold the key with keywright vault add, and run the bot outside of a container, or with a signing service",
        )
    elif name.endswith(".service"):
        raise Invalid(
            "a unit's own Environment= lines are not taken",
            hint="move them into a file of their own (EnvironmentFile=…), adopt that, and give the unit as --start",
        )
    elif name.endswith((".yml", ".yaml")) and "connectors" in PurePath(path).parts:
        raise Invalid(
            "hummingbot keeps its keys encrypted, and they are not read from here",
            hint="hold the key with keywright vault add, then connect it: keywright exec --format hummingbot NAME -- hbot …",
        )
    else:
        raise Invalid(
            "the bot reads its key from this file itself, and could not be given it in another way",
            hint="adopt takes .env files and freqtrade's configuration; for others use keywright vault add, and a bot that "
            "reads its environment",
        )


def _sets_variables(content: bytes) -> bool:
    """Tell whether it is a file of `NAME=value` lines, as units and shells read them, whatever it is called."""
    return _ASSIGNMENTS.match(content if content.endswith(b"\n") else content + b"\n") is not None


def _require_freqtrade(content: bytes) -> None:
    try:
        texts = loose_json.texts_in(content)
    except ValueError:
        raise Invalid(
            "this is no JSON that freqtrade would take", hint="mend it first: freqtrade show-config tells where"
        ) from None
    if ("exchange", "key") in texts:
        return
    if any((one.value, part) in texts for one in Exchange for part in _OF_CCXT):
        raise Invalid(
            "programs of ccxt take a key from this file before they look at their environment",
            hint="hold the key with keywright vault add, take it out of the file by hand, and start the program with keywright "
            "exec --format ccxt",
        )
    raise Invalid(
        "this is not freqtrade's configuration, and no other JSON is known whose bot could be given the key in another way",
        hint="hold the key with keywright vault add, and let the bot read its environment",
    )
