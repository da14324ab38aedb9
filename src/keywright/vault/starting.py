"""A bot's start, with `keywright exec` before it, and without it again. Pure.

Takes systemd's units (`ExecStart=`), shell scripts and `Procfile`s that start one program. What else is in the file stays.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from keywright.errors import Conflict, Invalid, NotFound

_UNIT = re.compile(r"^(ExecStart=[-@:+!]*)(\S.*)$", re.MULTILINE)
_PROGRAM = (
    r"(?:[^\s#]*/)?(?:python[0-9.]*|node|npm|npx|bun|deno|uv|poetry|pipenv|java|freqtrade|hummingbot|bash|sh|ruby|go|cargo|docker)\b"
    r"|\.{1,2}/\S+"
)
_SCRIPT = re.compile(rf"^([ \t]*(?:exec[ \t]+|nohup[ \t]+)?)((?:{_PROGRAM}).*)$", re.MULTILINE)
_PROCFILE = re.compile(r"^([A-Za-z0-9_-]+:[ \t]*)(\S.*)$", re.MULTILINE)
_THROUGH = r"(?:'/[^'\n]*keywright'|/[^\s'=]*keywright|(?<![\w/.-])keywright) exec "


def with_exec(text: str, *, path: str, program: str, name: str, options: Sequence[str]) -> str:
    """Return the file that starts its program through `keywright exec`. `program` is the command's own path.

    Raises `Conflict` where it does already, and `NotFound` or `Invalid` where it starts none, or several.
    """
    if re.search(_THROUGH, text):
        raise Conflict("this start goes through keywright exec already", hint="nothing need be changed")
    found = list(_pattern(path).finditer(text))
    if not found:
        raise NotFound("no program is started here that could be told", hint="put keywright exec before it by hand")
    if len(found) > 1:
        raise Invalid("several programs are started here", hint="put keywright exec before the right one by hand")
    words = shlex.join([program, "exec", name, *options, "--"])
    at = found[0].start(2)
    return f"{text[:at]}{words} {text[at:]}"


def goes_through_exec(text: str, *, name: str, options: Sequence[str]) -> bool:
    """Tell whether a start hands out this very connection in this very way already."""
    return re.search(_put_before(name, options), text) is not None


def without_exec(text: str, *, name: str, options: Sequence[str]) -> str:
    """Return the file as it was before `with_exec`. Raises `NotFound` where that was not, or is not any more."""
    found = list(re.finditer(_put_before(name, options), text))
    if len(found) != 1:
        raise NotFound(
            "this start does not go through keywright exec for that connection",
            hint="nothing need be changed, or by hand",
        )
    return text[: found[0].start()] + text[found[0].end() :]


def _put_before(name: str, options: Sequence[str]) -> str:
    return _THROUGH + re.escape(shlex.join([name, *options, "--"])) + " "


def _pattern(path: str) -> re.Pattern[str]:
    if path.endswith(".service"):
        return _UNIT
    return _PROCFILE if path.rpartition("/")[2] == "Procfile" else _SCRIPT
