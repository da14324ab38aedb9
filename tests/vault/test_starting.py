"""A bot's start goes through `keywright exec`, and all else in the file stays."""

from __future__ import annotations

import pytest

from keywright.errors import Conflict, Invalid, KeywrightError, NotFound
from keywright.vault.starting import goes_through_exec, with_exec, without_exec

UNIT = "[Unit]\nDescription=grid\n\n[Service]\nUser=bot\nExecStart=-/opt/bot/.venv/bin/python -m grid --fast\nRestart=always\n"
SCRIPT = '#!/bin/bash\nset -e\n# python was here\ncd /opt/bot\n  exec ./grid.sh "$@"\n'
PROCFILE = "worker: python grid.py\n"
WORDS = "/usr/bin/keywright exec grid --format ccxt -- "


def started(text: str, path: str) -> str:
    return with_exec(text, path=path, program="/usr/bin/keywright", name="grid", options=("--format", "ccxt"))


@pytest.mark.parametrize(
    ("text", "path", "before", "after"),
    [
        (UNIT, "grid.service", "ExecStart=-/opt", f"ExecStart=-{WORDS}/opt"),
        (SCRIPT, "run.sh", "  exec ./grid.sh", f"  exec {WORDS}./grid.sh"),
        (PROCFILE, "bot/Procfile", "worker: python", f"worker: {WORDS}python"),
    ],
)
def test_what_starts_the_bot_is_put_behind_it(text: str, path: str, before: str, after: str) -> None:
    assert started(text, path) == text.replace(before, after)
    assert goes_through_exec(started(text, path), name="grid", options=("--format", "ccxt"))
    assert not goes_through_exec(text, name="grid", options=("--format", "ccxt"))
    assert without_exec(started(text, path), name="grid", options=("--format", "ccxt")) == text
    with pytest.raises(NotFound):
        without_exec(text, name="grid", options=("--format", "ccxt"))


def test_a_name_with_spaces_is_quoted() -> None:
    told = with_exec(PROCFILE, path="Procfile", program="keywright", name="night grid", options=())
    assert told == "worker: keywright exec 'night grid' -- python grid.py\n"
    assert without_exec(told, name="night grid", options=()) == PROCFILE
    told = with_exec(PROCFILE, path="Procfile", program="/home/a b/keywright", name="grid", options=())
    assert without_exec(told, name="grid", options=()) == PROCFILE


@pytest.mark.parametrize(
    ("text", "path", "error"),
    [
        (started(UNIT, "grid.service"), "grid.service", Conflict),
        ("[Unit]\nDescription=x\n", "grid.service", NotFound),
        ("#!/bin/sh\necho python\n", "run.sh", NotFound),
        ("python a.py &\npython b.py\n", "run.sh", Invalid),
    ],
)
def test_what_is_not_one_start_is_left_to_its_owner(text: str, path: str, error: type[KeywrightError]) -> None:
    with pytest.raises(error):
        started(text, path)
